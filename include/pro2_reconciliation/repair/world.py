"""What a plan is built on: the fresh look at everything unsettled, and what the ledger says that we did.

The fresh look is the second of the two reads that "still pending" needs. Raises the errors of the ports only for the
batched reads, the campaigns with their contents and the Activity Log: without them there is no plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
from pro2_reconciliation.repair.inventory import read_log
from pro2_reconciliation.repair.suspects import suspect_since

_SETTLED = frozenset({CampaignState.SENT, CampaignState.DUE_LATER})


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
    log = read_log(account, inventory) if inventory.occurrences else None
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
    return World(inventory, seen, ours, _in_full(account, inventory, ours, listed), log, console, health)


def _in_full(
    account: Account, inventory: Inventory, ours: Mapping[str, OwnAction], listed: Mapping[str, Campaign]
) -> dict[str, Campaign]:
    """The list, with the content of whatever may be acted on or is open from before, and of what may be its copy."""
    found = dict(listed)
    # due before the list begins, or without a time: ten to a page, where one by one was a request each
    beyond = [i for i in inventory.readings if i not in found and _was_unsettled(inventory, i)]
    found |= account.campaigns.detailed(_in_order(beyond)) if beyond else {}
    close = [
        found[i] for i in inventory.readings if i in found and _is_close(account, inventory, ours, found[i])
    ]
    if not close:
        return found
    # a draft copy has no time, so no list shows it
    found |= {made.id: made for made in account.campaigns.newer_than(inventory.floor_id)}
    since = min(suspect_since(inventory.since(f"campaign:{c.id}"), c) for c in close)
    unread = {c.id for c in close} | {c.id for c in listed.values() if (c.created or since) >= since}
    unread = {i for i in unread if found[i].lists is None}
    found |= account.campaigns.detailed(_in_order(unread)) if unread else {}
    return found


def _in_order(campaign_ids: Iterable[str]) -> list[str]:
    return sorted(campaign_ids, key=int)


def _was_unsettled(inventory: Inventory, campaign_id: str) -> bool:
    seen = inventory.observations.get(f"campaign:{campaign_id}")
    return seen is None or (seen.state != CampaignState.GONE and seen.state not in _SETTLED)


def _is_close(
    account: Account, inventory: Inventory, ours: Mapping[str, OwnAction], campaign: Campaign
) -> bool:
    """Whether its content counts, and what looks like it: it hangs, is half done, or is open from an earlier window."""
    key = f"campaign:{campaign.id}"
    own = ours.get(key)
    if is_pending(account, campaign) or (own and own.state == "open"):
        return True
    return own is None and key in inventory.origins and _state(account, campaign) not in _SETTLED


def is_pending(account: Account, campaign: Campaign) -> bool:
    """Whether a campaign is due and, as far as the list tells, nothing of it went out."""
    return _state(account, campaign) is CampaignState.PENDING


def _state(account: Account, campaign: Campaign) -> CampaignState:
    reading = CampaignReading(campaign=campaign, report=None, read_at=account.now())
    return campaign_state(reading, account.now(), account.policy)


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
