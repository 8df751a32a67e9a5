"""One pass of detection: evidence from every source, merged into outages, in one ledger transaction.

A source that cannot be read says nothing (it is named in the result); only a probe that got an answer, or was
refused one, is evidence. Airflow is not needed: the caller hands in what the sources said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.config import Declared, Site
from pro2_reconciliation.domain.outage import Evidence, Outage, OutageState
from pro2_reconciliation.domain.windows import merge_evidence
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger

PROBE = "probe"
GAP = timedelta(minutes=15)
"""Two probe samples further apart than this leave a gap that proves nothing."""


class ProbeResult(Value):
    """One probe: up or down, and why."""

    service: Service
    up: bool
    at: UtcTime
    detail: str = ""


class DueOutage(Value):
    """An outage that is settled and has no plan yet, with the run id that claims it."""

    outage_id: str
    run_id: str
    generation: int


@dataclass(frozen=True)
class DetectionResult:
    outages: tuple[Outage, ...]
    due: tuple[DueOutage, ...]
    unread: tuple[str, ...] = ()


def detection_pass(
    ledger: Ledger,
    site: Site,
    evidence: Sequence[Evidence],
    probes: Sequence[ProbeResult],
    *,
    now: datetime,
    unread: Sequence[str] = (),
    backlog: int = 0,
) -> DetectionResult:
    """Keep the samples, merge all evidence, move outages on, and name those that are due for a dag run.

    An outage is settled when it ended at least ``settle_seconds`` ago and every probe of its service is up; while a
    ``backlog`` of contacts still drains from ActiveCampaign's bulk import it waits, ``settle_max_seconds`` at most.
    """
    for probe in probes:
        ledger.add_sample(site.organization, probe.service, up=probe.up, detail=probe.detail, at=probe.at)
    since = now - timedelta(hours=site.policy.max_window_hours)
    claims = [*evidence, *declared_evidence(site.sources.declared)]
    for service in {probe.service for probe in probes}:
        claims += probe_evidence(ledger, site.organization, service, since)
    known = ledger.outages(site.organization)
    merged = merge_evidence(site.organization, known, claims, now=now)
    moved = [_moved_on(outage, site, probes, now, backlog) for outage in merged]
    stored = ledger.replace_outages(site.organization, moved, "detection pass")
    due = tuple(
        DueOutage(
            outage_id=outage.id,
            run_id=f"outage__{outage.id}__g{outage.generation}",
            generation=outage.generation,
        )
        for outage in stored
        if outage.state is OutageState.SETTLED
    )
    return DetectionResult(tuple(stored), due, tuple(unread))


def declared_evidence(declared: Sequence[Declared]) -> list[Evidence]:
    """Windows that a person declared in sources.yaml."""
    return [
        Evidence(
            source="declared",
            key=f"{entry.service.value}@{entry.start.isoformat()}",
            service=entry.service,
            start=entry.start,
            end=entry.end,
            detail=entry.reason,
            declared=True,
        )
        for entry in declared
    ]


def probe_evidence(ledger: Ledger, organization: str, service: Service, since: datetime) -> list[Evidence]:
    """Runs of failed probes as evidence: from the first failure to the next success; a gap in the samples ends
    what can be said."""
    found: list[Evidence] = []
    start: datetime | None = None
    last: datetime | None = None
    for sample in ledger.samples(organization, service, since):
        if start is not None and last is not None and sample.at - last > GAP:
            found.append(_probe_claim(service, start, last))
            start = None
        if not sample.up and start is None:
            start = sample.at
        elif sample.up and start is not None:
            found.append(_probe_claim(service, start, sample.at))
            start = None
        last = sample.at
    if start is not None:
        found.append(_probe_claim(service, start, None))
    return found


def _probe_claim(service: Service, start: datetime, end: datetime | None) -> Evidence:
    return Evidence(
        source=PROBE, key=f"{service.value}@{start.isoformat()}", service=service, start=start, end=end
    )


def _moved_on(
    outage: Outage, site: Site, probes: Sequence[ProbeResult], now: datetime, backlog: int
) -> Outage:
    """ended → settled once it has been quiet for the settle time and the probes are good."""
    if outage.state is not OutageState.ENDED or outage.end is None:
        return outage
    if site.sources.probes and not probes:
        return outage  # no probe could be made: nothing says that it is over
    up = all(probe.up for probe in probes if probe.service in (outage.service, Service.SENDING))
    policy = site.policy
    settle = policy.settle_max_seconds if backlog else policy.settle_seconds
    if up and now - outage.end >= timedelta(seconds=settle):
        return outage.model_copy(update={"state": OutageState.SETTLED})
    return outage
