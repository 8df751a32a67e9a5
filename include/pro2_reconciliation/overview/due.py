"""What is at risk while an outage lasts, and what is due in the next day with an audience that may be stale.

From the newest snapshot that detection kept, the site's schedule, and what the plans know of the jobs that make an
audience. Without a snapshot nothing is known of campaigns, and nothing is said of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.jobs import Job
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.domain.schedule import next_due, occurrences
from pro2_reconciliation.domain.words import CampaignStatus, ItemKind, Service
from pro2_reconciliation.ledger import Ledger, PlanItem, Snapshot
from pro2_reconciliation.overview.picture import Picture
from pro2_reconciliation.overview.standing import Standing, settled, standings
from pro2_reconciliation.overview.views import DueItem
from pro2_reconciliation.repair.outcome import End
from pro2_reconciliation.repair.snapshot import Scheduled, endangered, scheduled

AHEAD = timedelta(hours=24)
LOOKED_BACK = timedelta(days=3)
"""An occurrence that is older has been followed by others."""


def at_risk(site: Site, ledger: Ledger, outages: Iterable[Outage], now: datetime) -> tuple[DueItem, ...]:
    """What was due, or soon is, in the outages that last; each once, by time."""
    found: dict[str, DueItem] = {}
    for outage in outages:
        since = f"{outage.service.value} is down since {local(outage.start, site.zone)}"
        for one in endangered(ledger, site.organization, outage, now):
            found.setdefault(one.key, _due(site, one, since))
    return tuple(sorted(found.values(), key=lambda one: (one.due, one.key)))


def upcoming(picture: Picture, snapshot: Snapshot | None) -> tuple[DueItem, ...]:
    """The campaigns of the next 24 hours, each with why it may not go out or why its audience may be stale."""
    site, now = picture.site, picture.now
    until = now + AHEAD
    down = next((one for one in picture.down if one.service is Service.SENDING), None)
    stale = stale_feeds(picture)
    found = []
    for one in scheduled(snapshot, ItemKind.CAMPAIGN):
        if now <= one.due < until:
            campaign = Campaign(id=one.item_id, name=one.name, status=CampaignStatus.SCHEDULED, due=one.due)
            since = f"sending is down since {local(down.start, site.zone)}" if down else ""
            risks = [since] if since else []
            for job_id in site.feeds_of(campaign):
                if job_id in stale:
                    again = _again(site.jobs_by_id.get(job_id), now, one.due, site.zone)
                    risks.append(f"its audience may be stale: {stale[job_id]}{again}")
            found.append(_due(site, one, "; ".join(risks)))
    return tuple(found)


def stale_feeds(picture: Picture) -> dict[str, str]:
    """Job id to why what it makes may be stale: its newest occurrence was missed or failed and is not repaired, or it
    was due in an outage that lasts. Only jobs that make an audience.
    """
    site = picture.site
    feeding = {job.id for job in site.jobs if job.feeds} | {
        feed for entry in site.policy.campaigns for feed in entry.feeds
    }
    found: dict[str, str] = {}
    for job_id, ones in _newest(picture, feeding).items():
        left = next((one for one in ones if not settled(one)), None)
        if left is not None:
            found[job_id] = _unrepaired(site, job_id, left)
    for outage in picture.down:
        for missed in _needing(site, outage, outage.start, picture.now):
            job_id = missed.item_id.partition("@")[0]
            if job_id in feeding:
                due = local(missed.due, site.zone)
                found[job_id] = (
                    f"«{missed.name}» ({job_id}) was due {due}, while {outage.service.value} is down"
                )
    return found


def _newest(picture: Picture, jobs: Collection[str]) -> dict[str, list[Standing]]:
    """Job id to its newest occurrence that a dag run looked at lately, with the drift of it."""
    recent = [run for run in reversed(picture.runs) if run.seen_at >= picture.now - LOOKED_BACK]
    found: dict[str, list[Standing]] = {}
    if not jobs:
        return found
    for one in standings(picture, recent, lambda item: _job_of(item) in jobs):
        found.setdefault(_job_of(one.item), []).append(one)
    return {
        job_id: [one for one in ones if _due_of(one) == max(map(_due_of, ones))]
        for job_id, ones in found.items()
    }


def _job_of(item: PlanItem) -> str:
    """The id of an occurrence's job; empty for other items."""
    kind, _, item_id = item.key.partition(":")
    return item_id.partition("@")[0] if kind == ItemKind.OCCURRENCE.value else ""


def _unrepaired(site: Site, job_id: str, one: Standing) -> str:
    job = site.jobs_by_id.get(job_id)
    name = f"«{job.name}» ({job_id})" if job else job_id
    word = "is watched" if one.outcome == End.OPEN else f"is not repaired ({one.outcome.replace('_', ' ')})"
    return f"{name}, due {local(datetime.fromisoformat(_due_of(one)), site.zone)}, {word}"


def _due_of(one: Standing) -> str:
    """The due time in an occurrence's key, as it is written there; drifts (``+add``) are of the same."""
    return one.item.key.rpartition("@")[2].partition("+")[0]


def _again(job: Job | None, now: datetime, due: datetime, zone: str) -> str:
    following = next_due(job, now) if job else None
    return f"; it is due again {local(following, zone)}" if following and following < due else ""


def _needing(site: Site, outage: Outage, start: datetime, end: datetime) -> Sequence[Scheduled]:
    """The occurrences in [start, end) of the jobs that work through the service of an outage."""
    return [
        Scheduled(ItemKind.OCCURRENCE, occurrence.key, job.name, occurrence.due, start)
        for job in site.jobs
        if outage.service in job.needs
        for occurrence in occurrences(job, start, end)
    ]


def _due(site: Site, one: Scheduled, risk: str) -> DueItem:
    return DueItem(
        key=one.key,
        kind=one.kind,
        item_id=one.item_id,
        name=one.name,
        due=one.due,
        audience=one.audience,
        risk=risk,
        pro2_url=site.policy.link_to(one.kind, one.item_id),
    )
