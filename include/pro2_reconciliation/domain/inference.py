"""Was there an outage that nobody announced? Read off the jobs: several that fail or do not start, in a row.

In: marks (one per occurrence whose time has passed) and the site's thresholds. Out: claims. One job that fails is
that job's affair; ``min_occurrences`` of ``min_jobs`` different jobs in a row, each of which went well before, with
no success of a job that needs the same services in between, are an outage. Rule, thresholds and measured rates:
ADR 0005.

It fails closed: no mark is made of a log that is empty or older than the occurrence (invariant 11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

    def clear(self, good: Mark) -> None:
        """A success clears the services that it needed; the last one ends the cluster."""
        if good.at > self.start:
            left = self.culprits - good.needs
            self.culprits, self.end = (left, None) if left else (self.culprits, good.at)

    def grow(self, bad: Mark, was_good: bool) -> bool:
        """Take a bad mark in, if it is of one of its jobs, or of a sound one that needs one of its services."""
        known = bad.job_id in self.jobs
        shared = self.culprits & bad.needs
        if not known and not (was_good and shared):
            return False
        if not known:
            self.jobs.append(bad.job_id)
            self.culprits = shared
        self.last = bad.at
        self.occurrences += 1
        return True


def marks_of(
    occurrences: Sequence[Occurrence],
    log: ActivityLog,
    jobs: Mapping[str, Job],
) -> list[Mark]:
    """Good and bad marks of these occurrences, by time; what the log cannot tell yet leaves none.

    An occurrence that was due in known maintenance (``excused_until``) leaves no bad mark.
    """
    if not log.rows:
        return []
    found: list[Mark] = []
    for one in match(occurrences, log.rows, jobs).by_key.values():
        mark = _mark(one, jobs[one.occurrence.job_id], log)
        if mark is not None and (mark.good or one.occurrence.excused_until is None):
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
    for mark in sorted(marks):
        _expire(found, mark.at, within)
        lasting = [one for one in found if one.end is None]
        if mark.good:
            for one in lasting:
                one.clear(mark)
            state[mark.job_id] = True
            continue
        sound = state.get(mark.job_id, False)  # a job that was broken before, or is not known, says nothing
        grown = any(one.grow(mark, sound) for one in lasting)
        if not grown and sound and mark.needs:
            found.append(_Cluster(mark.at, mark.at, [mark.job_id], mark.needs))
        state[mark.job_id] = False
    _expire(found, as_of, within)
    return [
        _claim(one)
        for one in found
        if len(one.jobs) >= rules.min_jobs and one.occurrences >= rules.min_occurrences
    ]


def _expire(clusters: Iterable[_Cluster], now: datetime, within: timedelta) -> None:
    """What had no further sign for so long has ended."""
    for one in clusters:
        if one.end is None and now - one.last > within:
            one.end = one.last + within


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
