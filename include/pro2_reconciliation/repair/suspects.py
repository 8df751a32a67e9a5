"""From when on, and above which id, a campaign may be somebody's copy of another one (decision C6).

In doubt it is looked at: an unnecessary question is cheap, a second mail is not. Nothing here reads or raises.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.plan import Plan


def suspect_since(start: datetime, campaign: Campaign) -> datetime:
    """From when a similar campaign is suspect: since ``start``, of the window that it came from, or its due time.

    Evidence may be late: an outage that only our own probe saw begins long after a colleague saw it and acted.
    """
    return min(start, campaign.due) if campaign.due else start


def floor_before(campaigns: Iterable[Campaign], since: datetime) -> str:
    """The highest campaign id made before any suspect could be; every suspect has a higher one."""
    made = [int(c.id) for c in campaigns if c.id.isdigit() and c.created and c.created < since]
    return str(max(made, default=0))


def suspect_floor(plan: Plan, original: Campaign, since: datetime) -> str:
    """The same for one campaign: the plan's floor, which its oldest item sets, or its own id if it is older."""
    if plan.floor_id == "0" or (original.created is not None and original.created < since):
        return max(plan.floor_id, original.id, key=int)
    return plan.floor_id
