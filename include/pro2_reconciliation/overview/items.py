"""The items of one outage or of one dag run, as they stand now; each once, whatever number of plans knows it.

From the newest plan of each item, and from the inventory before there is a plan. The ledger is read a fixed number
of times, and once for each plan that is shown. Raises ``LedgerError`` for what the ledger does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.inventory import Inventory, places
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.words import ItemKind, Verb
from pro2_reconciliation.ledger import DagRun, Ledger, Note
from pro2_reconciliation.overview.links import link_of_item, link_to
from pro2_reconciliation.overview.picture import Picture
from pro2_reconciliation.overview.standing import Standing, standing_of, standings
from pro2_reconciliation.overview.views import ItemView, Now
from pro2_reconciliation.repair.outcome import End


def items_of_outage(site: Site, ledger: Ledger, outage_id: str, now: datetime) -> tuple[ItemView, ...]:
    """The items of an outage (an id, or one that was merged into it)."""
    outage = ledger.outage(outage_id)
    if outage is None or outage.organization != site.organization:
        raise LedgerError(f"outage {outage_id!r} is not known; look at the list of outages again")
    picture = Picture.read(site, ledger, now, outages=[outage], more=now)
    return _items(ledger, picture, picture.runs_of(outage))


def items_of_run(site: Site, ledger: Ledger, dag_run: str, now: datetime) -> tuple[ItemView, ...]:
    """The items of one dag run's newest plan."""
    run = ledger.run(site.organization, dag_run)
    if run is None:
        raise LedgerError(f"dag run {dag_run!r} is not known to this ledger; it begins with resolve_window")
    return _items(ledger, Picture.of_runs(site, ledger, now, [run]), [run])


def item_alone(
    ledger: Ledger, picture: Picture, key: str, decisions: Mapping[str, Decision]
) -> ItemView | None:
    """One item as the dag runs of a picture know it, for its story; None if none does.

    ``decisions`` on it by plan hash.
    """
    one = standing_of(picture, key)
    if one is not None:
        return _Reader(ledger, picture, [one]).view(one, decisions[one.item.plan_hash])
    unplanned = (run for run in reversed(picture.runs) if run.plan_hash is None)
    found = (view for run in unplanned for view in _watched(picture, run, ledger) if view.key == key)
    return next(found, None)


def _items(ledger: Ledger, picture: Picture, runs: Sequence[DagRun]) -> tuple[ItemView, ...]:
    """``runs`` newest first."""
    found = standings(picture, runs)
    reader = _Reader(ledger, picture, found)
    decisions: dict[tuple[str, str], Decision] = {}
    for plan_hash in {one.item.plan_hash for one in found}:
        plan = ledger.plan(plan_hash)
        for decision in plan.decisions if plan else ():
            decisions[(plan_hash, decision.key)] = decision
    views = [reader.view(one, decisions[(one.item.plan_hash, one.item.key)]) for one in found]
    known = {view.key for view in views}
    for run in runs:
        if run.plan_hash is None and picture.alive(run):
            fresh = [view for view in _watched(picture, run, ledger) if view.key not in known]
            known |= {view.key for view in fresh}
            views += fresh
    return tuple(views)


