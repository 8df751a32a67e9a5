"""Which row of the Activity Log belongs to which due time of a job.

In: due times, rows and jobs of ONE organization. Out: for every due time its row, whether that row came
late, and the row by which a person repaired it; and the rows that belong to none of them. Rules (contract
decision 4):

1. In time: a row that nobody started by hand, from 60 s before the due time (clocks differ) to ``grace``
   after it, or after the end of known maintenance that it was due in. The nearest pair goes first,
   then the next nearest: one row for one due time and the reverse.
2. Late: a further row goes to the latest due time before it that has no row. A schedule never starts early, so
   even just before the next due time it is a run of an earlier one. The due times that follow those asked for
   take their rows too, so tomorrow's run never explains today's gap.
3. By hand: a manual row that did not fail repairs the latest due time at or before its start whose own row is
   missing or is no success; of a scheduled trigger only inside the same audience (``same_audience``).

Which of several rows or due times wins is settled by time and then by run id, never by the order of the
input. Fails with ReconciliationError for a second organization or a job that the catalog lacks. What it
does not do: judge. A matched row may have failed; decision rules R1 to R16 judge. pandas is imported only
when matching.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.jobs import ActivityRow, Job, Occurrence
from pro2_reconciliation.domain.pairing import latest_before, nearest_pairs
from pro2_reconciliation.domain.schedule import occurrences as occurrences_of
from pro2_reconciliation.domain.words import Outcome, ProcessType

CLOCK_SKEW = timedelta(seconds=60)
"""How long before its due time a run may seem to start, because two machines' clocks differ."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DID_NOT_HAPPEN = frozenset({Outcome.FULL_ERROR, Outcome.STOPPED})


class Match(NamedTuple):
    """What the log shows of one due time. ``repaired_by_hand`` may stand beside a ``row`` that failed."""

    occurrence: Occurrence
    row: ActivityRow | None = None
    late: bool = False
    repaired_by_hand: ActivityRow | None = None

    @property
    def found(self) -> bool:
        """Whether the log shows anything of it, good or bad."""
        return self.row is not None or self.repaired_by_hand is not None


@dataclass(frozen=True)
class Matches:
    """``by_key``: occurrence key to match, by (due, job). ``unmatched``: job id to rows, oldest first."""

    by_key: Mapping[str, Match] = field(default_factory=dict)
    unmatched: Mapping[str, tuple[ActivityRow, ...]] = field(default_factory=dict)

    def of(self, occurrence: Occurrence) -> Match:
        return self.by_key[occurrence.key]


def match(occurrences: Sequence[Occurrence], rows: Sequence[ActivityRow], jobs: Mapping[str, Job]) -> Matches:
    """Match ``rows`` to ``occurrences`` by the rules above; ``jobs`` by id. Rows of other organizations are
    left out.

    Rows of jobs that the catalog lacks stand under ``unmatched``. Raises ReconciliationError, see the module.
    """
    organization = _organization(occurrences, jobs)
    wanted = {one.key: one for one in sorted(occurrences, key=attrgetter("due", "job_id"))}
    mine = _rows_of(organization, rows)
    runs = _Runs.of(mine)
    dues = _Dues.of(list(wanted.values()))
    dues = dues.with_followers(runs, jobs)
    taken, late = _scheduled(dues, runs, jobs)
    by_hand = _by_hand(dues, runs, jobs, taken)

    asked = len(wanted)
    used = bytearray(len(mine))
    for due, row in [*taken.items(), *by_hand.items()]:
        used[row] |= due < asked
    unmatched: dict[str, list[ActivityRow]] = defaultdict(list)
    for index in [index for index, done in enumerate(used) if not done]:
        unmatched[mine[index].job_id].append(mine[index])
    matched = {
        key: Match(
            occurrence,
            mine[taken[index]] if index in taken else None,
            index in late,
            mine[by_hand[index]] if index in by_hand else None,
        )
        for index, (key, occurrence) in enumerate(wanted.items())
    }
    return Matches(matched, {job: tuple(found) for job, found in sorted(unmatched.items())})


