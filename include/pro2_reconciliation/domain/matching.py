"""Which row of the Activity Log belongs to which due time of a job.

In: due times, rows and jobs of ONE organization. Out: for every due time its row, whether that row came
late, and the row by which a person repaired it; and the rows that belong to none of them. Rules (contract
decision 4):

1. In time: a row that nobody started by hand, from 60 s before the due time (clocks differ) to ``grace``
   after it, or after the end of known maintenance that it was due in. The nearest pair goes first,
   then the next nearest: one row for one due time and the reverse.
2. Late: a further row goes to the due time it is nearest to, if that lies before it and has no row yet. The
   due time after the last one asked for is a neighbour too, so tomorrow's run never explains today's gap.
3. By hand: a manual row that did not fail repairs the latest due time at or before its start whose own row is
   missing or is no success; of a scheduled trigger only inside the same audience (``same_audience``).

Which of several rows or due times wins is settled by time and then by run id, never by the order of the
input. Fails with ReconciliationError for a second organization or a job that the catalog lacks. What it
does not do: judge. A matched row may have failed; decision rules R1 to R16 judge. pandas is imported only
when matching.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.jobs import ActivityRow, Job, Occurrence
from pro2_reconciliation.domain.words import Outcome, ProcessType

CLOCK_SKEW = timedelta(seconds=60)
"""How long before its due time a run may seem to start, because two machines' clocks differ."""

USUAL_RUNS = 20
"""So many of a job's last runs say what is usual (R2, R8)."""

UNUSUAL_FACTOR = 3.0
"""So many times more or fewer contacts than usual are an unusual count (R2)."""

MIN_USUAL_RUNS = 3
"""Fewer successes than this say nothing about what is usual (R2)."""

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
    wanted = {one.key: one for one in sorted(occurrences, key=lambda one: (one.due, one.job_id))}
    dues = list(wanted.values())
    asked = len(dues)
    dues += _neighbours(dues)
    mine = _rows_of(organization, rows)
    taken, late = _scheduled(dues, mine, jobs)
    by_hand = _by_hand(dues, mine, jobs, taken)

    used = {row for due, row in [*taken.items(), *by_hand.items()] if due < asked}
    unmatched: dict[str, list[ActivityRow]] = defaultdict(list)
    for index, row in enumerate(mine):
        if index not in used:
            unmatched[row.job_id].append(row)
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


def usual_failed_share(rows_before: Iterable[ActivityRow], last: int = USUAL_RUNS) -> float | None:
    """The share of failed contacts, 0 to 1, that nine of ten of the last runs did not exceed (R8).

    Only runs with counts that ended in success or partial error say what is usual; None when there is none.
    """
    usual = (Outcome.SUCCESS, Outcome.PARTIAL_ERROR)
    counted = [row for row in rows_before if row.outcome in usual and row.failed_share is not None]
    counted.sort(key=lambda row: (row.started, row.run_id))
    shares = sorted(row.failed_share or 0.0 for row in counted[-last:])
    return shares[math.ceil(len(shares) * 0.9) - 1] if shares else None


def usual_count(rows_before: Iterable[ActivityRow], last: int = USUAL_RUNS) -> float | None:
    """The median of the contacts that the last successes picked (R2); None when there are fewer than three."""
    counted = [
        (row.started, row.run_id, row.counts.returned)
        for row in rows_before
        if row.outcome is Outcome.SUCCESS and row.counts and row.counts.returned is not None
    ]
    counts = [count for _, _, count in sorted(counted)[-last:]]
    return statistics.median(counts) if len(counts) >= MIN_USUAL_RUNS else None


def unusual_count(count: int | None, usual: float | None) -> str:
    """What is unusual about a count of contacts, to be read after a comma; "" when nothing is, or nobody knows."""
    if count is None or usual is None:
        return ""
    if count * UNUSUAL_FACTOR < usual:
        how = "unusually few"
    elif count > UNUSUAL_FACTOR * max(usual, 1):
        how = "unusually many"
    else:
        return ""
    return f"{how}: {count} contacts, usually {usual:g} (more than {UNUSUAL_FACTOR:g} times off)"


def last_matched(
    job: Job, occurrences_before: Sequence[Occurrence], rows: Sequence[ActivityRow], n: int = 3
) -> int:
    """How many of the last ``n`` of these due times left any row in the log (R5: 0 is suspicious)."""
    own = sorted((one for one in occurrences_before if one.job_id == job.id), key=lambda one: one.due)
    found = match(own[-n:] if n > 0 else [], rows, {job.id: job})
    return sum(one.found for one in found.by_key.values())


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
    runs: dict[tuple[datetime, str, str], ActivityRow] = {}
    for row in rows:
        if row.organization == organization:
            key = (row.started, row.run_id, row.job_id)
            runs[key] = max(runs[key], row, key=_version) if key in runs else row
    return [runs[key] for key in sorted(runs)]


def _version(row: ActivityRow) -> tuple[datetime, str]:
    return row.finished or _EPOCH, row.outcome.value


