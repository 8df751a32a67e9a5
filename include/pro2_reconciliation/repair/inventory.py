"""Take the inventory: one batched read of all that an outage may have touched.

Touched is what was due, or active, in [start - lead, end + tail) (architecture 4.2). What is settled is recorded
here at once; only the rest is watched, by one sensor per item. Raises the errors of the ports: without a whole
list of campaigns and a readable Activity Log there is no inventory, and nothing is decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import Automation, Campaign, CampaignReading
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError, RequestError
from pro2_reconciliation.domain.inventory import Inventory, WatchItem
from pro2_reconciliation.domain.jobs import ActivityLog, Occurrence
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.maintenance import excuse
from pro2_reconciliation.domain.matching import match
from pro2_reconciliation.domain.observation import CampaignState, Observation
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.restriction import UNRESTRICTED, Restriction
from pro2_reconciliation.domain.schedule import occurrence_at, occurrences, previous
from pro2_reconciliation.domain.usual import USUAL_RUNS
from pro2_reconciliation.domain.windows import touched_campaigns, touched_dues
from pro2_reconciliation.domain.words import CampaignStatus, ItemKind, Service
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.carried import Origin, carried_over, ids_of, left_alone
from pro2_reconciliation.repair.observing import (
    LOG_LEAD,
    needs_watching,
    observe_campaign,
    observe_occurrence,
)
from pro2_reconciliation.repair.restricting import ALL_AUTOMATIONS, chosen_kinds, recognised
from pro2_reconciliation.repair.snapshot import scheduled_before
from pro2_reconciliation.repair.suspects import floor_before, suspect_since

HISTORY = timedelta(days=35)
"""How far back the Activity Log is read at most, to know what is usual for a job."""


def take_inventory(
    account: Account,
    window: Window,
    *,
    only: tuple[str, ...] = (),
    restriction: Restriction = UNRESTRICTED,
    dag_run: str = "",
) -> Inventory:
    """Read what ``window`` touched. ``only`` limits it to these item keys (a dag run that follows up), ``restriction``
    as the form says; what it leaves out is named in the inventory. ``dag_run``: for which one, as the ledger knows it.

    Raises ``ConfigurationError`` when more items are unsettled than the policy allows to watch, and when a campaign
    that is to be left alone is not known.
    """
    policy, now = account.policy, account.now()
    campaign_span = touched_campaigns(window, policy)
    account.progress.say("inventory: the list of campaigns is read")
    listed = account.campaigns.scheduled_since(campaign_span.start)
    carried = carried_over(account)
    alone = left_alone(account, dag_run) if not only else frozenset()
    added = {key: one for key, one in carried.items() if key not in alone}
    campaigns, before = _touched_campaigns(account, window, campaign_span, listed, added)
    due = _with_carried(account, due_occurrences(account.site, window, now), added)
    restriction = recognised(account, restriction, listed, before)
    campaigns, before, due, left_out = chosen_kinds(account.site, restriction, campaigns, before, due)
    campaigns = [c for c in campaigns if not only or f"campaign:{c.id}" in only]
    due = tuple(o for o in due if not only or f"occurrence:{o.key}" in only)
    gone = [i for i in before if i not in {c.id for c in campaigns} and (not only or f"campaign:{i}" in only)]
    now_read = _first_readings(account, campaigns)
    now_read |= {i: CampaignReading(campaign=None, report=None, read_at=account.now()) for i in gone}
    readings: dict[str, CampaignReading] = {}
    observations: dict[str, Observation] = {}
    for campaign_id, reading in now_read.items():
        drafted = reading.campaign is not None and reading.campaign.status is CampaignStatus.DRAFT
        known = before.get(campaign_id, reading) if drafted or campaign_id in gone else reading
        readings[campaign_id] = known  # of what is a draft or gone, the snapshot knows name and due time
        name = known.campaign.name if known.campaign else campaign_id
        seen = observe_campaign(campaign_id, name, reading, account.now(), policy, "inventory")
        observations[seen.key] = seen
    for seen in _occurrence_observations(account, due, window):
        observations[seen.key] = seen
    watch = tuple(
        _watch_item(account, window, seen)
        for seen in observations.values()
        if needs_watching(seen.state, seen.reading.campaign if seen.reading else None)
    )
    if len(watch) > policy.max_sensors:
        raise ConfigurationError(
            f"{len(watch)} items are unsettled between {local(window.start, account.zone)} and "
            f"{local(window.end, account.zone)}; at most {policy.max_sensors} are watched in one dag run. "
            "Narrow the window, or raise max_sensors in policy.yaml"
        )
    kept = tuple(i for i in watch if not only or i.kind is ItemKind.CAMPAIGN)
    lean = policy.lean_above is not None and len(kept) > policy.lean_above
    automations: tuple[Automation, ...] = ()
    if not only and _touches_automations(window):
        if restriction.looks_at(ItemKind.AUTOMATION.value):
            automations = _automations(account, window)
        else:
            left_out += (ALL_AUTOMATIONS,)
    origins = {key: one.start for key, one in carried.items() if one.start < window.start}
    origins = {key: start for key, start in origins.items() if key in observations}
    suspected = [suspect_since(window.since(origins.get(f"campaign:{c.id}")), c) for c in campaigns]
    return Inventory(
        organization=account.organization,
        zone=account.zone,
        window=window,
        taken_at=now,
        readings=readings,
        occurrences=due,
        automations=automations,
        observations=observations,
        watch=tuple(item.model_copy(update={"lean": lean}) for item in kept),
        floor_id=floor_before([*listed, *campaigns], min([window.start, *suspected])),
        origins=origins,
        only=only,
        restriction=restriction,
        not_looked_at=left_out if not only else (),
    )


def due_occurrences(site: Site, window: Window, now: datetime) -> tuple[Occurrence, ...]:
    """Every occurrence that the window touched and that should have begun by now, in order of time.

    One that may still begin in time is left to the window that follows, which reaches back to it; but after an outage
    it is here as well (rule R6), for no later dag run is about this outage. One that was due in known maintenance
    says until when it is excused.
    """
    usual = max((job.usual_minutes for job in site.jobs), default=0)
    found = []
    for job in site.jobs:
        span = touched_dues(window, site.policy, job, usual)
        wait = timedelta(0) if window.of_outage else job.grace
        found += [one for one in occurrences(job, span.start, span.end) if one.due + wait <= now]
    return _excused(site, sorted(found, key=lambda o: (o.due, o.job_id)))


def _excused(site: Site, found: Sequence[Occurrence]) -> tuple[Occurrence, ...]:
    return excuse(found, site.jobs_by_id, site.sources.maintenance, site.zone)


def _with_carried(
    account: Account, due: tuple[Occurrence, ...], carried: Mapping[str, Origin]
) -> tuple[Occurrence, ...]:
    """Add the occurrences of earlier windows that are still open, on the watch list, or half done."""
    known = {o.key for o in due}
    jobs = account.site.jobs_by_id
    for key in ids_of(carried, ItemKind.OCCURRENCE):
        job = jobs.get(key.partition("@")[0])
        if key in known or job is None:
            continue
        moment = datetime.fromisoformat(key.partition("@")[2].partition("+")[0])
        again = occurrence_at(job, moment)  # also where the job's schedule has changed since
        due += _excused(account.site, [again]) if again.key == key else ()
    return tuple(sorted(due, key=lambda o: (o.due, o.job_id)))


def history_start(account: Account, inventory: Inventory) -> datetime:
    """From when the Activity Log is read: far enough for what is usual before the outage (rules R2, R5, R8), and for
    an occurrence that has been open for weeks: what was not read is not absent (invariant 11)."""
    jobs, due, window = account.site.jobs_by_id, inventory.occurrences, inventory.window
    begun: dict[str, datetime] = {}
    for one in due:
        since = inventory.since(f"occurrence:{one.key}")
        begun[one.job_id] = min(since, begun.get(one.job_id, since))
    earlier = [o.due for job_id, since in begun.items() for o in previous(jobs[job_id], since, USUAL_RUNS)]
    first = min([*earlier, window.start, *(o.due for o in due)])
    return max(first - LOG_LEAD, min([window.start, *begun.values()]) - HISTORY)


def read_log(account: Account, inventory: Inventory) -> ActivityLog:
    return account.dashboard.activity(history_start(account, inventory), account.now())


def _touched_campaigns(
    account: Account, window: Window, span: Window, listed: list[Campaign], carried: Mapping[str, Origin]
) -> tuple[list[Campaign], dict[str, CampaignReading]]:
    """Those that exist, and what was scheduled by the snapshots or when it was carried over: some may be gone."""
    if Service.SENDING not in window.services:
        return [], {}
    known = {c.id: c for c in listed}
    wanted = {c.id for c in listed if c.unreadable or _active_in(c, span) or _moved_since(c, window)}
    older = {i: origin.reading(i) for i, origin in ids_of(carried, ItemKind.CAMPAIGN).items()}
    before = older | scheduled_before(account.ledger, account.organization, window, span)
    for campaign_id, kept in sorted(before.items()):
        if campaign_id not in known:
            fresh = account.campaign_of(campaign_id, kept.campaign)
            if fresh is None:
                continue
            known[campaign_id] = fresh
        wanted.add(campaign_id)
    return [known[i] for i in sorted(wanted, key=lambda i: (len(i), i))], before


def _active_in(campaign: Campaign, span: Window) -> bool:
    return any(moment is not None and moment in span for moment in (campaign.due, campaign.last_sent))


def _moved_since(campaign: Campaign, window: Window) -> bool:
    """Scheduled, and changed since the window began: perhaps a person moved it out of the window (rule C5)."""
    changed = campaign.modified is not None and campaign.modified >= window.start
    return campaign.status is CampaignStatus.SCHEDULED and changed


def _first_readings(account: Account, campaigns: Sequence[Campaign]) -> dict[str, CampaignReading]:
    found: dict[str, CampaignReading] = {}
    for campaign in campaigns:
        found[campaign.id] = _first_reading(account, campaign)
        account.progress.say(f"inventory: {len(found):,} of {len(campaigns):,} campaigns read")
    return found


def _first_reading(account: Account, campaign: Campaign) -> CampaignReading:
    """The list's values; with the report where the state hangs on it."""
    state = observe_campaign(
        campaign.id,
        campaign.name,
        CampaignReading(campaign=campaign, report=None, read_at=account.now()),
        account.now(),
        account.policy,
        "",
    ).state
    report = None
    if state in (CampaignState.PENDING, CampaignState.COMPLETE_EMPTY):
        report = account.report_of(campaign.id)
    return CampaignReading(campaign=campaign, report=report, read_at=account.now())


