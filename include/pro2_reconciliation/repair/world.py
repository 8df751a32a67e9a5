"""What a plan is built on: the fresh look at everything unsettled, and what the ledger says that we did.

The fresh look is the second of the two reads that "still pending" needs. Raises the errors of the ports only for the
two batched reads, the list of campaigns and the Activity Log: without them there is no plan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.facts import OwnAction, health_of
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.jobs import ActivityLog, Console
from pro2_reconciliation.domain.observation import CampaignState, Observation
from pro2_reconciliation.domain.states import campaign_state
from pro2_reconciliation.domain.windows import touched_campaigns
from pro2_reconciliation.domain.words import Outcome, Remedy
from pro2_reconciliation.ledger import RUNNING, ActionRecord, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.inventory import read_log, suspect_since


@dataclass(frozen=True)
class World:
    """What decisions are made from.

    ``seen``: what watching ended with, by item key; what was to be watched and was not is missing. ``campaigns`` by id;
    ``log`` and ``console`` are None where they are not needed, the Console also where it cannot be read. ``ours``: root
    to our newest action that had an effect.
    """

    inventory: Inventory
    seen: Mapping[str, Observation]
    ours: Mapping[str, OwnAction]
    campaigns: Mapping[str, Campaign]
    log: ActivityLog | None
    console: Console | None
    health: str


def look(account: Account, inventory: Inventory, observations: Mapping[str, Observation]) -> World:
    """Read all that is needed for a plan. ``observations``: what the sensors ended with, by item key."""
    ours = _own_actions(account, touched_roots(account, inventory))
    seen = _seen(inventory, observations)
    edge = touched_campaigns(inventory.window, account.policy).start
    # campaigns that the form left out still tell whether the account is held
    wanted = inventory.readings or inventory.restriction
    listed = {c.id: c for c in account.campaigns.scheduled_since(edge)} if wanted else {}
    log = read_log(account, inventory.occurrences, inventory.window) if inventory.occurrences else None
    console: Console | None = None
    if inventory.occurrences:
        try:
            console = account.dashboard.console()
        except RequestError:
            console = None
    successes = [
        row
        for row in (log.rows if log else ())
        if row.outcome is Outcome.SUCCESS and row.started >= inventory.window.end
    ]
    health = health_of(
        window_end=inventory.window.end,
        campaigns=list(listed.values()),
        successes_since=len(successes),
        now=account.now(),
        policy=account.policy,
    )
    pending = [
        c.id
        for c in listed.values()
        if c.id in inventory.readings and (is_pending(account, c) or _half_done(c, ours))
    ]
    since = min([inventory.window.start, *(suspect_since(inventory.window, listed[i]) for i in pending)])
    young = [c.id for c in listed.values() if (c.created or since) >= since]
    if pending:
        listed |= account.campaigns.detailed(sorted({*pending, *young}, key=int))
        # a draft copy has no time, so no list shows it
        for made in account.campaigns.newer_than(inventory.floor_id):
            listed.setdefault(made.id, made)
    return World(inventory, seen, ours, listed, log, console, health)


def is_pending(account: Account, campaign: Campaign) -> bool:
    """Whether a campaign is due and, as far as the list tells, nothing of it went out."""
    reading = CampaignReading(campaign=campaign, report=None, read_at=account.now())
    return campaign_state(reading, account.now(), account.policy) is CampaignState.PENDING


def _half_done(campaign: Campaign, ours: Mapping[str, OwnAction]) -> bool:
    """An action of ours on it can be resumed, so its content is compared with what was agreed to."""
    own = ours.get(f"campaign:{campaign.id}")
    return own is not None and own.state == "open"


def _seen(inventory: Inventory, observations: Mapping[str, Observation]) -> dict[str, Observation]:
    watched = {item.key for item in inventory.watch}
    return {
        **{key: seen for key, seen in inventory.observations.items() if key not in watched},
        **{key: observations[key] for key in watched & observations.keys()},
    }


def touched_roots(account: Account, inventory: Inventory) -> set[str]:
    """The roots that the campaigns and occurrences of an inventory belong to; a copy of ours also by its own id."""
    copies = account.ledger.copies_among(account.organization, inventory.readings)
    campaigns = {f"campaign:{one}" for one in inventory.readings}
    return campaigns | set(copies.values()) | {f"occurrence:{one.key}" for one in inventory.occurrences}


def _own_actions(account: Account, roots: Collection[str]) -> dict[str, OwnAction]:
    """Root to our newest action that had an effect: done, open, or waiting for a person (rules C0 and R0).

    One that a person asked to be repeated is not in the way: the table decides by what the world shows.
    """
    found: dict[str, OwnAction] = {}
    for action in account.ledger.actions_of(account.organization, *roots):
        if action.remedy in (Remedy.ADD_TAG, Remedy.REMOVE_TAG):
            continue
        if action.had_effect and not action.repeated:
            text = f"{action.remedy.value.replace('_', ' ')}, {action.state}"
            found[action.root] = OwnAction(own_state(action), text, action.remedy)
    return found


def own_state(action: ActionRecord) -> str:
    """An action with an effect, in the three words of rules C0 and R0."""
    if action.state in (State.CONFIRMED, State.CLOSED):
        return "done"
    return "open" if action.state == RUNNING else "needs_human"