def _neighbours(dues: Sequence[Occurrence]) -> list[Occurrence]:
    """The due times that follow the wanted ones (given in order) without being wanted."""
    extra: list[Occurrence] = []
    following: dict[str, datetime] = {}
    for one in reversed(dues):
        after = following.get(one.job_id)
        if one.next_due is not None and (after is None or one.next_due < after):
            extra.append(Occurrence(organization=one.organization, job_id=one.job_id, due=one.next_due))
        following[one.job_id] = one.due
    return extra


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _scheduled(
    dues: Sequence[Occurrence], rows: Sequence[ActivityRow], jobs: Mapping[str, Job]
) -> tuple[dict[int, int], set[int]]:
    """Rules 1 and 2 on indexes: due time to row, and which of them came late."""
    import pandas as pd

    due_at = [_micros(one.due) for one in dues]
    codes = {job: code for code, job in enumerate(jobs)}
    due_table = pd.DataFrame(
        {"job": [codes[one.job_id] for one in dues], "at": due_at, "due": range(len(dues))}
    )
    own = [index for index, row in enumerate(rows) if row.manual is not True and row.job_id in codes]
    run_table = pd.DataFrame(
        {
            "job": [codes[rows[index].job_id] for index in own],
            "at": [_micros(rows[index].started) for index in own],
            "row": own,
        }
    )
    if due_table.empty or run_table.empty:
        return {}, set()
    graces = {job: one.grace // _MICROSECOND for job, one in jobs.items()}
    due_table["reach"] = [
        graces[one.job_id] + (_micros(one.excused_until) - at if one.excused_until else 0)
        for one, at in zip(dues, due_at, strict=True)
    ]
    taken = _nearest_pairs(due_table, run_table)

    free = run_table[~run_table["row"].isin(list(taken.values()))].sort_values(["at", "row"])
    due_table = due_table.sort_values("at")
    before = pd.merge_asof(free, due_table.assign(due_at=due_table["at"]), on="at", by="job")
    after = pd.merge_asof(
        free, due_table[["job", "at"]].assign(due_at=due_table["at"]), on="at", by="job", direction="forward"
    )
    to_before, to_after = before["at"] - before["due_at"], after["due_at"] - after["at"]
    late = before[before["due"].notna() & ~(to_after < to_before)]
    late = late.astype({"due": "int64"})
    late = late[~late["due"].isin(list(taken))].drop_duplicates("due")  # sorted: the earliest row wins
    for due, row in zip(late["due"].tolist(), late["row"].tolist(), strict=True):
        taken[due] = row
    return taken, set(late["due"].tolist())


def _nearest_pairs(due_table: Any, run_table: Any) -> dict[int, int]:
    """Rule 1: take the nearest free pair again and again.

    On the time line of a job the nearest pair always stands side by side (whatever stood between would be
    nearer, and no due time in between reaches less far), so only neighbours are compared; when a pair leaves,
    its two neighbours become neighbours of each other. Where the line has gaps that nothing reaches across, a
    due time and a row alone between two gaps are a pair at once, which is what most are.
    """
    import pandas as pd

    line = pd.concat(
        [
            due_table.rename(columns={"due": "index"}).assign(run=0),
            run_table.rename(columns={"row": "index"}).assign(run=1, reach=CLOCK_SKEW // _MICROSECOND),
        ]
    ).sort_values(["job", "at", "run", "index"], ignore_index=True)
    far = line["job"].diff().ne(0) | line["at"].diff().gt(line["reach"].max())
    company = line.groupby(far.cumsum())["index"].transform("size")
    first = line[far & company.eq(2)]
    second = line.loc[first.index + 1].set_index(first.index)
    paired = first["run"].ne(second["run"]) & (second["at"] - first["at"]).le(first["reach"])
    first, second = first[paired], second[paired]
    began_late = first["run"].eq(0)
    dues = first["index"].where(began_late, second["index"]).tolist()
    taken = dict(zip(dues, second["index"].where(began_late, first["index"]).tolist(), strict=True))

    line = line[company.gt(2)]
    job, at = line["job"].tolist(), line["at"].tolist()
    run, index, reach = line["run"].tolist(), line["index"].tolist(), line["reach"].tolist()
    size = len(line)
    left, right = list(range(-1, size - 1)), list(range(1, size + 1))

    def pair(one: int, two: int) -> tuple[int, int, int, int] | None:
        if one < 0 or two >= size or run[one] == run[two] or job[one] != job[two]:
            return None
        distance = at[two] - at[one]
        if distance > reach[one]:
            return None
        return distance, at[one], one, two

    heap = [found for one in range(size - 1) if (found := pair(one, one + 1))]
    heapq.heapify(heap)
    gone = [False] * size
    while heap:
        _, _, one, two = heapq.heappop(heap)
        if gone[one] or gone[two]:
            continue
        gone[one] = gone[two] = True
        due, row = (two, one) if run[one] else (one, two)
        taken[index[due]] = index[row]
        before, after = left[one], right[two]
        if before >= 0:
            right[before] = after
        if after < size:
            left[after] = before
        if found := pair(before, after):
            heapq.heappush(heap, found)
    return taken


def _by_hand(
    dues: Sequence[Occurrence], rows: Sequence[ActivityRow], jobs: Mapping[str, Job], taken: Mapping[int, int]
) -> dict[int, int]:
    """Rule 3 on indexes: through time, a manual row takes the latest due time that needs one."""
    events: list[tuple[datetime, int, int, str]] = []
    for index, one in enumerate(dues):
        if index not in taken or rows[taken[index]].outcome is not Outcome.SUCCESS:
            events.append((one.due, 0, index, one.job_id))
    for index, row in enumerate(rows):
        if row.manual is True and row.job_id in jobs and row.outcome not in _DID_NOT_HAPPEN:
            events.append((row.started, 1, index, row.job_id))
    waiting: dict[str, list[int]] = defaultdict(list)
    repaired: dict[int, int] = {}
    for moment, kind, index, job_id in sorted(events):
        stack = waiting[job_id]
        if kind == 0:
            stack.append(index)
        elif stack and same_audience(jobs[job_id], dues[stack[-1]].due, moment):
            repaired[stack.pop()] = index
    return repaired
