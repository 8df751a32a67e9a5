"""The whole first picture of the page, from the ledger alone: no request to Pro2, nothing of Airflow.

A fixed number of queries, whatever the number of items and of earlier outages; no plan is read. Raises
``LedgerError`` where the ledger cannot be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.ledger import DagRun, Ledger, Witness, why_plan_only
from pro2_reconciliation.overview.countdown import Next, headline, what_next
from pro2_reconciliation.overview.due import LOOKED_BACK, at_risk, upcoming
from pro2_reconciliation.overview.picture import Picture, newest_first, text_of
from pro2_reconciliation.overview.services import services
from pro2_reconciliation.overview.standing import Standing, standings
from pro2_reconciliation.overview.views import (
    AlarmView,
    Board,
    DeclarationView,
    HoldView,
    LedgerView,
    Now,
    OpenItemView,
    OutageView,
    RunView,
    SwitchView,
)
from pro2_reconciliation.repair.carried import OPEN_FOR
from pro2_reconciliation.repair.detection import DETECTION
from pro2_reconciliation.repair.gates import GUARD

SHOWN_FOR = timedelta(days=90)
"""So long is an outage shown after it is closed; one that is not closed always is."""


def board(site: Site, ledger: Ledger, now: datetime, *, witness: Witness | None = None) -> Board:
    """Everything but the items. ``witness`` says whether this is the ledger to go by (ADR 9); None: nobody is asked."""
    organization = site.organization
    known = ledger.outages(organization)
    shown = [one for one in newest_first(known) if one.start >= now - SHOWN_FOR or _unsettled(one)]
    picture = Picture.read(site, ledger, now, outages=shown, more=now - LOOKED_BACK)
    of_outage = {one.id: (runs := picture.runs_of(one), standings(picture, runs)) for one in shown}
    risky = at_risk(site, ledger, shown, now)
    switch = ledger.switch(organization)
    alarms = [one for one in picture.alarms if one.at >= now - OPEN_FOR]
    snapshot = ledger.latest_snapshot(organization)
    found = {item.item.key: item for one in reversed(shown) for item in of_outage[one.id][1]}
    nexts = {one.id: what_next(picture, one, *of_outage[one.id], switch) for one in shown}
    beat = ledger.heartbeat(GUARD)
    silent = timedelta(seconds=site.policy.guard_heartbeat_seconds)
    return Board(
        organization=organization,
        zone=site.zone,
        made_at=now,
        headline=headline(picture, list(found.values()), len(risky), alarms, switch, nexts),
        ledger=_ledger(site, ledger, witness),
        switch=SwitchView(stage=switch.stage, who=switch.who, why=switch.why, at=switch.at),
        guard_at=beat,
        guard_ok=beat is not None and now - beat <= silent,
        detected_at=ledger.heartbeat(DETECTION),
        snapshot_at=snapshot.at if snapshot else None,
        services=services(picture, ledger),
        at_risk=risky,
        upcoming=upcoming(picture, snapshot),
        outages=tuple(_outage(picture, one, *of_outage[one.id], nexts[one.id]) for one in shown),
        declarations=_declarations(ledger, organization),
        open_items=_open_items(picture),
        holds=tuple(
            HoldView(key=key, who=note.who, why=note.why, at=note.at) for key, note in picture.holds.items()
        ),
        alarms=tuple(
            AlarmView(at=one.at, kind=one.kind, text=text_of(one), item=str(one.body.get("item") or ""))
            for one in reversed(alarms)
        ),
    )


def _unsettled(outage: Outage) -> bool:
    return outage.state is not OutageState.CLOSED and outage.end != outage.start


def _ledger(site: Site, ledger: Ledger, witness: Witness | None) -> LedgerView:
    identity = ledger.identity
    return LedgerView(
        uuid=identity.uuid,
        epoch=identity.epoch,
        adopted_by=identity.adopted_by,
        adopted_at=identity.adopted_at,
        plans_only=why_plan_only(ledger, witness, site.zone) or "",
    )


def _outage(
    picture: Picture,
    one: Outage,
    runs: Sequence[DagRun],
    found: Sequence[Standing],
    following: Next,
) -> OutageView:
    counts = dict(Counter(item.outcome for item in found)) or _before_a_plan(picture, runs)
    return OutageView(
        id=one.id,
        service=one.service,
        start=one.start,
        end=one.end,
        state=one.state,
        generation=one.generation,
        confirmed=not one.suspected,
        evidence=one.evidence,
        runs=tuple(_run(picture, run) for run in runs),
        counts=counts,
        items=sum(counts.values()),
        next=following.text,
        until=following.until,
    )


def _before_a_plan(picture: Picture, runs: Sequence[DagRun]) -> dict[str, int]:
    """What the inventory of a dag run that is at work counted."""
    run = next((run for run in runs if run.plan_hash is None and picture.alive(run)), None)
    if run is None:
        return {}
    counts = {Now.WATCHING.value: run.watched, Now.SEEN.value: run.touched - run.watched}
    return {outcome: count for outcome, count in counts.items() if count}


def _run(picture: Picture, run: DagRun) -> RunView:
    return RunView(
        dag_run=run.id,
        dag_id=run.dag_id,
        plan_hash=run.plan_hash or "",
        mode=picture.mode_of(run).value,
        stage=run.stage.value,
        at=run.begun_at,
        parent=run.parent,
        progress=run.progress if picture.alive(run) else "",
        report=run.report_address,
    )


def _declarations(ledger: Ledger, organization: str) -> tuple[DeclarationView, ...]:
    return tuple(
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
    )


def _open_items(picture: Picture) -> tuple[OpenItemView, ...]:
    return tuple(
        OpenItemView(
            key=one.item_key,
            name=one.name,
            rule=one.rule,
            reason=one.reason,
            plan_hash=one.plan_hash,
            opened_at=one.opened_at,
            closes_at=one.opened_at + OPEN_FOR,
        )
        for one in picture.opened.values()
    )
