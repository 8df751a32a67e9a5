"""Which row of the Activity Log belongs to which due time of a job.

In: due times, rows and jobs of ONE organization. Out: for every due time its row, whether that row came
late, and the row by which a person repaired it; and the rows that belong to none of them. Rules:

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
does not do: judge. A matched row may have failed; decision rules R1 to R16 judge. Jobs do not touch each other, so
it works job by job, and holds only one job's time line at once (ADR 15).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import NamedTuple

from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.jobs import ActivityRow, Job, Occurrence
from pro2_reconciliation.domain.pairing import latest_before, nearest_pairs
from pro2_reconciliation.domain.schedule import dues_of
from pro2_reconciliation.domain.words import Outcome, ProcessType

CLOCK_SKEW = timedelta(seconds=60)
"""How long before its due time a run may seem to start, because two machines' clocks differ."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
    """``by_key``: occurrence key to match, job by job and by due time. ``unmatched``: job id to rows, oldest first."""

    by_key: Mapping[str, Match] = field(default_factory=dict)
    unmatched: Mapping[str, tuple[ActivityRow, ...]] = field(default_factory=dict)

    def of(self, occurrence: Occurrence) -> Match:
        return self.by_key[occurrence.key]


def earliest_start(due: datetime) -> datetime:
    """From when on (UTC, included) a run of this due time may seem to have begun.

    Whatever is read or counted "since it was due" begins here, else the row that belongs to it may lie before.
    """
    return due - CLOCK_SKEW


def match(occurrences: Sequence[Occurrence], rows: Sequence[ActivityRow], jobs: Mapping[str, Job]) -> Matches:
    """Match ``rows`` to ``occurrences`` by the rules above; ``jobs`` by id. Rows of other organizations are
    left out.

    Rows of jobs that the catalog lacks stand under ``unmatched``. Raises ReconciliationError, see the module.
    """
    organization = _organization(occurrences, jobs)
    dues_of: dict[str, list[Occurrence]] = defaultdict(list)
    for one in occurrences:
        dues_of[one.job_id].append(one)
    left_over = _rows_of(organization, rows)
    end = max((own[-1].started for own in left_over.values()), default=_EPOCH) + timedelta.resolution
    by_key: dict[str, Match] = {}
    for job_id, dues in dues_of.items():
        dues.sort(key=attrgetter("due"))
        asked = {one.key: one for one in dues}
        own = left_over.get(job_id, [])
        taken, late, by_hand = _of_job(list(asked.values()), own, jobs[job_id], end)
        used: set[int | None] = set()
        for place, (key, one) in enumerate(asked.items()):
            run, pressed = taken.get(place), by_hand.get(place)
            used |= {run, pressed}
            by_key[key] = Match(
                one,
                None if run is None else own[run],
                place in late,
                None if pressed is None else own[pressed],
            )
        left_over[job_id] = [row for place, row in enumerate(own) if place not in used]
    unmatched = {job_id: tuple(own) for job_id, own in sorted(left_over.items()) if own}
    return Matches(by_key, unmatched)


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


def traces(
    before: Mapping[str, Sequence[Occurrence]],
    rows: Sequence[ActivityRow],
    jobs: Mapping[str, Job],
    n: int = 3,
) -> dict[str, int]:
    """How many of the last ``n`` due times of each job left a row near them in the log (R5: 0 is suspicious).

    ``before``: the due times by job id.
    """
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


def _rows_of(organization: str | None, rows: Iterable[ActivityRow]) -> dict[str, list[ActivityRow]]:
    """The organization's rows by job, each by start; of a run that is listed twice the version that finished last."""
    found: dict[str, list[ActivityRow]] = defaultdict(list)
    for row in rows:
        if row.organization == organization:
            found[row.job_id].append(row)
    for own in found.values():
        own.sort(key=attrgetter("started", "run_id"))
        if any(one.run_id == two.run_id and one.started == two.started for one, two in pairwise(own)):
            own[:] = [max(same, key=_version) for _, same in groupby(own, attrgetter("started", "run_id"))]
    return found


def _version(row: ActivityRow) -> tuple[datetime, str]:
    return row.finished or _EPOCH, row.outcome.value


def _of_job(
    asked: Sequence[Occurrence], rows: Sequence[ActivityRow], job: Job, end: datetime
) -> tuple[dict[int, int], set[int], dict[int, int]]:
    """The rules on positions of one job: due time to its row, which of them came late, due time to the row by hand.

    Positions from ``len(asked)`` on are of due times that nobody asked for.
    """
    dues = [one.due for one in asked]
    dues += _followers(asked, job, end)
    reaches = [job.grace] * len(dues)
    for place, one in enumerate(asked):
        if one.excused_until is not None:
            reaches[place] += one.excused_until - one.due
    own = [place for place, row in enumerate(rows) if row.manual is not True]
    pairs = nearest_pairs(dues, reaches, [rows[place].started for place in own], CLOCK_SKEW)
    taken = {due: own[run] for due, run in pairs.items()}
    left_over = set(own).difference(taken.values())
    late: dict[int, int] = {}
    if left_over:
        waiting = [(at, due) for due, at in enumerate(dues) if due not in taken]
        late = latest_before(waiting, [(rows[place].started, place) for place in left_over])
        taken |= late
    pressed = [
        (row.started, place)
        for place, row in enumerate(rows)
        if row.manual is True and row.outcome not in _DID_NOT_HAPPEN
    ]
    by_hand: dict[int, int] = {}
    if pressed:
        in_need = [
            (at, due)
            for due, at in enumerate(dues)
            if due not in taken or rows[taken[due]].outcome is not Outcome.SUCCESS
        ]
        by_hand = latest_before(in_need, pressed, lambda due, at: same_audience(job, dues[due], at) is True)
    return taken, set(late), by_hand


def _followers(asked: Sequence[Occurrence], job: Job, end: datetime) -> list[datetime]:
    """The due times between and after those asked for, up to ``end``: each has the first claim to its own row."""
    found: list[datetime] = []
    for one, wanted in zip(asked, [*(one.due for one in asked[1:]), None], strict=True):
        following = one.next_due
        if following is not None and (wanted is None or following < wanted):
            until = end if wanted is None else min(wanted, end)
            found += [following, *dues_of(job, following + timedelta.resolution, until)]
    return found
