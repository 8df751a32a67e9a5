"""Build the frozen plan: a fresh look at everything unsettled, then the decision table for every item.

A missing observation makes an item UNKNOWN; an item that cannot be read again is UNKNOWN too. Raises the errors of the
ports only for the batched reads of :mod:`world <pro2_reconciliation.repair.world>`: without them there is no plan.
"""

from __future__ import annotations

from collections.abc import Mapping

from pro2_reconciliation.domain.decide import decide_automation
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.plan import ANSWER_WITHIN, Plan
from pro2_reconciliation.domain.rules import RULE_BOOK, RuleBook
from pro2_reconciliation.domain.sending_hours import with_now
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import waits_for_hours
from pro2_reconciliation.repair.campaign_decisions import campaign_decisions
from pro2_reconciliation.repair.drift import drift_decisions
from pro2_reconciliation.repair.occurrence_decisions import occurrence_decisions
from pro2_reconciliation.repair.restricting import restricted
from pro2_reconciliation.repair.world import look


def build_plan(
    account: Account,
    inventory: Inventory,
    observations: Mapping[str, Observation],
    *,
    run: str = "",
    parent: str | None = None,
    book: RuleBook = RULE_BOOK,
) -> Plan:
    """The plan for an inventory. ``observations`` are what the sensors ended with (item key to observation);
    items that were settled at once have theirs in the inventory."""
    world = look(account, inventory, observations)
    campaigns = campaign_decisions(account, world, book)
    decisions = [restricted(account.site, inventory, decision) for decision in campaigns]
    decisions += occurrence_decisions(account, world, book)
    decisions += drift_decisions(account, decisions, inventory.window, inventory.origins)
    decisions += [decide_automation(automation) for automation in inventory.automations]
    now = account.now()
    decisions = [
        with_now(d, account.policy, account.zone, now, now + ANSWER_WITHIN) if waits_for_hours(d) else d
        for d in decisions
    ]
    identity = account.ledger.identity
    return Plan(
        organization=account.organization,
        zone=account.zone,
        window=inventory.window,
        created_at=now,
        ledger_uuid=identity.uuid,
        ledger_epoch=identity.epoch,
        run=run,
        parent=parent,
        health=world.health,
        floor_id=inventory.floor_id,
        origins=inventory.origins,
        restriction=inventory.restriction,
        not_looked_at=inventory.not_looked_at,
        decisions=tuple(decisions),
    )
