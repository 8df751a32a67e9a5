"""The shadow: what became of the proposals that nobody carried out, looked up in Pro2 and judged by ``domain.shadow``.

Every proposal of mode ``plan`` stands in the ledger with its plan. A pass looks each of them up that has no verdict
yet, the first of an item and remedy only, and writes the verdict once it can be known. What we repaired ourselves is
no shadow. Reads only; what cannot be read now waits for the next pass, and is UNREAD after :data:`GIVEN_UP`. Raises
``LedgerError`` where the ledger cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.errors import RequestError, Unreadable
from pro2_reconciliation.domain.jobs import ActivityLog, Occurrence
from pro2_reconciliation.domain.lineage import may_go_out, suspects
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.matching import earliest_start, match
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.shadow import WATCH_CAMPAIGN, WATCH_JOB, After, judge, longer
from pro2_reconciliation.domain.words import ItemKind, Mode, Outcome
from pro2_reconciliation.ledger import ShadowRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.carried import BY_WORLD, EXPIRED_BY
from pro2_reconciliation.repair.suspects import suspect_floor, suspect_since

LOOKED_BACK = timedelta(days=30)
"""A proposal that is older is not looked up any more; it was judged long ago."""
MOST = 200
"""So many are looked up in one night, at three requests each; the next night goes on."""
GIVEN_UP = timedelta(days=7)
"""So long after the guard's hours a proposal that could not be read stays without a verdict."""


@dataclass(frozen=True)
class Proposal:
    """A decision of a plan that was carried out by nobody. It is taken to have acted at ``at``."""

    plan: Plan
    decision: Decision

    @property
    def at(self) -> datetime:
        return self.plan.created_at

    @property
    def id(self) -> tuple[str, str]:
        return self.decision.key, self.decision.remedy.value


@dataclass(frozen=True)
class Event:
    """What happened after a proposal, ``when`` that is known, and the thing that it happened to in words."""

    after: After
    when: datetime | None = None
    what: str = ""


def compare(account: Account) -> list[ShadowRecord]:
    """One pass: the verdicts that became possible, written to the ledger. Oldest proposal first."""
    made = []
    waiting = list(islice(proposals(account), MOST))
    log = _log(account, waiting)
    for one in waiting:
        event = _happened(account, one, log)
        if event is not None:
            made.append(_record(account, one, event))
    account.ledger.save_verdicts(account.organization, made)
    return made


def proposals(account: Account) -> Iterator[Proposal]:
    """The proposals without a verdict: the first of each item and remedy, oldest first, none that we acted upon."""
    ledger, organization = account.ledger, account.organization
    since = account.now() - LOOKED_BACK
    runs = [run for run in ledger.runs(organization, since) if run.mode is Mode.PLAN and run.plan_hash]
    done = {(one.item_key, one.remedy.value) for one in ledger.verdicts(organization)}
    items = ledger.plan_items({run.plan_hash for run in runs if run.plan_hash})
    proposed = {item.key for found in items.values() for item in found if item.asks and item.remedy.acts}
    acted = ledger.actions_on(organization, *proposed)
    done |= {(action.item_key, action.remedy.value) for action in acted if action.had_effect}
    for run in runs:
        wanted = {
            item.key
            for item in items.get(run.plan_hash or "", ())
            if item.asks and item.remedy.acts and (item.key, item.remedy.value) not in done
        }
        plan = ledger.plan(run.plan_hash or "") if wanted else None
        for decision in plan.decisions if plan else ():
            if plan is not None and decision.key in wanted:
                proposal = Proposal(plan, decision)
                done.add(proposal.id)
                yield proposal


def _happened(account: Account, one: Proposal, log: ActivityLog | None) -> Event | None:
    """What happened after the proposal; None: that is not known yet."""
    over = account.now() >= one.at + timedelta(hours=account.policy.guard_hours)
    try:
        event = (
            _of_campaign(account, one)
            if one.decision.kind is ItemKind.CAMPAIGN
            else _of_run(account, one, log)
        )
    except RequestError as error:
        if account.now() < one.at + timedelta(hours=account.policy.guard_hours) + GIVEN_UP:
            return None
        return Event(After.UNREAD, what=str(error))
    if event is not None:
        return event
    if not over:
        return None
    return _seen_to(account, one) or Event(After.NOTHING)


