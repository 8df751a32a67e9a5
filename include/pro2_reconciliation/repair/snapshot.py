"""What was scheduled before: kept at every pass while Pro2 is up, used when it is down and afterwards.

While it is down the last snapshot before says what is at risk. Afterwards a campaign that was scheduled then, and is
a draft, moved or gone now, is an item too (rules C5 and C14). Without a snapshot nothing is known of it: then only
what Pro2 itself still shows is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.schedule import occurrences
from pro2_reconciliation.domain.words import CampaignStatus, Service
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.account import Account

AHEAD = timedelta(days=2)
"""How far a snapshot looks ahead: an outage may last."""


def scheduled_snapshot(account: Account) -> dict[str, list[dict[str, str | None]]]:
    """What a detection pass keeps: every scheduled campaign and every occurrence due soon."""
    now = account.now()
    ahead = Window(start=now - timedelta(hours=account.policy.lead_hours), end=now + AHEAD)
    scheduled = [
        c for c in account.campaigns.scheduled_since(ahead.start) if c.status is CampaignStatus.SCHEDULED
    ]
    due = [(job, o) for job in account.site.jobs for o in occurrences(job, ahead.start, ahead.end)]
    return {
        "campaigns": [
            {"id": c.id, "name": c.name, "due": c.due.isoformat() if c.due else None} for c in scheduled
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
        for entry in _entries(ledger, organization, "campaigns", moment):
            if entry["due"] in span:
                campaign = Campaign(
                    id=str(entry["id"]),
                    name=str(entry["name"]),
                    status=CampaignStatus.SCHEDULED,
                    due=entry["due"],
                )
                found[campaign.id] = CampaignReading(campaign=campaign, report=None, read_at=entry["at"])
    return found


def left_the_schedule(account: Account, campaign: Campaign) -> datetime | None:
    """When a campaign that is scheduled now was seen not to be, after it was due; None if it always was.

    Then it had left: it was sent perhaps, and the vendor put the account back as it was before.
    """
    due, lead = campaign.due, timedelta(hours=account.policy.lead_hours)
    if due is None or campaign.status is not CampaignStatus.SCHEDULED:
        return None
    for kept in account.ledger.snapshots(account.organization, due):
        covered = kept.at - lead <= due and (campaign.created is None or campaign.created < kept.at)
        if covered and all(str(entry["id"]) != campaign.id for entry in kept.body.get("campaigns", [])):
            return kept.at
    return None


def at_risk(ledger: Ledger, site: Site, outage: Outage, now: datetime) -> list[str]:
    """A line for each campaign and occurrence that was due, or soon is, in an outage that lasts.

    None for one that has ended (there the plan speaks), and none where no snapshot was kept before it.
    """
    if outage.state is not OutageState.OPEN:
        return []
    span = Window(start=outage.start, end=max(now, outage.start) + timedelta(hours=2))
    kinds = ("campaigns", "occurrences") if outage.service is Service.SENDING else ("occurrences",)
    entries = [e for kind in kinds for e in _entries(ledger, site.organization, kind, outage.start)]
    due = sorted((e for e in entries if e["due"] in span), key=lambda e: (e["due"], str(e["id"])))
    return [f"«{e['name']}» ({e['id']}), due {local(e['due'], site.zone)}" for e in due]


def _entries(ledger: Ledger, organization: str, kind: str, before: datetime) -> Iterator[dict[str, Any]]:
    snapshot = ledger.latest_snapshot(organization, before=before)
    if snapshot is None:
        return
    for entry in snapshot.body.get(kind, []):
        if entry.get("due"):
            due = datetime.fromisoformat(entry["due"])
            yield {"name": entry["id"], **entry, "due": due, "at": snapshot.at}
