"""The fresh look before every step: did somebody act, or did the world move? Then we do not.

Every function returns the reason why the step is STALE, or None: go on. They only read. Errors of the ports pass
through: what cannot be read is not acted upon (invariants 3 and 4).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.decide import fingerprint_of
from pro2_reconciliation.domain.drift import Drift
from pro2_reconciliation.domain.drill import DRILL
from pro2_reconciliation.domain.errors import NoConsole, Rejected
from pro2_reconciliation.domain.facts import began, signs_of
from pro2_reconciliation.domain.jobs import ConsoleRow, Job
from pro2_reconciliation.domain.lineage import may_go_out, suspects
from pro2_reconciliation.domain.localtime import describe_window, local
from pro2_reconciliation.domain.matching import earliest_start, same_audience
from pro2_reconciliation.domain.observation import CampaignState
from pro2_reconciliation.domain.plan import Decision, Plan, Window
from pro2_reconciliation.domain.states import STOPPED_STATUSES, campaign_state
from pro2_reconciliation.domain.windows import touched_campaigns, touched_dues
from pro2_reconciliation.domain.words import CampaignStatus, ItemKind, Outcome, ProcessType, Remedy, Verb
from pro2_reconciliation.ledger import ActionRecord, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import TAG_VERBS
from pro2_reconciliation.repair.canary import colleagues_on
from pro2_reconciliation.repair.drift import drift_of, old_list, require_consent
from pro2_reconciliation.repair.own_run import due_of, job_of, log_from, ran
from pro2_reconciliation.repair.suspects import suspect_floor, suspect_since


def read_campaign(account: Account, campaign_id: str) -> CampaignReading:
    """One fresh read of a campaign and its report; a campaign that is gone has no report."""
    campaign = account.campaigns.get(campaign_id)
    report = account.report_of(campaign_id) if campaign else None
    return CampaignReading(campaign=campaign, report=report, read_at=account.now())


def stale_reason(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, verb: Verb
) -> str | None:
    """Why this step must not be done any more, or None."""
    shrunk = None if action.had_effect else _outside_the_outage(account, plan, decision)
    if shrunk:
        return shrunk
    if verb in (Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN):
        return _campaign_stale(account, plan, decision, action, verb)
    if verb in TAG_VERBS:
        return None  # ``agreed_drift`` looks, since what it read is what is written
    return _run_stale(account, plan, decision, action, verb)


def agreed_drift(
    account: Account, decision: Decision, verb: Verb, keep_alive: Callable[[], object]
) -> tuple[Drift | None, str | None]:
    """The drift to write, or the reason why it is not the one that a person agreed to; of other verbs neither.

    Each contact is read once more when it is written. ``keep_alive`` is called before every page.
    """
    if verb not in TAG_VERBS:
        return None, None
    try:
        drift = drift_of(account, decision, keep_alive)
        require_consent(account, decision, drift, adding=verb is Verb.ADD_TAG)
    except Rejected as error:
        return None, str(error)
    keep_alive()  # the last page may have been a slow one
    return drift, None


def _outside_the_outage(account: Account, plan: Plan, decision: Decision) -> str | None:
    """Evidence changed since the plan: the outage does not touch this item any more. Only before the first effect."""
    if decision.due is None or not plan.window.outage_ids:
        return None
    usual = max((job.usual_minutes for job in account.site.jobs), default=0)

    def touches(window: Window) -> bool:
        if decision.kind is ItemKind.CAMPAIGN:
            return decision.due in touched_campaigns(window, account.policy)
        return decision.due in touched_dues(window, account.policy, job_of(account.site, decision), usual)

    if not touches(plan.window):
        return None  # it is here as an open item of an earlier outage
    known = [found for name in plan.window.outage_ids if (found := account.ledger.outage(name)) is not None]
    now = [plan.window.model_copy(update={"start": o.start, "end": o.end or account.now()}) for o in known]
    if not known or any(touches(window) for window in now if window.start < window.end):
        return None
    spans = ", ".join(describe_window(window, account.zone) for window in now)
    return f"the outage was found to be shorter ({spans}) and does not touch it any more"


def _campaign_stale(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, verb: Verb
) -> str | None:
    reading = read_campaign(account, decision.item_id)
    if reading.campaign is None:
        return "the campaign is gone"
    original = account.campaigns.detailed([decision.item_id]).get(decision.item_id)
    if original is None or original.unreadable:
        return "the campaign's lists and messages cannot be read"
    if fingerprint_of(original, action.remedy).digest != action.fingerprint:
        return "its subject line, lists, segment or message changed since the question was asked"
    if not reading.zero_everywhere:
        signs = "an unread report" if reading.report is None else signs_of(reading, account.zone)
        return f"mail has left: the original shows {signs}"
    seen = decision.observation.reading if decision.observation else None
    if verb is Verb.STOP_CAMPAIGN and began(seen.campaign if seen else None, reading.campaign):
        return "it began to go out since the question was asked"
    state = campaign_state(reading, account.now(), account.policy)
    canary = decision.rule == DRILL and state is CampaignState.DUE_LATER
    if verb is Verb.STOP_CAMPAIGN and state is not CampaignState.PENDING and not canary:
        return f"it is not pending any more but {state.value}"
    if verb is not Verb.STOP_CAMPAIGN and reading.campaign.status not in STOPPED_STATUSES:
        return f"the original is {reading.campaign.status.value}, not stopped"
    if decision.rule == DRILL:
        try:
            colleagues_on(account, original)
        except Rejected as error:
            return str(error)
    own = _copy_of(action)
    problem = _siblings(account, plan, decision, original, own)
    if problem or verb is Verb.STOP_CAMPAIGN:
        return problem
    if account.now() >= (decision.send_by or account.policy.send_by(original)):
        return "it is too late to send"
    problem = _held_back(account, action) or _feeds_ended_badly(account, decision)
    if problem or verb is Verb.COPY_CAMPAIGN:
        return problem
    return _copy_differs(account, original, own)


def _siblings(
    account: Account, plan: Plan, decision: Decision, original: Campaign, own: str | None
) -> str | None:
    """Any visible copy that is not ours blocks, drafts included; so does a look-alike that goes out."""
    since = suspect_since(plan.since(decision.key), original)
    young = account.campaigns.newer_than(suspect_floor(plan, original, since))
    made = account.ledger.copies_among(account.organization, [one.id for one in young])
    ours = frozenset(made) | ({own} if own else frozenset())
    copies, alike = suspects(original, young, since, ours)
    if copies:
        names = ", ".join(f"«{c.name}» ({c.id}, {c.status.value})" for c in copies)
        return f"somebody made a copy since: {names}"
    going = [c for c in alike if may_go_out(c)]
    if going:
        return f"a similar campaign goes out: «{going[0].name}» ({going[0].id})"
    return None


def _copy_of(action: ActionRecord) -> str | None:
    step = action.step(Verb.COPY_CAMPAIGN)
    return step.remote_id if step else None


def _held_back(account: Account, action: ActionRecord) -> str | None:
    for other in account.ledger.actions_of(account.organization, action.root):
        if other.id != action.id and other.remedy is Remedy.HOLD_BACK and (other.live or other.had_effect):
            return f"it was held back meanwhile ({other.requested_by})"
    return None


def _feeds_ended_badly(account: Account, decision: Decision) -> str | None:
    """If the repair of a job that makes its audience ended badly, it is not sent; a gate waits for those under way."""
    if not decision.feeds:
        return None
    repairs = account.ledger.open_repairs(account.organization)
    for job_id in decision.feeds:
        for action in repairs:
            badly = action.state in (State.FAILED, State.NEEDS_HUMAN, State.STALE)
            if badly and action.root.startswith(f"occurrence:{job_id}@"):
                return f"the job {job_id}, which makes its audience, ended {action.state}"
    return None


def _copy_differs(account: Account, original: Campaign, copy_id: str | None) -> str | None:
    if copy_id is None:
        return "there is no copy to send"
    both = account.campaigns.detailed([copy_id, original.id])  # one request, the last before ours leaves
    copy, latest = both.get(copy_id), both.get(original.id)
    if latest is None or latest.status not in STOPPED_STATUSES or latest.mail_left:
        return f"the original is {latest.status.value if latest else 'gone'} by now, not stopped with nothing sent"
    if copy is None:
        return f"the copy {copy_id} is gone"
    if copy.status is not CampaignStatus.DRAFT or copy.send_amt:
        return f"the copy {copy_id} is {copy.status.value} already"
    for what, mine, theirs in (
        ("subject line", copy.subject, latest.subject),
        ("lists", copy.lists, latest.lists),
        ("segment", copy.segment_id, latest.segment_id),
        ("number of messages", len(copy.messages or ()), len(latest.messages or ())),
    ):
        if mine != theirs:
            return f"the copy {copy_id} has another {what} than the original"
    return None


def _run_stale(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, verb: Verb
) -> str | None:
    job, due = job_of(account.site, decision), due_of(plan, decision)
    rows = account.dashboard.activity(log_from(plan, decision), account.now()).of(job.id)
    manual = [r for r in rows if r.manual and r.started >= due and r.outcome is not Outcome.FULL_ERROR]
    if manual:
        return f"a person reprocessed it at {local(manual[-1].started, account.zone)}"
    done = ran(account.site, plan, decision, rows)
    if done and action.remedy is not Remedy.DATA_SYNC:
        ended = "" if done.outcome is Outcome.SUCCESS else f", and ended «{done.raw_status}»"
        return f"it ran at {local(done.started, account.zone)}{ended}"
    running = [r for r in _console(account, verb) if r.job_id == job.id and r.running]
    if verb is Verb.STOP_RUN:
        return _another_run(account, decision, running)
    if running and not _stop_was_refused(action):
        return "the job is running now"
    if verb is Verb.RUN_NOW:
        return _audience_moved(account, job, decision)
    if verb is Verb.IMPORT_LIST and job.tessitura_list is None:
        return "its List Manager list is not configured"
    return old_list(account, job, decision.fresh_since) if verb is Verb.IMPORT_LIST else None


def _another_run(account: Account, decision: Decision, running: list[ConsoleRow]) -> str | None:
    """A stop stops every run of its job: one that is not the run which was decided upon must not be there.

    Somebody may have pressed, the next one be due, or the missing one have begun at last.
    """
    seen = decision.observation
    own = {one.run_id for one in (seen.console, seen.row) if one is not None} if seen else set()
    for run in running:
        if run.run_id not in own and (seen is not None or run.scheduled_for != decision.due):
            since = f" since {local(run.started, account.zone)}" if run.started else ""
            whose = "another run" if run.scheduled_for else "a run that a person asked for"
            return f"{whose}, {run.run_id}, is going{since}, and a stop would stop that as well"
    return None


def _console(account: Account, verb: Verb) -> tuple[ConsoleRow, ...]:
    """What runs now. An export shows none of it: the person who presses is told to look there first."""
    try:
        return account.dashboard.console().rows
    except NoConsole:
        if verb in account.manual:
            return ()
        raise


def _stop_was_refused(action: ActionRecord) -> bool:
    step = action.step(Verb.STOP_RUN)
    return step is not None and step.remote_id == "refused" and step.state is not State.FAILED


def _audience_moved(account: Account, job: Job, decision: Decision) -> str | None:
    if job.process_type is not ProcessType.SCHEDULED_TRIGGER or decision.due is None:
        return None
    now = account.now()
    if same_audience(job, decision.due, now) is not True:
        return "its audience window moved on"
    valid = job.audience.valid_hours
    if valid is not None and now >= decision.due + timedelta(hours=valid):
        return "its audience window has expired"
    if job.reentry != "once" and job.automation is not None:
        entries = account.contacts.entries(job.automation, earliest_start(decision.due), now)
        if entries:
            return f"{entries} contacts entered its automation meanwhile"
    return None
