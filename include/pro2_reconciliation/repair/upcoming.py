"""What is due in the next 24 hours, and why its audience may be stale.

A job that did not end well leaves its contacts, tags or fields as they were; a campaign that goes out tomorrow mails
them. Read fresh when the report is made; where Pro2 cannot be read, the last snapshot of detection speaks, and it is
said how old that is. Nothing here raises because of a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import CampaignStatus
from pro2_reconciliation.repair.account import Account

SOON = timedelta(hours=24)


class Soon(Value):
    """A campaign that goes out soon; ``stale``: why its audience may be stale, empty where nothing says so."""

    item_id: str
    name: str
    due: UtcTime
    stale: str = ""


class Upcoming(Value):
    """The campaigns of the next 24 hours in order of due; ``as_of`` None: nobody could say what is scheduled."""

    campaigns: tuple[Soon, ...] = ()
    as_of: UtcTime | None = None


def upcoming(account: Account, unsettled: Mapping[str, str]) -> Upcoming:
    """What goes out soon. ``unsettled``: id to name of the jobs of which an occurrence has not ended well."""
    now = account.now()
    try:
        found = [
            (c.id, c.name, c.due)
            for c in account.campaigns.scheduled_since(now)
            if c.status is CampaignStatus.SCHEDULED and not c.from_automation
        ]
        as_of: datetime | None = now
    except RequestError:
        found, as_of = _kept(account)
    due = sorted((d, i, n) for i, n, d in found if d is not None and now <= d < now + SOON)
    return Upcoming(
        campaigns=tuple(
            Soon(item_id=i, name=n, due=d, stale=stale(account.policy, i, n, unsettled)) for d, i, n in due
        ),
        as_of=as_of,
    )


def stale(policy: Policy, campaign_id: str, name: str, unsettled: Mapping[str, str]) -> str:
    """Why the audience of a campaign may be stale. The policy's ``feeds`` say which jobs make it."""
    named = policy.of(Campaign(id=campaign_id, name=name, status=CampaignStatus.SCHEDULED))
    feeds = named.feeds if named is not None else ()
    if feeds:
        behind = [f"«{unsettled[job]}» ({job})" for job in feeds if job in unsettled]
        return f"its audience is made by {_listed(behind)}, not settled yet" if behind else ""
    if not unsettled:
        return ""
    behind = [f"«{job_name}» ({job})" for job, job_name in unsettled.items()]
    return f"possibly: not settled yet {'is' if len(behind) == 1 else 'are'} {_listed(behind)}"


def _kept(account: Account) -> tuple[list[tuple[str, str, datetime | None]], datetime | None]:
    """The campaigns of the newest snapshot, and when it was made."""
    snapshot = account.ledger.latest_snapshot(account.organization)
    if snapshot is None:
        return [], None
    entries: Iterable[Mapping[str, Any]] = snapshot.body.get("campaigns", [])
    kept = [
        (str(e["id"]), str(e["name"]), datetime.fromisoformat(e["due"])) for e in entries if e.get("due")
    ]
    return [*kept], snapshot.at


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:3])} and {len(names) - 3} more"