def same_audience(job: Job, due: datetime, moment: datetime) -> bool | None:
    """Whether ``moment`` picks the same patrons as ``due`` did; None where the configuration does not say.

    A static audience never moves. Otherwise both must lie in [due, due + window_hours). Jobs other than
    scheduled triggers have no audience of their own: True.
    """
    if job.process_type is not ProcessType.SCHEDULED_TRIGGER or job.audience.kind == "static":
        return True
    if job.audience.window_hours is None:
        return None
    return due <= moment < due + timedelta(hours=job.audience.window_hours)


def last_matched(
    job: Job, occurrences_before: Sequence[Occurrence], rows: Sequence[ActivityRow], n: int = 3
) -> int:
    """How many of the last ``n`` of these due times left a row near them in the log (R5: 0 is suspicious)."""
    own = [one for one in occurrences_before if one.job_id == job.id]
    return traces({job.id: own}, rows, {job.id: job}, n)[job.id]


def traces(
    before: Mapping[str, Sequence[Occurrence]],
    rows: Sequence[ActivityRow],
    jobs: Mapping[str, Job],
    n: int = 3,
) -> dict[str, int]:
    """As :func:`last_matched`, for many jobs at once; ``before`` by job id."""
    found = dict.fromkeys(before, 0)
    last = [one for own in before.values() for one in sorted(own, key=attrgetter("due"))[-n:] if n > 0]
    own_rows = [row for row in rows if row.job_id in before]
    for one in match(last, own_rows, {job: jobs[job] for job in before}).by_key.values():
        found[one.occurrence.job_id] += one.found and not _nearer_to_the_next(one)
    return found


def _nearer_to_the_next(found: Match) -> bool:
    """A run so late may as well be one of a schedule that the catalog does not know."""
    following = found.occurrence.next_due
    if not found.late or found.row is None or following is None:
        return False
    return following - found.row.started < found.row.started - found.occurrence.due


def _organization(occurrences: Iterable[Occurrence], jobs: Mapping[str, Job]) -> str | None:
    names = {job.organization for job in jobs.values()}
    for one in occurrences:
        names.add(one.organization)
        if one.job_id not in jobs:
            raise ReconciliationError(f"{one.key} is due, but there is no such job; add it to jobs.yaml")
    if len(names) > 1:
        raise ReconciliationError(
            f"due times and jobs of {' and '.join(sorted(names))} cannot be matched together; separate them"
        )
    return next(iter(names), None)


def _rows_of(organization: str | None, rows: Iterable[ActivityRow]) -> list[ActivityRow]:
    """The organization's rows by start; of a run that is listed twice the version that finished last."""
    own = [((row.started, row.run_id, row.job_id), row) for row in rows if row.organization == organization]
    own.sort(key=itemgetter(0))
    runs: list[ActivityRow] = []
    before: tuple[datetime, str, str] | None = None
    for key, row in own:
        if key == before:
            runs[-1] = max(runs[-1], row, key=_version)
        else:
            runs.append(row)
        before = key
    return runs


def _version(row: ActivityRow) -> tuple[datetime, str]:
    return row.finished or _EPOCH, row.outcome.value


@dataclass(frozen=True)
class _Runs:
    """Columns of the rows, by start: read once, because walking over 100,000 values costs more than the matching."""

    at: tuple[datetime, ...] = ()
    job: tuple[str, ...] = ()
    manual: tuple[bool | None, ...] = ()
    outcome: tuple[Outcome, ...] = ()

    @classmethod
    def of(cls, rows: Iterable[ActivityRow]) -> _Runs:
        return cls(*zip(*((one.started, one.job_id, one.manual, one.outcome) for one in rows), strict=True))


