"""How each service looks now: by the outages that last, else by our own probes, else nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger, Sample
from pro2_reconciliation.overview.picture import Picture
from pro2_reconciliation.overview.views import Health, ServiceView
from pro2_reconciliation.repair.detection import GAP

LOOKED_BACK = timedelta(hours=6)
"""So long are looks read to know since when a service is up."""


def services(picture: Picture, ledger: Ledger) -> tuple[ServiceView, ...]:
    """One for each service."""
    since = picture.now - LOOKED_BACK
    return tuple(
        _service(service, picture, ledger.samples(picture.site.organization, service, since))
        for service in Service
    )


def _service(service: Service, picture: Picture, looks: Sequence[Sample]) -> ServiceView:
    now = picture.now
    down = [one for one in picture.down if one.service is service]
    if down:
        oldest = min(down, key=lambda one: one.start)
        return ServiceView(service=service, health=Health.DOWN, since=oldest.start, why=_evidence(oldest))
    last = _last_of_each([one for one in looks if now - one.at <= GAP])
    failed = [one for one in last if not one.up]
    if failed:
        why = "; ".join(f"{_probe(one)} failed: {one_line(one.detail)}" for one in failed)
        return ServiceView(service=service, health=Health.DOWN, since=failed[0].at, why=why)
    if last:
        why = f"{', '.join(_probe(one) for one in last)} answered"
        return ServiceView(
            service=service, health=Health.UP, since=_up_since(service, picture, looks), why=why
        )
    return ServiceView(service=service, health=Health.UNKNOWN, why="no probe has looked at it lately")


def _evidence(outage: Outage) -> str:
    sources = sorted({claim.source for claim in outage.evidence}) or ["the ledger"]
    only = ", only suspected" if outage.suspected else ""
    return one_line(f"{', '.join(sources)} (outage {outage.id}{only})")


def _last_of_each(looks: Sequence[Sample]) -> list[Sample]:
    return list({one.probe: one for one in looks}.values())


def _probe(sample: Sample) -> str:
    return one_line(f"probe {sample.probe}".strip())


def _up_since(service: Service, picture: Picture, looks: Sequence[Sample]) -> datetime | None:
    """Since the last failed look, or the end of the last outage; None where neither is known."""
    ends = [
        one.end for one in picture.outages if one.service is service and one.end and one.end <= picture.now
    ]
    failed = max((one.at for one in looks if not one.up), default=None)
    after = next((one.at for one in looks if one.up and failed and one.at > failed), None)
    return max([*ends, *([after] if after else [])], default=None)
