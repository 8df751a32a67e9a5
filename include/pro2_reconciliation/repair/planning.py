"""Build the frozen plan: a fresh look at everything unsettled, then the decision table for every item.

The fresh look is the second of the two reads that "still pending" needs. A missing observation makes an item
UNKNOWN; an item that cannot be read again is UNKNOWN too. Raises the errors of the ports only for the two
batched reads: without them there is no plan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.config import Feeds
from pro2_reconciliation.domain.decide import decide_automation, decide_campaign, decide_occurrence
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.facts import OwnAction, campaign_facts, health_of
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Console, Job
from pro2_reconciliation.domain.lineage import Lineup
from pro2_reconciliation.domain.matching import Match, match, traces
from pro2_reconciliation.domain.observation import CampaignState, Observation
from pro2_reconciliation.domain.occurrence_facts import (
    OccurrenceEvidence,
    awaited_run,
    missed_of,
    occurrence_facts,
)
from pro2_reconciliation.domain.outage import OutageState
from pro2_reconciliation.domain.plan import ANSWER_WITHIN, Decision, Plan
from pro2_reconciliation.domain.rules import RULE_BOOK, RuleBook
from pro2_reconciliation.domain.schedule import previous
from pro2_reconciliation.domain.sending_hours import with_now
from pro2_reconciliation.domain.states import WENT, campaign_state
from pro2_reconciliation.domain.usual import usual_count, usual_failed_share
from pro2_reconciliation.domain.words import CampaignStatus, Outcome, ProcessType, Remedy
from pro2_reconciliation.ledger import RUNNING, ActionRecord, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import waits_for_hours
from pro2_reconciliation.repair.drift import OutageEnds, drift_decisions, old_list, unique_tag
from pro2_reconciliation.repair.inventory import read_log, suspect_since
from pro2_reconciliation.repair.restricting import restricted
from pro2_reconciliation.repair.snapshot import Kept, left_the_schedule


@dataclass(frozen=True)
class World:
    """The fresh reads that a plan is built on."""

    campaigns: dict[str, Campaign]
    log: ActivityLog | None
    console: Console | None
    health: str


def build_plan(
    account: Account,
    inventory: Inventory,
    observations: Mapping[str, Observation],
    *,
    run: str = "",
    parent: str | None = None,
    book: RuleBook = RULE_BOOK,
) -> Plan:
    """The plan for an inventory. ``observations`` are what the sensors ended with (item key to observation);
    items that were settled at once have theirs in the inventory."""
    ours = _own_actions(account)
    world = _look(account, inventory, ours)
    copies = account.ledger.copies(account.organization)
    seen = _seen(inventory, observations)
    lineup = Lineup(world.campaigns.values(), frozenset(copies))
    kept = _kept(account, inventory, world)
    feeds = Feeds(account.site)
    decisions: list[Decision] = []
    for campaign_id in inventory.readings:
        observed = seen.get(f"campaign:{campaign_id}")
        decided = _campaign(
            account, inventory, world, campaign_id, observed, ours, copies, lineup, kept, feeds, book
        )
        decisions.append(restricted(account.site, inventory, decided))
    decisions += _occurrences(account, inventory, world, seen, ours, book)
    decisions += drift_decisions(account, decisions, inventory.window)
    decisions += [decide_automation(automation) for automation in inventory.automations]
    now = account.now()
    decisions = [
        with_now(d, account.policy, account.zone, now, now + ANSWER_WITHIN) if waits_for_hours(d) else d
        for d in decisions
    ]
    identity = account.ledger.identity
    return Plan(
        organization=account.organization,
        zone=account.zone,
        window=inventory.window,
        created_at=now,
        ledger_uuid=identity.uuid,
        ledger_epoch=identity.epoch,
        run=run,
        parent=parent,
        health=world.health,
        floor_id=inventory.floor_id,
        restriction=inventory.restriction,
        not_looked_at=inventory.not_looked_at,
        decisions=tuple(decisions),
    )


def _seen(inventory: Inventory, observations: Mapping[str, Observation]) -> dict[str, Observation]:
    """What watching ended with, by item key; what was to be watched and was not is missing."""
    watched = {item.key for item in inventory.watch}
    return {
        **{key: seen for key, seen in inventory.observations.items() if key not in watched},
        **{key: observations[key] for key in watched & observations.keys()},
    }


def _kept(account: Account, inventory: Inventory, world: World) -> Kept | None:
    """The snapshots that tell of the campaigns that are scheduled now; None where none is."""
    found = (world.campaigns.get(one) for one in inventory.readings)
    dues = [c.due for c in found if c and c.due and c.status is CampaignStatus.SCHEDULED]
    return Kept(account, min(dues)) if dues else None


def _look(account: Account, inventory: Inventory, ours: Mapping[str, OwnAction]) -> World:
    edge = inventory.window.start - timedelta(hours=account.policy.lead_hours)
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
        if c.id in inventory.readings and (_pending(c, account) or _half_done(c, ours))
    ]
    since = min([inventory.window.start, *(suspect_since(inventory.window, listed[i]) for i in pending)])
    young = [c.id for c in listed.values() if (c.created or since) >= since]
    if pending:
        listed |= account.campaigns.detailed(sorted({*pending, *young}, key=int))
        for made in account.campaigns.newer_than(
            inventory.floor_id
        ):  # a draft copy has no time, so no list shows it
            listed.setdefault(made.id, made)
    return World(listed, log, console, health)


def _half_done(campaign: Campaign, ours: Mapping[str, OwnAction]) -> bool:
    """An action of ours on it can be resumed, so its content is compared with what was agreed to."""
    own = ours.get(f"campaign:{campaign.id}")
    return own is not None and own.state == "open"


def _pending(campaign: Campaign, account: Account) -> bool:
    reading = CampaignReading(campaign=campaign, report=None, read_at=account.now())
    return campaign_state(reading, account.now(), account.policy) is CampaignState.PENDING


def _campaign(
    account: Account,
    inventory: Inventory,
    world: World,
    campaign_id: str,
    seen: Observation | None,
    ours: Mapping[str, OwnAction],
    copies: Mapping[str, str],
    lineup: Lineup,
    kept: Kept | None,
    feeds: Feeds,
    book: RuleBook,
) -> Decision:
    first = inventory.readings[campaign_id]
    reading = _second_reading(account, world, campaign_id, first)
    shown = reading.campaign or first.campaign
    name = shown.name if shown else campaign_id
    root = copies.get(campaign_id, f"campaign:{campaign_id}")
    own = ours.get(root) if campaign_id not in copies else None
    visible, alike = lineup.suspects(shown, suspect_since(inventory.window, shown)) if shown else ((), ())
    facts = campaign_facts(
        reading,
        first=first,
        observation=seen,
        original_name=name,
        window_start=inventory.window.start,
        suspects=visible,
        look_alikes=alike,
        root=root.removeprefix("campaign:"),
        own=own,
        health=world.health,
        left_at=left_the_schedule(account, shown, kept) if shown else None,
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
        feeds=feeds.of(shown) if shown else (),
        observation=seen,
        book=book,
    )


def _second_reading(
    account: Account, world: World, campaign_id: str, first: CampaignReading
) -> CampaignReading:
    campaign = world.campaigns.get(campaign_id) or account.campaign_of(campaign_id, first.campaign)
    report = None
    if campaign and campaign.status in WENT:
        unclear = _pending(campaign, account) or (
            campaign.status is CampaignStatus.COMPLETE and not campaign.send_amt
        )
        if unclear:
            report = account.report_of(campaign_id)
    return CampaignReading(campaign=campaign, report=report, read_at=account.now())


def _occurrences(
    account: Account,
    inventory: Inventory,
    world: World,
    seen: Mapping[str, Observation],
    ours: Mapping[str, OwnAction],
    book: RuleBook,
) -> list[Decision]:
    if not inventory.occurrences:
        return []
    jobs = account.site.jobs_by_id
    rows = _by_job(world.log.rows if world.log else ())
    matches = match(inventory.occurrences, world.log.rows if world.log else (), jobs)
    touched: dict[str, list[Match]] = defaultdict(list)
    for found in matches.by_key.values():
        touched[found.occurrence.job_id].append(found)
    down = {outage.service for outage in account.ledger.outages(account.organization, [OutageState.OPEN])}
    ends = OutageEnds(account, inventory.window)
    lists = _Lists(account)
    before = {job_id: previous(jobs[job_id], inventory.window.start, 3) for job_id in touched}
    missing = {job for job, found in touched.items() if not all(one.found for one in found)}
    traced = traces({job: before[job] for job in missing}, world.log.rows if world.log else (), jobs)
    decisions = []
    for job_id, siblings in touched.items():
        job, own_rows = jobs[job_id], rows.get(job_id, [])
        earlier = [row for row in own_rows if row.started < inventory.window.start]
        usual = usual_failed_share(earlier), usual_count(earlier)
        missed = tuple(missed_of(siblings))
        for found in siblings:
            key, due = found.occurrence.key, found.occurrence.due
            evidence = OccurrenceEvidence(
                occurrence=found.occurrence,
                job=job,
                match=found,
                siblings=missed,
                log=world.log,
                console=world.console,
                later=tuple(row for row in own_rows if row.started > due),
                matched_before=None if found.found else traced[job_id],
                asked_before=len(before[job_id]),
                usual_share=usual[0],
                usual_count=usual[1],
                awaited=awaited_run(job, found.occurrence, own_rows, account.now()),
                entries=_entries(account, found, job.automation, job.process_type),
                services_healthy=not down & set(job.needs),
                own=ours.get(f"occurrence:{key}"),
                list_problem=lists.problem(found, job, ends.of(due)),
            )
            facts = occurrence_facts(evidence, policy=account.policy, zone=account.zone, now=account.now())
            decisions.append(
                decide_occurrence(
                    evidence,
                    facts,
                    tag=unique_tag(found.occurrence),
                    fresh_since=ends.of(due),
                    observation=seen.get(f"occurrence:{key}"),
                    book=book,
                )
            )
    place = {one.key: number for number, one in enumerate(inventory.occurrences)}
    return sorted(decisions, key=lambda decision: place[decision.item_id])


def _by_job(rows: Iterable[ActivityRow]) -> dict[str, list[ActivityRow]]:
    found: dict[str, list[ActivityRow]] = defaultdict(list)
    for row in rows:
        found[row.job_id].append(row)
    return found


class _Lists:
    """Whether the list of a data sync that has to be repaired may be imported (rule R14); each is read once a plan."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: dict[tuple[str | None, datetime], str | None] = {}

    def problem(self, found: Match, job: Job, since: datetime) -> str | None:
        """Why it may not; None where it may, or nothing is to be repaired."""
        done = found.row is not None and found.row.outcome is Outcome.SUCCESS
        if job.process_type is not ProcessType.DATA_SYNC or done:
            return None
        asked = (job.tessitura_list, since)
        if asked not in self._known:
            try:
                self._known[asked] = old_list(self._account, job, since)
            except RequestError as error:
                self._known[asked] = f"its List Manager list {job.tessitura_list} cannot be read ({error})"
        return self._known[asked]


def _entries(account: Account, found: Match, automation: str | None, kind: ProcessType) -> int | None:
    """Contacts that entered a trigger's automation since it was due, None where that is not known."""
    if kind is not ProcessType.SCHEDULED_TRIGGER or automation is None or found.found:
        return None
    try:
        return account.contacts.entries(automation, found.occurrence.due, account.now())
    except RequestError:
        return None


def _own_actions(account: Account) -> dict[str, OwnAction]:
    """Root to our newest action that had an effect: done, open, or waiting for a person (rules C0 and R0).

    One that a person asked to be repeated is not in the way: the table decides by what the world shows.
    """
    found: dict[str, OwnAction] = {}
    for action in account.ledger.actions(account.organization):
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