def _occurrence_observations(
    account: Account, due: tuple[Occurrence, ...], window: Window
) -> list[Observation]:
    if not due:
        return []
    jobs = account.site.jobs_by_id
    account.progress.say(f"inventory: Activity Log and Console are read for {len(due):,} occurrences")
    # what is usual before the outage is asked for when the plan is made: here it would only cost pages
    log = account.dashboard.activity(min(window.start, due[0].due) - LOG_LEAD, account.now())
    try:
        console = account.dashboard.console()
    except RequestError:
        console = None
    matches = match(due, log.rows, jobs)
    return [
        observe_occurrence(matches.of(one), jobs[one.job_id], console, account.now(), "inventory")
        for one in due
    ]


def _watch_item(account: Account, window: Window, seen: Observation) -> WatchItem:
    policy, now = account.policy, account.now()
    settled = max(now, window.end + timedelta(seconds=policy.settle_seconds))
    if seen.kind is ItemKind.CAMPAIGN:
        empty = seen.state == CampaignState.COMPLETE_EMPTY
        seconds = policy.complete_empty_watch_seconds if empty else policy.watch_campaign_seconds
        start = settled
    else:
        job_id, _, due = seen.item_id.partition("@")
        job = account.site.jobs_by_id[job_id]
        in_time = datetime.fromisoformat(due) + job.grace - now  # before that its absence says nothing
        seconds = min(
            max(2 * job.usual.total_seconds(), policy.watch_occurrence_min_seconds, in_time.total_seconds()),
            policy.watch_occurrence_max_seconds,
        )
        start = now
    deadline = min(start + timedelta(seconds=seconds), now + timedelta(seconds=policy.watch_total_seconds))
    return WatchItem(
        kind=seen.kind,
        item_id=seen.item_id,
        name=seen.name,
        deadline=deadline,
        not_before=now + timedelta(seconds=policy.read_gap_seconds),
        read_gap_seconds=policy.read_gap_seconds,
        until=local(deadline, account.zone),
        zone=account.zone,
    )


def _touches_automations(window: Window) -> bool:
    """Only an outage does: on any other night everybody who waits in an automation would look stalled."""
    return Service.SENDING in window.services and window.of_outage


def _automations(account: Account, window: Window) -> tuple[Automation, ...]:
    lead = timedelta(hours=account.policy.lead_hours)
    account.progress.say("inventory: contacts in automations are counted")
    try:
        return tuple(account.contacts.automations(window.start, window.end, lead))
    except RequestError as error:  # nothing is repaired on them, so the others need not wait for them
        return (Automation(id="all", name="All automations", unreadable=str(error)),)
