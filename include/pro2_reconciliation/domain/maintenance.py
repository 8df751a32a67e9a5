"""Regular maintenance: when it is, what it leaves of a claim, and until when it excuses a job.

In: the maintenance windows of ``sources.yaml`` and UTC times. Known maintenance is configuration and no outage,
so it is cut out of what feeds, probes and activity claim; what a person declared stays whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.jobs import Job, Occurrence
from pro2_reconciliation.domain.outage import Evidence
from pro2_reconciliation.domain.schedule import due_times
from pro2_reconciliation.domain.sources import Maintenance
from pro2_reconciliation.domain.words import Service

Span = tuple[datetime, datetime]
PIECE = " piece "
"""Between the key of a claim and the number of a further piece of it."""


def spans(
    known: Iterable[Maintenance], services: Iterable[Service], zone: str, start: datetime, end: datetime
) -> list[Span]:
    """The maintenance of these services that touches [start, end), joined, oldest first; ``zone`` is the default."""
    wanted = frozenset(services)
    found: list[Span] = []
    for one in known:
        if one.service not in wanted:
            continue
        lasts = timedelta(minutes=one.duration_minutes)
        begins = due_times(one.cron, one.zone or zone, start - lasts, end)
        found += [(begin, begin + lasts) for begin in begins if begin + lasts > start]
    joined: list[Span] = []
    for begin, until in sorted(found):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((begin, until))
    return joined


def without_maintenance(
    claims: Iterable[Evidence], known: Sequence[Maintenance], zone: str, now: datetime
) -> list[Evidence]:
    """The claims without the known maintenance of their services. What is left may be several pieces, or nothing.

    Each piece keeps the claim's key with its place in it, so that a later reading of the claim replaces it. Only
    maintenance that has begun by ``now`` is cut out of an open claim; while it lasts, the claim is not open.
    """
    left: list[Evidence] = []
    for claim in claims:
        until = claim.end or now + timedelta.resolution
        cut = [] if claim.declared else spans(known, [claim.service], zone, claim.start, until)
        pieces = [(start, end) for start, end in _pieces(claim, cut) if end is not None or start <= now]
        for number, (start, end) in enumerate(pieces):
            key = f"{claim.key}{PIECE}{number + 1}" if number else claim.key
            left.append(claim.model_copy(update={"key": key, "start": start, "end": end}))
    return left


def excuse(
    occurrences: Sequence[Occurrence], jobs: Mapping[str, Job], known: Sequence[Maintenance], zone: str
) -> tuple[Occurrence, ...]:
    """The occurrences in their order; one that is due in maintenance of a service its job needs says until when.

    Nothing is dropped: such a run is only expected later.
    """
    if not known or not occurrences:
        return tuple(occurrences)
    start, end = min(o.due for o in occurrences), max(o.due for o in occurrences) + timedelta.resolution
    by_needs: dict[frozenset[Service], list[Span]] = {}
    found = []
    for one in occurrences:
        needs = frozenset(jobs[one.job_id].needs)
        if needs not in by_needs:
            by_needs[needs] = spans(known, needs, zone, start, end)
        at = bisect_right(by_needs[needs], one.due, key=lambda span: span[0]) - 1
        inside = at >= 0 and one.due < by_needs[needs][at][1]
        until = by_needs[needs][at][1] if inside else None
        found.append(one if until is None else one.model_copy(update={"excused_until": until}))
    return tuple(found)


def _pieces(claim: Evidence, cut: Iterable[Span]) -> Iterable[tuple[datetime, datetime | None]]:
    start = claim.start
    for begin, until in cut:
        if begin > start:
            yield start, begin
        start = max(start, until)
        if claim.end is not None and start >= claim.end:
            return
    yield start, claim.end