@dataclass(frozen=True)
class _Dues:
    """Columns of the due times."""

    at: tuple[datetime, ...] = ()
    job: tuple[str, ...] = ()
    following: tuple[datetime | None, ...] = ()
    excused: tuple[datetime | None, ...] = ()

    @classmethod
    def of(cls, dues: Iterable[Occurrence]) -> _Dues:
        return cls(
            *zip(*((one.due, one.job_id, one.next_due, one.excused_until) for one in dues), strict=True)
        )

    def with_followers(self, runs: _Runs, jobs: Mapping[str, Job]) -> _Dues:
        """And those between and after them, as far as there are rows: each has the first claim to its own row."""
        extra: list[tuple[datetime, str]] = []
        last = runs.at[-1] + timedelta.resolution if runs.at else _EPOCH
        next_wanted: dict[str, datetime] = {}
        for at, job, following in zip(
            reversed(self.at), reversed(self.job), reversed(self.following), strict=True
        ):
            wanted = next_wanted.get(job)
            if following is not None and (wanted is None or following < wanted):
                until = last if wanted is None else min(wanted, last)
                more = occurrences_of(jobs[job], following + timedelta.resolution, until)
                extra += [(following, job), *((one.due, job) for one in more)]
            next_wanted[job] = at
        if not extra:
            return self
        nothing = (None,) * len(extra)
        return _Dues(
            self.at + tuple(at for at, _ in extra),
            self.job + tuple(job for _, job in extra),
            self.following + nothing,
            self.excused + nothing,
        )


def _micros(moments: Iterable[datetime]) -> Any:
    """UTC times as whole microseconds, in one array: exact, because a float holds 2**53 of them."""
    import pandas as pd

    seconds = pd.Series([one.timestamp() for one in moments], dtype="float64")
    return (seconds * 1e6).round().astype("int64").to_numpy()


def _scheduled(dues: _Dues, runs: _Runs, jobs: Mapping[str, Job]) -> tuple[dict[int, int], set[int]]:
    """Rules 1 and 2 on indexes: due time to row, and which of them came late."""
    import pandas as pd

    own = [
        n
        for n, (manual, job) in enumerate(zip(runs.manual, runs.job, strict=True))
        if manual is not True and job in jobs
    ]
    if not dues.at or not own:
        return {}, set()
    codes = {job: code for code, job in enumerate(jobs)}
    graces = [one.grace // _MICROSECOND for one in jobs.values()]
    due_table = pd.DataFrame({"job": list(map(codes.__getitem__, dues.job)), "at": _micros(dues.at)})
    due_table["reach"] = due_table["job"].map(dict(enumerate(graces)))
    excused = [n for n, until in enumerate(dues.excused) if until is not None]
    if excused:
        ends = _micros(until for until in dues.excused if until is not None)
        due_table.loc[excused, "reach"] += ends - due_table.loc[excused, "at"]
    run_table = pd.DataFrame(
        {
            "job": [codes[runs.job[n]] for n in own],
            "at": _micros(runs.at[n] for n in own),
            "reach": CLOCK_SKEW // _MICROSECOND,
        }
    )
    taken = nearest_pairs(due_table.assign(index=due_table.index), run_table.assign(index=own))
    left_over = set(own).difference(taken.values())
    if not left_over:
        return taken, set()
    late = latest_before(
        [(at, n, job) for n, (at, job) in enumerate(zip(dues.at, dues.job, strict=True)) if n not in taken],
        [(runs.at[n], n, runs.job[n]) for n in left_over],
    )
    return {**taken, **late}, set(late)


def _by_hand(dues: _Dues, runs: _Runs, jobs: Mapping[str, Job], taken: Mapping[int, int]) -> dict[int, int]:
    """Rule 3 on indexes: a manual row takes the latest due time that needs one."""
    pressed = [
        (runs.at[n], n, runs.job[n])
        for n, manual in enumerate(runs.manual)
        if manual is True and runs.job[n] in jobs and runs.outcome[n] not in _DID_NOT_HAPPEN
    ]
    if not pressed:
        return {}
    in_need = [
        (at, n, job)
        for n, (at, job) in enumerate(zip(dues.at, dues.job, strict=True))
        if n not in taken or runs.outcome[taken[n]] is not Outcome.SUCCESS
    ]

    def fits(due: int, moment: datetime) -> bool:
        return same_audience(jobs[dues.job[due]], dues.at[due], moment) is True

    return latest_before(in_need, pressed, fits)
