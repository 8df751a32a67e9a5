"""What is carried over from earlier windows, because it is open for a person or half done; and where it came from.

Such an item is judged by the window that found it, not by that of the dag run that reads it again (ADR 17): what was
stopped in Tuesday's outage was not "stopped before the outage" on Thursday. It reads the ledger only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.drill import DRILL
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import ANSWER_WITHIN, Plan
from pro2_reconciliation.domain.words import CampaignStatus, ItemKind, Mode, Remedy
from pro2_reconciliation.ledger import RUNNING, ActionRecord, RunStage
from pro2_reconciliation.repair.account import Account

OPEN_FOR = timedelta(days=30)
"""So long is an item that needs a person read again every night; then it is closed in words (invariant 8)."""
BY_WORLD, EXPIRED_BY = "world", "reconcile"
"""Who closes an item that nobody closed by hand: the world settled it, or its 30 days are over."""
_NOT_DONE = " proposed, not done: "
OF_TAGS = frozenset({Remedy.ADD_TAG, Remedy.REMOVE_TAG})
"""Their question follows the data sync by itself, and a drift that is gone has no row that could close it."""
_ACTING = frozenset(remedy.value for remedy in Remedy if remedy.acts)
_NEVER_ASKS = (None, Mode.PLAN)
_WITHOUT_PLAN = timedelta(days=1)
"""So long before its row an item was found whose plan is not in this ledger: a window is seldom longer."""


@dataclass(frozen=True)
class Origin:
    """Where an item came from: ``start`` of the window whose plan found it first, name and due time as of then."""

    start: datetime
    name: str
    due: datetime | None

    def reading(self, campaign_id: str) -> CampaignReading:
        """What is known of a campaign that is a draft or gone by now, as a snapshot would have it."""
        known = Campaign(id=campaign_id, name=self.name, status=CampaignStatus.SCHEDULED, due=self.due)
        return CampaignReading(campaign=known, report=None, read_at=self.start)


def proposal(remedy: str, reason: str) -> str:
    """The reason of an open item of which nothing but a proposal was made."""
    return f"{remedy.replace('_', ' ')}{_NOT_DONE}{reason}"


def is_proposal(reason: str) -> bool:
    """Whether the reason of an open item says so."""
    remedy = reason.partition(_NOT_DONE)[0] if _NOT_DONE in reason else ""
    return remedy.replace(" ", "_") in _ACTING


def carried_over(account: Account) -> dict[str, Origin]:
    """By item key: what is open for a person, what we have begun and can go on with, what is to be done once more.

    Half done also where no report said so, because its dag run died. A drill's canary is its own dag run's.
    """
    ledger, organization = account.ledger, account.organization
    plans: dict[str, Plan | None] = {}

    def origin(key: str, plan_hash: str, name: str, at: datetime) -> Origin | None:
        if plan_hash not in plans:
            plans[plan_hash] = ledger.plan(plan_hash)
        plan = plans[plan_hash]
        decision = plan.decision(key) if plan else None
        if decision is not None and decision.rule == DRILL:
            return None
        start = plan.since(key) if plan else at - _WITHOUT_PLAN
        return Origin(start, name, decision.due if decision else None)

    claims = [
        (item.item_key, item.plan_hash, item.name, item.opened_at) for item in ledger.open_items(organization)
    ]
    half_done = [
        one for one in ledger.open_repairs(organization) if one.state == RUNNING and not one.by_guard
    ]
    claims += [
        (action.item_key, action.plan_hash, action.name, action.created_at)
        for action in (*half_done, *_to_be_repeated(account))
        if action.remedy not in OF_TAGS
    ]
    found: dict[str, Origin] = {}
    for key, plan_hash, name, at in claims:
        one = origin(key, plan_hash, name, at)
        if one is not None and (key not in found or one.start < found[key].start):
            found[key] = one
    return found


def left_alone(account: Account, dag_run: str) -> frozenset[str]:
    """The open proposals that a dag run which asks does not ask about, unless its own window holds them.

    A person keeps them, or another dag run is at them: nobody is asked twice at once. In mode ``plan`` there are none.
    """
    ledger, organization = account.ledger, account.organization
    mine = ledger.run(organization, dag_run) if dag_run else None
    proposed = {item.item_key for item in ledger.open_items(organization) if is_proposal(item.reason)}
    if mine is None or mine.mode in _NEVER_ASKS or not proposed:
        return frozenset()
    found = proposed & ledger.holds(organization).keys()
    for run in ledger.runs(organization, account.now() - ANSWER_WITHIN):
        if run.id == mine.id or run.mode in _NEVER_ASKS or run.stage is RunStage.REPORTED:
            continue
        try:
            found |= proposed & ledger.inventory(run.id).observations.keys()
        except LedgerError:
            continue  # it has not looked yet: it will leave alone what is asked about here
    return frozenset(found)


def _to_be_repeated(account: Account) -> list[ActionRecord]:
    """The ended actions that a person asked to be done once more lately, while nobody has chosen that yet."""
    since = account.now() - OPEN_FOR
    wanted = [one for one in account.ledger.repeats(account.organization) if one.at >= since]
    known = account.ledger.actions_of(account.organization, *{one.root for one in wanted})
    newest = {(one.root, one.remedy): one for one in sorted(known, key=lambda one: one.generation)}
    found = [(newest.get((one.root, one.remedy)), one.generation) for one in wanted]
    return [action for action, following in found if action is not None and action.generation < following]


def ids_of(carried: Mapping[str, Origin], kind: ItemKind) -> dict[str, Origin]:
    """Those of one kind, by the id of the item."""
    begin = f"{kind.value}:"
    return {key.removeprefix(begin): one for key, one in carried.items() if key.startswith(begin)}
