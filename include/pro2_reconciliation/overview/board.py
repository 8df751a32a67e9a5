"""The whole first picture of the page, from the ledger alone."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger, Witness, why_plan_only
from pro2_reconciliation.overview.items import items_of_outage
from pro2_reconciliation.overview.views import (
    AlarmView,
    Board,
    DeclarationView,
    Health,
    HoldView,
    LedgerView,
    OpenItemView,
    OutageView,
    RunView,
    ServiceView,
    SwitchView,
)
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.report import OPEN_FOR


def board(site: Site, ledger: Ledger, now: datetime, *, witness: Witness | None = None) -> Board:
    """Everything but the items. ``witness`` says whether this is the ledger to go by (ADR 9); None: nobody is asked.

    Reads the ledger only. Raises ``LedgerError`` where that cannot be read.
    """
    organization = site.organization
    identity, turned, beat = ledger.identity, ledger.switch(organization), ledger.heartbeat(GUARD)
    outages = ledger.outages(organization)
    silent = timedelta(seconds=site.policy.guard_heartbeat_seconds)
    down = [one for one in outages if one.end is None]
    return Board(
        organization=organization,
        zone=site.zone,
        made_at=now,
        headline=f"{len(down)} outages last" if down else "No outage is known to last",
        ledger=LedgerView(
            uuid=identity.uuid,
            epoch=identity.epoch,
            adopted_by=identity.adopted_by,
            adopted_at=identity.adopted_at,
            plans_only=why_plan_only(ledger, witness, site.zone) or "",
        ),
        switch=SwitchView(stage=turned.stage, who=turned.who, why=turned.why, at=turned.at),
        guard_at=beat,
        guard_ok=beat is not None and now - beat <= silent,
        detected_at=None,
        services=tuple(_service(service, down) for service in Service),
        at_risk=(),
        upcoming=(),
        outages=tuple(_outage(site, ledger, one, now) for one in reversed(outages)),
        declarations=tuple(
            DeclarationView(
                number=one.number,
                service=one.service,
                start=one.start,
                end=one.end,
                who=one.who,
                why=one.why,
                at=one.at,
            )
            for one in ledger.declarations(organization)
            if one.withdrawn_at is None
        ),
        open_items=tuple(
            OpenItemView(
                key=one.item_key,
                name=one.name,
                rule=one.rule,
                reason=one.reason,
                plan_hash=one.plan_hash,
                opened_at=one.opened_at,
                closes_at=one.opened_at + OPEN_FOR,
            )
            for one in ledger.open_items(organization)
        ),
        holds=tuple(
            HoldView(key=key, who=note.who, why=note.why, at=note.at)
            for key, note in ledger.holds(organization).items()
        ),
        alarms=tuple(
            AlarmView(at=one.at, kind=one.kind, text=str(one.body.get("text", one.kind)))
            for one in ledger.alarms(organization, now - OPEN_FOR)
        ),
    )


def _service(service: Service, down: list[Outage]) -> ServiceView:
    one = next((one for one in down if one.service is service), None)
    if one is None:
        return ServiceView(service=service, health=Health.UNKNOWN)
    return ServiceView(service=service, health=Health.DOWN, since=one.start, why=f"outage {one.id}")


def _outage(site: Site, ledger: Ledger, one: Outage, now: datetime) -> OutageView:
    items = items_of_outage(site, ledger, one.id, now)
    plans = [p for p in ledger.plans(site.organization) if {one.id, *one.aliases} & set(p.window.outage_ids)]
    return OutageView(
        id=one.id,
        service=one.service,
        start=one.start,
        end=one.end,
        state=one.state,
        generation=one.generation,
        confirmed=not one.suspected,
        evidence=one.evidence,
        runs=tuple(
            RunView(
                dag_run=p.run,
                plan_hash=p.hash,
                mode="",
                stage="planned",
                at=p.created_at,
                parent=p.parent,
            )
            for p in plans
        ),
        counts=dict(Counter(item.outcome for item in items)),
        items=len(items),
        next="" if one.end else f"it lasts since {local(one.start, site.zone)}",
    )
