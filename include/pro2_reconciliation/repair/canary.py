"""What may be drilled on: a plain campaign, scheduled a while ahead, to a list of named colleagues and nobody else.

Looked at when a drill is asked for and, as far as lists may change, again before each of its steps (``checks.py``).
Only reads. Raises ``Rejected`` with the reason and the next step where a campaign is no canary, ``ConfigurationError``
where nobody is named, and what the ports raise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.drill import AHEAD, MOST
from pro2_reconciliation.domain.errors import ConfigurationError, Rejected
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.words import CampaignStatus
from pro2_reconciliation.repair.account import Account


@dataclass(frozen=True)
class Canary:
    """A campaign that may be drilled on, and how many colleagues it goes to."""

    campaign: Campaign
    audience: int


def find_canary(account: Account, campaign_id: str) -> Canary:
    """Look whether a campaign is a canary."""
    if not account.policy.drill_addresses:
        raise ConfigurationError(
            f"policy.yaml names no drill_addresses; name the colleagues who may get the canary, {MOST} at most, and "
            "make a list of nobody else in Pro2"
        )
    campaign = account.campaigns.detailed([campaign_id]).get(campaign_id)
    if campaign is None:
        raise Rejected(f"there is no campaign {campaign_id}; schedule a canary in Pro2 and give its id")
    _refuse(account, campaign)
    return Canary(campaign, colleagues_on(account, campaign))


def colleagues_on(account: Account, campaign: Campaign) -> int:
    """How many contacts the lists of a canary hold. Raises ``Rejected`` if anybody on them is not named."""
    name = f"campaign {campaign.id}"
    if not campaign.lists:
        raise Rejected(f"{name} has no list that can be read; give it the list of the drill_addresses")
    named = {one.strip().casefold() for one in account.policy.drill_addresses}
    members: dict[str, str] = {}
    for list_id in campaign.lists:
        members |= account.contacts.members(list_id, MOST)
    strangers = sum(address.strip().casefold() not in named for address in members.values())
    only = "make a list of the drill_addresses alone"
    if len(members) > MOST:
        raise Rejected(
            f"the lists of {name} hold {len(members)} contacts, a drill goes to {MOST} at most; {only}"
        )
    if not members:
        raise Rejected(f"the lists of {name} are empty; {only}")
    if strangers:
        raise Rejected(
            f"the lists of {name} hold {strangers} addresses that drill_addresses does not name; {only}"
        )
    return len(members)


def _refuse(account: Account, campaign: Campaign) -> None:
    now, zone = account.now(), account.zone
    name = f"campaign {campaign.id}"
    if campaign.type != "single" or campaign.recurring or campaign.from_automation:
        raise Rejected(f"{name} is no plain broadcast ({campaign.type}); schedule a single campaign")
    if campaign.status is not CampaignStatus.SCHEDULED or campaign.due is None:
        raise Rejected(
            f"{name} is {campaign.status.value}, not scheduled; schedule it for about an hour from now"
        )
    if not now + AHEAD <= campaign.due <= now + timedelta(hours=account.policy.send_by_hours):
        raise Rejected(
            f"{name} is scheduled for {local(campaign.due, zone)}; a canary is due no sooner than "
            f"{local(now + AHEAD, zone)}, so that it cannot go out in the middle of the drill, and within "
            f"{account.policy.send_by_hours:g} h"
        )
    if account.ledger.copies_among(account.organization, [campaign.id]):
        raise Rejected(f"{name} is a copy of ours; schedule a new canary")
    if account.ledger.actions_of(account.organization, f"campaign:{campaign.id}"):
        raise Rejected(f"{name} was acted on before; schedule a new canary")
