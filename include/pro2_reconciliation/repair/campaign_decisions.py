"""The decisions on the campaigns of an inventory, from a fresh look at them.

A campaign that cannot be read again, and one whose observation is missing, is UNKNOWN: a person gets it.
"""

from __future__ import annotations

from pro2_reconciliation.domain.campaigns import CampaignReading
from pro2_reconciliation.domain.config import Feeds
from pro2_reconciliation.domain.decide import decide_campaign
from pro2_reconciliation.domain.facts import campaign_facts
from pro2_reconciliation.domain.lineage import Lineup
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.rules import RuleBook
from pro2_reconciliation.domain.states import WENT
from pro2_reconciliation.domain.words import CampaignStatus
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.snapshot import Kept, left_the_schedule
from pro2_reconciliation.repair.suspects import suspect_since
from pro2_reconciliation.repair.world import World, is_pending


def campaign_decisions(account: Account, world: World, book: RuleBook) -> list[Decision]:
    """One decision for each campaign, in the order of the inventory."""
    deciding = _Campaigns(account, world, book)
    return [deciding.decision(campaign_id) for campaign_id in world.inventory.readings]


class _Campaigns:
    """What is the same for all campaigns of a plan: our copies, what looks like a copy, snapshots, feeds."""

    def __init__(self, account: Account, world: World, book: RuleBook) -> None:
        self._account, self._world, self._book = account, world, book
        known = {*world.inventory.readings, *world.campaigns}
        self._copies = account.ledger.copies_among(account.organization, known)
        self._lineup = Lineup(world.campaigns.values(), frozenset(self._copies))
        self._kept = self._snapshots()
        self._feeds = Feeds(account.site)

    def decision(self, campaign_id: str) -> Decision:
        account, world = self._account, self._world
        since = world.inventory.since(f"campaign:{campaign_id}")
        first = world.inventory.readings[campaign_id]
        reading = self._second_reading(campaign_id, first)
        observed = world.seen.get(f"campaign:{campaign_id}")
        shown = reading.campaign or first.campaign
        name = shown.name if shown else campaign_id
        root = self._copies.get(campaign_id, f"campaign:{campaign_id}")
        copies, alike = self._lineup.suspects(shown, suspect_since(since, shown)) if shown else ((), ())
        facts = campaign_facts(
            reading,
            first=first,
            observation=observed,
            original_name=name,
            window_start=since,
            suspects=copies,
            look_alikes=alike,
            root=root.removeprefix("campaign:"),
            own=None if campaign_id in self._copies else world.ours.get(root),
            health=world.health,
            left_at=left_the_schedule(account, reading.campaign, self._kept) if reading.campaign else None,
            policy=account.policy,
            zone=account.zone,
            now=account.now(),
        )
        return decide_campaign(
            reading,
            facts,
            item_id=campaign_id,
            name=name,
            root=root,
            policy=account.policy,
            feeds=self._feeds.of(shown) if shown else (),
            observation=observed,
            book=self._book,
        )

    def _second_reading(self, campaign_id: str, first: CampaignReading) -> CampaignReading:
        account = self._account
        campaign = self._world.campaigns.get(campaign_id) or account.campaign_of(campaign_id, first.campaign)
        report = None
        if campaign and campaign.status in WENT:
            counts_nothing = campaign.status is CampaignStatus.COMPLETE and not campaign.send_amt
            if counts_nothing or is_pending(account, campaign):
                report = account.report_of(campaign_id)
        return CampaignReading(campaign=campaign, report=report, read_at=account.now())

    def _snapshots(self) -> Kept | None:
        """Those that tell of the campaigns that are scheduled now; None where none is."""
        found = (self._world.campaigns.get(one) for one in self._world.inventory.readings)
        dues = [c.due for c in found if c and c.due and c.status is CampaignStatus.SCHEDULED]
        return Kept(self._account, min(dues)) if dues else None
