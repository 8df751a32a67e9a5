"""One pass of detection: evidence from every source, merged into outages, in one ledger transaction.

A source that cannot be read says nothing (it is named in the result); only a probe that got an answer, or was
refused one, is evidence of its own. Airflow is not needed: the caller hands in the sources.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.maintenance import PIECE, without_maintenance
from pro2_reconciliation.domain.outage import Evidence, Outage, OutageState
from pro2_reconciliation.domain.windows import merge_evidence
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger, OutageTrace, Sample
from pro2_reconciliation.ledger.watch import KEPT
from pro2_reconciliation.repair.sources import DECLARED, Part, ProbeResult, Source, read_all

DETECTION = "detect_outages"
"""The name under which the passes of detection beat in the ledger."""
PROBE = "probe"
GAP = timedelta(minutes=15)
"""Two samples of a probe further apart than this leave a gap that proves nothing."""
SPEAKS_FOR = timedelta(minutes=5)
"""How long a failed look without a next one is taken to speak for: the time between two passes."""
AGAIN_AFTER, NO_PLAN = timedelta(minutes=15), "ended without a plan"
"""So long lies between the first two dag runs where the first ended like that, then longer; and what is said of it."""
LOOKED_BACK = timedelta(days=3)
"""What ended earlier, and before the last nightly, is no news: a page tells of its last fifty incidents."""


class DueOutage(Value):
    """An outage that is settled and has no plan yet, with the run id that claims it.

    ``suspected``: nothing confirms it, so its dag run may only propose.
    """

    outage_id: str
    run_id: str
    generation: int
    suspected: bool = False


@dataclass(frozen=True)
class DetectionResult:
    """The outages as they stand, those that are due, the samples of this pass, and who could not be asked."""

    outages: tuple[Outage, ...]
    due: tuple[DueOutage, ...]
    unread: tuple[str, ...] = ()
    samples: tuple[ProbeResult, ...] = ()


def detect(
    ledger: Ledger,
    site: Site,
    sources: Sequence[Source],
    *,
    now: datetime,
    backlog: Callable[[], int] = lambda: 0,
) -> DetectionResult:
    """Read every source at the same time and do one pass.

    ``backlog`` tells how many contacts still wait to be imported; it is asked only where it decides something.
    """
    found = read_all(sources, now)
    return detection_pass(
        ledger,
        site,
        found.evidence,
        found.samples,
        now=now,
        unread=found.unread,
        backlog=backlog,
        whole=found.whole,
    )


def detection_pass(
    ledger: Ledger,
    site: Site,
    evidence: Sequence[Evidence],
    samples: Sequence[ProbeResult],
    *,
    now: datetime,
    unread: Sequence[str] = (),
    backlog: Callable[[], int] = lambda: 0,
    whole: Collection[Part] = (),
) -> DetectionResult:
    """Keep the samples, merge all evidence, move outages on, and name those that are due for a dag run.

    An outage is settled when it ended at least ``settle_seconds`` ago and every probe of its service is up; while a
    ``backlog`` of contacts still drains from ActiveCampaign's bulk import it waits, ``settle_max_seconds`` at most.
    ``whole`` names the parts of which ``evidence`` holds every claim that stands: others of theirs are over.
    """
    for one in samples:
        ledger.add_sample(
            site.organization, one.service, up=one.up, detail=one.detail, at=one.at, probe=one.probe
        )
    looks = {service: ledger.samples(site.organization, service, now - KEPT) for service in Service}
    oldest = min(now - LOOKED_BACK, ledger.watermark(site.organization) or now)

    def merge(known: Sequence[Outage]) -> tuple[Outage, ...]:
        before = [claim for outage in known for claim in outage.evidence]
        claims = list(evidence)
        for service, seen in looks.items():
            claims += probe_evidence(service, seen, now=now, before=before)
        claims = _news(claims, before, oldest)
        counted = without_maintenance(claims, site.sources.maintenance, site.zone, now)
        counted += _taken_back(before, claims, counted, whole, now)
        rules = site.sources.windows
        return merge_evidence(
            site.organization,
            known,
            counted,
            now=now,
            padding=rules.padding,
            min_gap=rules.min_gap,
            min_length=rules.min_length,
        )

    # asked before the transaction: a slow answer holds nobody up, and what is planned meanwhile counts
    ended = any(one.state is OutageState.ENDED for one in merge(ledger.outages(site.organization)))
    waiting = backlog() if ended and all(one.up for one in samples) else 0
    stored = ledger.merge_outages(
        site.organization,
        lambda known: [_moved_on(outage, site, samples, now, waiting) for outage in merge(known)],
        "detection pass",
    )
    ledger.beat(DETECTION, now)
    due = tuple(_due(outage) for outage in stored if outage.state is OutageState.SETTLED)
    return DetectionResult(tuple(stored), due, tuple(unread), tuple(samples))


def _due(outage: Outage) -> DueOutage:
    return DueOutage(
        outage_id=outage.id,
        run_id=f"outage__{outage.id}__g{outage.generation}",
        generation=outage.generation,
        suspected=outage.suspected,
    )


def begun_anew(ledger: Ledger, due: DueOutage, now: datetime) -> DueOutage:
    """The next dag run of an outage whose last one has ended and left it without a plan: its next generation.

    Still the same one where a plan was made meanwhile, and for ``AGAIN_AFTER`` from its start on, each time longer: a
    site that cannot work yet is not told every five minutes.
    """
    moved = [trace for trace in ledger.outage_traces(due.outage_id) if _moved(trace)]
    if not moved or now - moved[-1].at < AGAIN_AFTER * (1 + sum(map(_anew, moved))):
        return due
    outage = ledger.set_outage_state(
        due.outage_id,
        OutageState.SETTLED,
        generation=due.generation + 1,
        why=f"dag run {due.run_id} {NO_PLAN}",
        provided=lambda one: one.state is OutageState.SETTLED and one.generation == due.generation,
    )
    return _due(outage) if outage.state is OutageState.SETTLED else due


def _moved(trace: OutageTrace) -> bool:
    """Whether the outage got another state or generation; what was said of it may change at any time."""
    return any(_of(trace, "was", name) != _of(trace, "became", name) for name in ("state", "generation"))


def _anew(trace: OutageTrace) -> bool:
    """Whether the outage was given another dag run, and nothing new was known of it."""
    return _moved(trace) and _of(trace, "was", "state") == _of(trace, "became", "state")


def _of(trace: OutageTrace, when: str, name: str) -> object:
    return (getattr(trace, when) or {}).get(name)


def probe_evidence(
    service: Service, samples: Iterable[Sample], *, now: datetime, before: Sequence[Evidence] = ()
) -> list[Evidence]:
    """Runs of failed looks as evidence, each probe on its own: from its first failure to its next success.

    A gap between two looks is not known to be down: what can be said ends ``SPEAKS_FOR`` after the last look before
    it. ``before``: the claims counted so far, for a run whose first samples are gone.
    """
    by_probe: dict[str, list[Sample]] = {}
    for sample in samples:
        by_probe.setdefault(sample.probe, []).append(sample)
    found = []
    for name, seen in by_probe.items():
        source, first = f"{PROBE} {name}".strip(), seen[0]
        began = [
            one.start
            for one in before
            if (one.source, one.service) == (source, service)
            and one.start < first.at
            and (one.end is None or first.at < one.end)
        ]
        start = None if first.up else min([first.at, *began])
        found += _failures(service, source, seen, now, start)
    return found


def _failures(
    service: Service, source: str, samples: Sequence[Sample], now: datetime, start: datetime | None
) -> list[Evidence]:
    found: list[Evidence] = []
    last = samples[0].at
    for sample in samples:
        if start is not None and sample.at - last > GAP:
            found.append(_probe_claim(service, source, start, last + SPEAKS_FOR))
            start = None
        if not sample.up and start is None:
            start = sample.at
        elif sample.up and start is not None:
            found.append(_probe_claim(service, source, start, sample.at))
            start = None
        last = sample.at
    if start is not None:
        gone = now - last > GAP
        found.append(_probe_claim(service, source, start, last + SPEAKS_FOR if gone else None))
    return found


def _probe_claim(service: Service, source: str, start: datetime, end: datetime | None) -> Evidence:
    return Evidence(
        source=source,
        key=f"{service.value}@{start.isoformat()}",
        service=service,
        start=start,
        end=end,
        detail="our own look failed",
    )


def _news(claims: Iterable[Evidence], before: Iterable[Evidence], oldest: datetime) -> list[Evidence]:
    """Without claims that ended before ``oldest`` and that nobody declared or counted before."""
    counted = {(claim.source, claim.key) for claim in before}
    return [
        claim
        for claim in claims
        if claim.declared or claim.end is None or claim.end >= oldest or (claim.source, claim.key) in counted
    ]


def _taken_back(
    before: Iterable[Evidence],
    said: Sequence[Evidence],
    counted: Sequence[Evidence],
    whole: Collection[Part],
    now: datetime,
) -> list[Evidence]:
    """What became of claims that were counted and that nobody makes any more.

    One that a person took back, or that known maintenance covers by now, has no length. An open one that its source
    does not list any more (a page dropped the incident, the log was corrected) ends now. Others stay: a page lists
    only its latest.
    """
    made = {(claim.source, claim.key) for claim in said}
    stand = {(claim.source, claim.key) for claim in counted}
    found = []
    for claim in before:
        if (claim.source, claim.key) in stand:
            continue
        excused = (claim.source, claim.key.partition(PIECE)[0]) in made
        listed = (claim.source, claim.service) in whole
        if excused or (listed and claim.source == DECLARED):
            update = {"end": claim.start, "declared": False, "confirms": False}
            found.append(claim.model_copy(update=update))
        elif listed and claim.end is None:
            found.append(claim.model_copy(update={"end": max(claim.start, now)}))
    return found


def _moved_on(
    outage: Outage, site: Site, samples: Sequence[ProbeResult], now: datetime, backlog: int
) -> Outage:
    """ended → settled once it has been quiet for the settle time and every service with a probe was seen up."""
    if outage.state is not OutageState.ENDED or outage.end is None:
        return outage
    for service in {outage.service, Service.SENDING}:
        looks = [one.up for one in samples if one.service is service]
        asked = any(one.service is service for one in site.sources.probes)
        if not all(looks) or (asked and not looks):
            return outage  # nothing says that it is over
    policy = site.policy
    settle = policy.settle_max_seconds if backlog else policy.settle_seconds
    if now - outage.end >= timedelta(seconds=settle):
        return outage.model_copy(update={"state": OutageState.SETTLED})
    return outage
