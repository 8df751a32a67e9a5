"""Was there an outage that nobody announced? Read off the jobs: several that fail or do not start, in a row.

In: marks (one per occurrence whose time has passed) and the site's thresholds. Out: claims. One job that fails is
that job's affair; ``min_occurrences`` of ``min_jobs`` different jobs in a row, each of which went well before, with
no success of a job that needs the same services in between, are an outage. Rule, thresholds and measured rates:
ADR 0005.

It fails closed: no mark is made of a log that is empty or older than the occurrence (invariant 11).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pro2_reconciliation.domain.jobs import ActivityLog, Job, Occurrence
from pro2_reconciliation.domain.matching import Match, match
from pro2_reconciliation.domain.outage import Evidence
from pro2_reconciliation.domain.sources import ActivityInference
from pro2_reconciliation.domain.words import Outcome, Service

ACTIVITY = "activity"
"""Source of what is inferred."""

_CULPRITS = (Service.DASHBOARD, Service.TESSITURA, Service.SENDING)
"""Of several services that would explain it the first: it touches the least besides these jobs."""
_RAN = frozenset({Outcome.SUCCESS, Outcome.PARTIAL_ERROR})


@dataclass(frozen=True, order=True)
class Mark:
    """One occurrence: a bad one stands at its due time, a good one at the start of its run."""

    at: datetime
    job_id: str
    good: bool
    needs: frozenset[Service] = field(compare=False, default=frozenset(Service))


@dataclass
class _Cluster:
    """Bad marks in a row. ``culprits``: the services that all its jobs need and that no success has cleared."""

    start: datetime
    last: datetime
    jobs: list[str]
    culprits: frozenset[Service]
    occurrences: int = 1
    end: datetime | None = None


def marks_of(
    occurrences: Sequence[Occurrence],
    log: ActivityLog,
    jobs: Mapping[str, Job],
    excused: Collection[str] = (),
) -> list[Mark]:
    """Good and bad marks of these occurrences, by time; what the log cannot tell yet leaves none.

    ``excused``: keys of occurrences that were due in known maintenance; they leave no bad mark.
    """
    if not log.rows:
        return []
    found: list[Mark] = []
    for one in match(occurrences, log.rows, jobs).by_key.values():
        mark = _mark(one, jobs[one.occurrence.job_id], log)
        if mark is not None and (mark.good or one.occurrence.key not in excused):
            found.append(mark)
    return sorted(found)


def infer(marks: Iterable[Mark], rules: ActivityInference, as_of: datetime) -> list[Evidence]:
    """The outages that marks up to ``as_of`` add up to.

    A claim starts at the first bad due time and ends with the next success, ``within_minutes`` after the last bad
    one at the latest; it is open while neither has come. Its key stays while it grows.
    """
    within = timedelta(minutes=rules.within_minutes)
    state: dict[str, bool] = {}
    found: list[_Cluster] = []
    current: _Cluster | None = None
    for mark in sorted(marks):
        if current is not None and mark.at - current.last > within:
            current.end = current.last + within
            current = None
        if mark.good:
            if current is not None and mark.at > current.start:
                left = current.culprits - mark.needs
                if left:
                    current.culprits = left
                else:
                    current.end = mark.at
                    current = None
        elif current is not None and mark.job_id in current.jobs:
            current.last = mark.at
            current.occurrences += 1
        elif state.get(mark.job_id, False):  # a job that was broken before, or is not known, says nothing
            shared = current.culprits & mark.needs if current is not None else frozenset()
            if current is not None and shared:
                current.jobs.append(mark.job_id)
                current.last, current.culprits = mark.at, shared
                current.occurrences += 1
            elif current is None:
                current = _Cluster(mark.at, mark.at, [mark.job_id], mark.needs)
                found.append(current)
        state[mark.job_id] = mark.good
    if current is not None and as_of - current.last > within:
        current.end = current.last + within
    return [
        _claim(one)
        for one in found
        if len(one.jobs) >= rules.min_jobs and one.occurrences >= rules.min_occurrences
    ]


def _mark(found: Match, job: Job, log: ActivityLog) -> Mark | None:
    needs = frozenset(job.needs)
    row = found.row or found.repaired_by_hand
    if row is None:
        due = found.occurrence.due
        absent = log.covers(due + job.grace) and not log.begins_after(due)
        return Mark(found.occurrence.due, job.id, False, needs) if absent else None
    if row.outcome in _RAN:
        return Mark(row.started, job.id, True, needs)
    if row.outcome is Outcome.FULL_ERROR:
        return Mark(found.occurrence.due, job.id, False, needs)
    return None


def _claim(cluster: _Cluster) -> Evidence:
    service = next(one for one in _CULPRITS if one in cluster.culprits)
    named = ", ".join(cluster.jobs[:6]) + (" and others" if len(cluster.jobs) > 6 else "")
    return Evidence(
        source=ACTIVITY,
        key=cluster.start.isoformat(),
        service=service,
        start=cluster.start,
        end=cluster.end,
        detail=f"{len(cluster.jobs)} jobs in a row failed or did not start ({named})",
    )