def _of_campaign(account: Account, one: Proposal) -> Event | None:
    decision = one.decision
    original = account.campaigns.detailed([decision.item_id]).get(decision.item_id)
    if original is None:
        return Event(After.GONE)
    if original.unreadable:
        raise Unreadable(original.unreadable)
    report = account.campaigns.report(decision.item_id)
    if any(original.counters.values()) or any(report.counters.values()):
        return Event(
            After.BY_ITSELF, _not_before(original.last_sent, one), f"«{original.name}» ({original.id})"
        )
    since = suspect_since(one.plan.since(decision.key), original)
    young = account.campaigns.newer_than(suspect_floor(one.plan, original, since))
    ours = frozenset(account.ledger.copies_among(account.organization, [copy.id for copy in young]))
    copies, alike = suspects(original, young, since, ours)
    for copy in (found for found in copies if found.send_amt):
        before = copy.created is not None and copy.created < one.at
        return _copy(After.BEGUN_BEFORE if before else After.BY_HAND, copy, one)
    for similar in (found for found in alike if may_go_out(found)):
        return _copy(After.ALIKE, similar, one)
    return None


def _copy(after: After, copy: Campaign, one: Proposal) -> Event:
    return Event(after, _not_before(copy.last_sent or copy.due, one), f"«{copy.name}» ({copy.id})")


def _not_before(moment: datetime | None, one: Proposal) -> datetime | None:
    """A time that can be the one that is meant: at the plan nothing had left yet."""
    return moment if moment is not None and moment >= one.at else None


def _log(account: Account, waiting: list[Proposal]) -> ActivityLog | None:
    """The Activity Log since the oldest of the occurrences that wait; None where there is none, or it is unread."""
    dues = [
        one.decision.due for one in waiting if one.decision.kind is ItemKind.OCCURRENCE and one.decision.due
    ]
    if not dues:
        return None
    try:
        return account.dashboard.activity(min(dues) - timedelta(hours=1), account.now())
    except RequestError:
        return None


def _of_run(account: Account, one: Proposal, log: ActivityLog | None) -> Event | None:
    due, job_id = one.decision.due, one.decision.item_id.partition("@")[0]
    job = account.site.jobs_by_id.get(job_id)
    if job is None or due is None:
        return Event(After.UNREAD, what=f"job {job_id} is not in jobs.yaml any more")
    if log is None or log.begins_after(earliest_start(due)):
        raise RequestError(f"the Activity Log since {local(due, account.zone)} could not be read")
    mine = tuple(row for row in log.of(job_id) if row.started >= earliest_start(due))
    wanted = Occurrence(organization=account.organization, job_id=job_id, due=due)
    found = match([wanted], mine, {job_id: job}).of(wanted)
    if found.row is not None and found.row.outcome is Outcome.SUCCESS:
        return Event(After.BY_ITSELF, found.row.started, f"run {found.row.run_id}")
    by_hand = found.repaired_by_hand
    if by_hand is not None:
        after = After.BY_HAND if by_hand.started >= one.at else After.BEGUN_BEFORE
        return Event(after, by_hand.started, f"run {by_hand.run_id}")
    over = one.at + timedelta(hours=account.policy.guard_hours)
    if account.now() >= over and not log.covers(over):  # absence counts only from a whole log (invariant 11)
        raise RequestError(f"the Activity Log is whole only up to {local(log.as_of, account.zone)}")
    return None


def _seen_to(account: Account, one: Proposal) -> Event | None:
    """A person closed the item after the plan, or keeps it to himself: with his reason; None if nobody did."""
    ledger, organization, key = account.ledger, account.organization, one.decision.key
    for item in reversed(ledger.open_items(organization, closed_since=one.at)):
        by_hand = item.closed_at is not None and item.closed_by not in (BY_WORLD, EXPIRED_BY)
        if item.item_key == key and by_hand:
            return Event(After.CLOSED, item.closed_at, f"{item.closed_by}: {item.closed_why}")
    held = ledger.holds(organization).get(key)
    return Event(After.CLOSED, held.at, f"{held.who}: {held.why}") if held else None


def _record(account: Account, one: Proposal, event: Event) -> ShadowRecord:
    decision, zone = one.decision, account.zone
    row = judge(decision.remedy, decision.reach, event.after)
    when = f" at {local(event.when, zone)}" if event.when else ""
    what = f", {event.what}" if event.what else ""
    return ShadowRecord(
        item_key=decision.key,
        remedy=decision.remedy,
        name=decision.name,
        rule=decision.rule,
        plan_hash=one.plan.hash,
        proposed_at=one.at,
        verdict=row.verdict,
        happened=event.after,
        why=f"{event.after.value}{when}{what}: {row.because}",
        setting=_setting(account, row.setting, one, event),
        judged_at=account.now(),
    )


def _setting(account: Account, setting: str, one: Proposal, event: Event) -> str:
    """The setting with its number now and the one that would have waited, where the time is known."""
    if setting not in (WATCH_CAMPAIGN, WATCH_JOB) or event.when is None:
        return setting
    now = float(getattr(account.policy, setting))
    return longer(setting, now, (event.when - one.at).total_seconds())