@dataclass
class _Reader:
    """What is read once for all items that are shown."""

    ledger: Ledger
    picture: Picture
    shown: Sequence[Standing]

    def __post_init__(self) -> None:
        site = self.picture.site
        runs = {one.run.id for one in self.shown}
        begun = min((one.run.begun_at for one in self.shown), default=self.picture.now)
        self.waivers: Mapping[str, Note] = self.ledger.waivers(site.organization, begun)
        self.rows = self.ledger.reported_rows({one.item.plan_hash for one in self.shown if one.reported})
        self.places = {run: places(watched) for run, watched in self.ledger.watch_lists(runs).items()}

    def view(self, one: Standing, decision: Decision) -> ItemView:
        row: Mapping[str, Any] = self.rows.get((one.item.plan_hash, one.item.key), {}) if one.reported else {}
        held, opened = self.picture.holds.get(decision.key), self.picture.opened.get(decision.key)
        waived, seen, answer = self.waivers.get(decision.key), decision.observation, one.answer
        copied = one.action.step(Verb.COPY_CAMPAIGN) if one.action and one.outcome != End.NONE else None
        place = self.places.get(one.run.id, {}).get(decision.key)
        return ItemView(
            key=decision.key,
            kind=decision.kind,
            item_id=decision.item_id,
            name=decision.name,
            rule=row.get("rule") or one.rule or decision.rule,
            via=decision.via,
            observation=_observation(decision),
            decision=(one.action.remedy if one.action else decision.remedy).value,
            reason=decision.reason,
            outcome=one.outcome,
            detail=one.detail or row.get("detail", ""),
            alarm=self.picture.alarmed.get(decision.key, ""),
            steps=tuple(row.get("steps", decision.steps)),
            choices=decision.choices if one.asks else (),
            answer=answer.choice if answer else None,
            answered_by=answer.who if answer else "",
            answered_at=answer.at if answer else None,
            audience=decision.audience,
            due=decision.due,
            send_by=decision.send_by,
            observed_at=seen.seen_at if seen else None,
            held_by=held.who if held else "",
            waived_by=waived.who if waived else "",
            open_since=opened.opened_at if opened else None,
            copy_id=copied.remote_id if copied else None,
            dag_run=one.run.id,
            plan_hash=one.item.plan_hash,
            log=link_of_item(one.run, one.action, place),
            pro2_url=self.picture.site.policy.link_to(decision.kind, decision.item_id),
        )


def _observation(decision: Decision) -> str:
    seen = decision.observation
    if seen is None:
        return "-"
    return f"{seen.state} when watching ended" if seen.still_pending else str(seen.state)


def _watched(picture: Picture, run: DagRun, ledger: Ledger) -> Iterable[ItemView]:
    """What the inventory of a dag run found, before there is a plan."""
    try:
        inventory = ledger.inventory(run.id)
    except LedgerError:
        return
    sensors = places(inventory.watch)
    deadlines = {one.key: one.until for one in inventory.watch}
    waivers = ledger.waivers(picture.site.organization, inventory.taken_at)
    dues = _dues(inventory)
    for key, seen in inventory.observations.items():
        held, opened, waived = picture.holds.get(key), picture.opened.get(key), waivers.get(key)
        place = sensors.get(key)
        yield ItemView(
            key=key,
            kind=seen.kind,
            item_id=seen.item_id,
            name=seen.name,
            rule="",
            observation=str(seen.state),
            decision="",
            reason="",
            outcome=(Now.SEEN if place is None else Now.WATCHING).value,
            detail=f"until {deadlines[key]}" if place is not None else "",
            audience=dues[key][1],
            due=dues[key][0],
            observed_at=seen.seen_at,
            held_by=held.who if held else "",
            waived_by=waived.who if waived else "",
            open_since=opened.opened_at if opened else None,
            dag_run=run.id,
            log=link_of_item(run, None, place),
            pro2_url=picture.site.policy.link_to(seen.kind, seen.item_id),
        )
    for one in inventory.automations:
        yield ItemView(
            key=f"{ItemKind.AUTOMATION.value}:{one.id}",
            kind=ItemKind.AUTOMATION,
            item_id=one.id,
            name=one.name,
            rule="",
            observation="counted",
            decision="",
            reason="",
            outcome=Now.SEEN.value,
            observed_at=inventory.taken_at,
            dag_run=run.id,
            log=link_to(run.dag_id, run.id, "take_inventory"),
            pro2_url=picture.site.policy.link_to(ItemKind.AUTOMATION, one.id),
        )


def _dues(inventory: Inventory) -> dict[str, tuple[datetime | None, int | None]]:
    """When each item was due, and for about how many patrons."""
    found: dict[str, tuple[datetime | None, int | None]] = dict.fromkeys(inventory.observations, (None, None))
    for campaign_id, reading in inventory.readings.items():
        campaign = reading.campaign
        if campaign is not None:
            found[f"{ItemKind.CAMPAIGN.value}:{campaign_id}"] = (campaign.due, campaign.total_amt or None)
    for occurrence in inventory.occurrences:
        found[f"{ItemKind.OCCURRENCE.value}:{occurrence.key}"] = (occurrence.due, None)
    return found
