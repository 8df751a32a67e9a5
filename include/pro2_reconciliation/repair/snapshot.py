"""What was scheduled before: kept at every pass while Pro2 is up, used when it is down and afterwards.

While it is down the last snapshot before says what is at risk. Afterwards a campaign that was scheduled then, and is
a draft, moved or gone now, is an item too (rules C5 and C14). Without a snapshot nothing is known of it: then only
what Pro2 itself still shows is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.schedule import occurrences
from pro2_reconciliation.domain.words import CampaignStatus, ItemKind, Service
from pro2_reconciliation.ledger import Ledger, Snapshot
from pro2_reconciliation.repair.account import Account

AHEAD = timedelta(days=2)
"""How far a snapshot looks ahead: an outage may last."""


@dataclass(frozen=True)
class Scheduled:
    """One entry of a snapshot that has a due time; ``audience`` in patrons, None where it was not known."""

    kind: ItemKind
    item_id: str
    name: str
    due: datetime
    seen_at: datetime
    audience: int | None = None

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.item_id}"


def scheduled_snapshot(account: Account) -> dict[str, list[dict[str, Any]]]:
    """What a detection pass keeps: every scheduled campaign and every occurrence due soon."""
    now = account.now()
    ahead = Window(start=now - timedelta(hours=account.policy.lead_hours), end=now + AHEAD)
    scheduled = [
        c for c in account.campaigns.scheduled_since(ahead.start) if c.status is CampaignStatus.SCHEDULED
    ]
    due = [(job, o) for job in account.site.jobs for o in occurrences(job, ahead.start, ahead.end)]
    return {
        "campaigns": [
            {
                "id": c.id,
                "name": c.name,
                "due": c.due.isoformat() if c.due else None,
                "audience": c.total_amt or None,
            }
            for c in scheduled
        ],
        "occurrences": [{"id": o.key, "name": job.name, "due": o.due.isoformat()} for job, o in due],
    }


def scheduled_before(
    ledger: Ledger, organization: str, window: Window, span: Window
) -> dict[str, CampaignReading]:
    """The campaigns that were scheduled into ``span``: before the window began, and last before it ended.

    By id, each as the older of both snapshots had it: name and due time are all that is known.
    """
    found: dict[str, CampaignReading] = {}
    for moment in (window.end, window.start):
        for entry in _entries(ledger.latest_snapshot(organization, before=moment), ItemKind.CAMPAIGN):
            if entry.due in span:
                campaign = Campaign(
                    id=entry.item_id, name=entry.name, status=CampaignStatus.SCHEDULED, due=entry.due
                )
                found[campaign.id] = CampaignReading(campaign=campaign, report=None, read_at=entry.seen_at)
    return found


class Kept:
    """The snapshots kept since a moment, read from the ledger once; of each only which campaigns it had scheduled."""

    def __init__(self, account: Account, since: datetime) -> None:
        self.since = since
        self._lead = timedelta(hours=account.policy.lead_hours)
        self._kept = [
            (kept.at, frozenset(str(entry["id"]) for entry in kept.body.get("campaigns", [])))
            for kept in account.ledger.snapshots(account.organization, since)
        ]

    def left_at(self, campaign: Campaign) -> datetime | None:
        """When a campaign that is scheduled now was seen not to be, after it was due; None if it always was.

        Then it had left: it was sent perhaps, and the vendor put the account back as it was before.
        """
        due = campaign.due
        if due is None or campaign.status is not CampaignStatus.SCHEDULED:
            return None
        for at, scheduled in self._kept:
            covered = at > due and at - self._lead <= due
            if (
                covered
                and (campaign.created is None or campaign.created < at)
                and campaign.id not in scheduled
            ):
                return at
        return None


def left_the_schedule(account: Account, campaign: Campaign, kept: Kept | None = None) -> datetime | None:
    """``Kept.left_at``; ``kept`` serves where it reaches back to the campaign's time, and saves a read."""
    if campaign.due is None or campaign.status is not CampaignStatus.SCHEDULED:
        return None
    if kept is None or kept.since > campaign.due:
        kept = Kept(account, campaign.due)
    return kept.left_at(campaign)


def at_risk(ledger: Ledger, site: Site, outage: Outage, now: datetime) -> list[str]:
    """A line for each campaign and occurrence that is ``endangered``."""
    return [
        f"«{one.name}» ({one.item_id}), due {local(one.due, site.zone)}"
        for one in endangered(ledger, site.organization, outage, now)
    ]


def endangered(ledger: Ledger, organization: str, outage: Outage, now: datetime) -> list[Scheduled]:
    """What was due, or soon is, in an outage that lasts, by time.

    None for one that has ended (there the plan speaks), and none where no snapshot was kept before it.
    """
    if outage.state is not OutageState.OPEN:
        return []
    span = Window(start=outage.start, end=max(now, outage.start) + timedelta(hours=2))
    sending = outage.service is Service.SENDING
    kinds = (ItemKind.CAMPAIGN, ItemKind.OCCURRENCE) if sending else (ItemKind.OCCURRENCE,)
    before = ledger.latest_snapshot(organization, before=outage.start)
    found = [one for kind in kinds for one in _entries(before, kind) if one.due in span]
    return sorted(found, key=lambda one: (one.due, one.item_id))


def scheduled(snapshot: Snapshot | None, kind: ItemKind) -> list[Scheduled]:
    """What a snapshot has scheduled of one kind, by time."""
    return sorted(_entries(snapshot, kind), key=lambda one: (one.due, one.item_id))


def _entries(snapshot: Snapshot | None, kind: ItemKind) -> Iterator[Scheduled]:
    if snapshot is None:
        return
    for entry in snapshot.body.get(f"{kind.value}s", []):
        if entry.get("due"):
            yield Scheduled(
                kind=kind,
                item_id=str(entry["id"]),
                name=str(entry.get("name", entry["id"])),
                due=datetime.fromisoformat(entry["due"]),
                seen_at=snapshot.at,
                audience=entry.get("audience"),
            )
