"""Keep watching the originals of everything that we repaired: the vendor warns that they may still go out.

One pass looks at each original once and beats the guard's heart; without a young heartbeat nothing is sent
(invariant 9). An original that wakes before its copy was sent may go: the resend is dropped, and the draft is
named. One that wakes afterwards is stopped again at once, and an alarm tells the ids and counts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.campaigns import CampaignReading
from pro2_reconciliation.domain.errors import Ambiguous, LedgerError, NeverSent, Refused, RequestError
from pro2_reconciliation.domain.jobs import Occurrence
from pro2_reconciliation.domain.matching import match
from pro2_reconciliation.domain.schedule import occurrence_at
from pro2_reconciliation.domain.states import STOPPED_STATUSES
from pro2_reconciliation.domain.words import CampaignStatus, Remedy, Verb
from pro2_reconciliation.ledger import ActionKey, ActionRecord, Stage, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.adoption import is_manual
from pro2_reconciliation.repair.checks import read_campaign, stale_reason
from pro2_reconciliation.repair.gates import GUARD, closed_gate
from pro2_reconciliation.repair.manual import seen_done
from pro2_reconciliation.repair.steps import LEASE_SECONDS

CLOSE_WATCH = timedelta(hours=2)
"""So long after a repair every pass looks; then every fifth minute."""
OWN_MARK = "guard"
"""The fingerprint of the stops that the guard makes by itself: nobody was asked, because a stop mails nobody."""
_AWAKE = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.COMPLETE})
_LEFT = frozenset({State.INTENDED, State.AMBIGUOUS, State.DONE, State.CONFIRMED, State.NEEDS_HUMAN})


class GuardReport(Value):
    """What one pass did: how many originals it looked at, and a sentence for each alarm.

    ``plan_only``: why nothing may be done on this ledger; with ``lost`` another one is known, which this guard
    cannot see: what was repaired there is watched by nobody.
    """

    watched: int = 0
    alarms: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    plan_only: str = ""
    lost: bool = False


def guard_pass(account: Account) -> GuardReport:
    """Look at every original once. An original that cannot be read is named, and the pass goes on."""
    now = account.now()
    actions = account.ledger.guarded(account.organization, now - timedelta(hours=account.policy.guard_hours))
    alarms: list[str] = []
    unread: list[str] = []
    watched = 0
    for action in actions:
        if now - action.last_moved > CLOSE_WATCH and now.minute % 5:
            continue
        watched += 1
        try:
            alarm = _look(account, action)
        except (RequestError, LedgerError) as error:
            unread.append(f"{action.name} ({action.item_id}): {error}")
        else:
            if alarm:
                alarms.append(alarm)
    plan_only, lost = "", False
    try:
        account.remember()
    except NeverSent as error:
        plan_only = str(error)
        lost = account.ledger.identity.adopted_at is not None or account.another_is_known()
    if watched > len(unread) or not watched:
        account.ledger.beat(GUARD)  # a guard that can see none of its originals is no guard
    return GuardReport(
        watched=watched, alarms=tuple(alarms), unread=tuple(unread), plan_only=plan_only, lost=lost
    )


def _look(account: Account, action: ActionRecord) -> str | None:
    if action.remedy in (Remedy.RESEND, Remedy.HOLD_BACK):
        return _campaign(account, action)
    return _run(account, action)


def _campaign(account: Account, action: ActionRecord) -> str | None:
    if action.fingerprint == OWN_MARK:
        return None  # our own second stop: its original is watched under the action that made it
    stop = action.step(Verb.STOP_CAMPAIGN)
    if stop is None or stop.state is not State.CONFIRMED:
        return None  # whether a stop took is for its proof to say
    reading = read_campaign(account, action.item_id)
    if reading.campaign is None:
        return None
    send = action.step(Verb.SEND_CAMPAIGN)
    asked = send is not None and is_manual(send) and send.when(State.DONE) is None
    quiet = reading.campaign.status not in _AWAKE and reading.zero_everywhere
    if quiet or (reading.report is None and reading.campaign.status in STOPPED_STATUSES):
        return _asked_too_long_ago(account, action, send, reading) if asked and send else None
    copied = action.step(Verb.COPY_CAMPAIGN)
    copy_id = copied.remote_id if copied else None
    if send is not None and send.state not in _LEFT:
        if send.state is State.CLEARED:
            account.ledger.end_rest(
                action.id, State.STALE, who=account.owner, why="the original woke up; it may go"
            )
        draft = f"; the draft {copy_id} can be deleted" if copy_id else ""
        return _alarm(
            account,
            action,
            "original woke before its copy was sent",
            f"«{action.name}» ({action.item_id}) woke up; our copy is not sent{draft}",
            reading,
            copy_id,
        )
    again = ""
    if reading.campaign.status in (CampaignStatus.SCHEDULED, CampaignStatus.SENDING):
        again = _stop_again(account, action)
    return _alarm(
        account,
        action,
        _woke(copy_id, asked),
        f"«{action.name}» ({action.item_id}) woke up although it was stopped"
        f"{_and_the_copy(copy_id, asked)}; {again or 'it is over'}",
        reading,
        copy_id,
    )


def _asked_too_long_ago(
    account: Account, action: ActionRecord, send: StepRecord, reading: CampaignReading
) -> str | None:
    """A person may press for hours: what our own send would look at just before its request is looked at here."""
    plan = account.ledger.plan(action.plan_hash)
    decision = plan.decision(action.item_key) if plan else None
    if plan is None or decision is None or send.state is not State.INTENDED:
        return None
    if seen_done(account, decision, action, send, plan.floor_id)[0] is not State.INTENDED:
        return None  # it was sent, and is for its proof
    # the gate of a stop: the guard's own heart and the hours are in the words of the question
    reason = closed_gate(account, plan, decision, Verb.STOP_CAMPAIGN) or stale_reason(
        account, plan, decision, action, Verb.SEND_CAMPAIGN
    )
    if reason is None:
        return None
    copied = action.step(Verb.COPY_CAMPAIGN)
    copy_id = copied.remote_id if copied else None
    return _alarm(
        account,
        action,
        "a person was asked to send a copy that must not go any more",
        f"«{action.name}» ({action.item_id}): a person was asked to send its copy {copy_id}: "
        f"do NOT send it any more, {reason}",
        reading,
        copy_id,
    )


def _woke(copy_id: str | None, asked: bool) -> str:
    """The kind of the alarm. ``asked``: a person may or may not have sent the copy."""
    if copy_id is None:
        return "a held back campaign woke"
    return (
        "original woke while a person was asked to send its copy"
        if asked
        else ("original woke after its copy was sent")
    )


def _and_the_copy(copy_id: str | None, asked: bool) -> str:
    if copy_id is None:
        return ""
    if asked:
        return f"; a person was asked to send its copy {copy_id}: do NOT send it any more"
    return f" and its copy {copy_id} was sent"


def _stop_again(account: Account, action: ActionRecord) -> str:
    """Stop a woken original at once: an action of its own, with intent before effect like every other.

    Where a person presses in Pro2, the alarm asks for it: a question would wait too long, and we send nothing there.
    """
    if Verb.STOP_CAMPAIGN in account.manual:
        return "stop it in Pro2 by hand, NOW"
    if refusal := account.refusal_of([Verb.STOP_CAMPAIGN]):
        return refusal
    foreign = account.plan_only()
    if foreign:
        return f"it was NOT stopped again, stop it in Pro2 by hand, NOW: {foreign}"
    if account.ledger.switch(account.organization).stage is Stage.EVERYTHING:
        return "the kill switch is on, so it was NOT stopped again"
    ledger, who = account.ledger, account.owner
    generation = ledger.next_generation(account.organization, action.root, Remedy.HOLD_BACK)
    newest = ledger.action(ActionKey(account.organization, action.root, Remedy.HOLD_BACK, generation).id)
    if newest is not None and newest.state in (State.CONFIRMED, State.NEEDS_HUMAN, State.FAILED):
        return "it was stopped again before and woke once more: stop it in Pro2 by hand"
    held = ledger.register(
        ActionKey(account.organization, action.root, Remedy.HOLD_BACK, generation),
        kind=action.kind,
        item_id=action.item_id,
        name=action.name,
        verbs=(Verb.STOP_CAMPAIGN,),
        fingerprint=newest.fingerprint if newest else OWN_MARK,
        plan_hash=action.plan_hash,
        to=State.CLEARED,
        who=who,
        why=f"the original of {action.id} woke up",
    )
    step = held.step(Verb.STOP_CAMPAIGN)
    claim = ledger.claim(step.id, who, LEASE_SECONDS) if step else None
    if step is None or claim is None:
        return "somebody is stopping it again already"
    try:
        if not claim.taken_over:
            ledger.intend(claim, fingerprint=held.fingerprint)
        return _request_stop(
            account, action, lambda to, why: ledger.move(step.id, to, who=who, why=why, claim=claim)
        )
    finally:
        ledger.release(claim)


def _request_stop(account: Account, action: ActionRecord, move: Callable[[State, str], object]) -> str:
    try:
        account.campaigns.stop(action.item_id)
    except Ambiguous as error:
        move(State.AMBIGUOUS, str(error))
        return "it is not known whether it stopped again; the next pass looks"
    except (Refused, RequestError) as error:
        move(State.FAILED, str(error))
        return f"it could NOT be stopped again: {error}"
    move(State.DONE, "stopped again")
    campaign = account.campaigns.get(action.item_id)
    if campaign is not None and campaign.status in STOPPED_STATUSES:
        move(State.CONFIRMED, f"{campaign.status.value} after the second stop")
    return "it was stopped again"


def _run(account: Account, action: ActionRecord) -> str | None:
    """Did the original occurrence run after all, by its own schedule, after we had reprocessed it?"""
    asked = min(s.when(State.INTENDED) or account.now() for s in action.steps if s.had_effect)
    occurrence = _occurrence(account, action)
    if occurrence is None:
        return None
    log = account.dashboard.activity(occurrence.due - timedelta(hours=1), account.now())
    job = account.site.jobs_by_id[occurrence.job_id]
    rows = [r for r in log.of(job.id) if r.manual is False]
    found = match([occurrence], rows, {job.id: job}).by_key.get(occurrence.key)
    row = found.row if found else None
    if row is None or row.started <= asked:
        return None
    waits = any(step.state is State.INTENDED and is_manual(step) for step in action.latest)
    after = "a person was asked to repeat it: do not press that any more" if waits else "we reprocessed it"
    return _alarm(
        account,
        action,
        "the original occurrence ran after all",
        f"«{action.name}» ({action.item_id}) ran by itself (run {row.run_id}) after {after}",
        None,
        row.run_id,
    )


def _occurrence(account: Account, action: ActionRecord) -> Occurrence | None:
    job_id, _, due = action.item_id.partition("@")
    job = account.site.jobs_by_id.get(job_id)
    return occurrence_at(job, datetime.fromisoformat(due)) if job is not None else None


def _alarm(
    account: Account,
    action: ActionRecord,
    kind: str,
    text: str,
    reading: CampaignReading | None,
    other: str | None,
) -> str | None:
    """Record an alarm once per item and kind; returns its sentence the first time, then None."""
    known = account.ledger.alarms(account.organization)
    if any(a.kind == kind and a.body.get("item") == action.item_key for a in known):
        return None
    campaign = reading.campaign if reading else None
    report = reading.report if reading else None
    original_sent = max(campaign.send_amt if campaign else 0, report.send_amt if report else 0)
    copy = account.campaigns.get(other) if other and campaign else None
    account.ledger.alarm(
        account.organization,
        kind,
        {
            "item": action.item_key,
            "action": action.id,
            "other": other,
            "original_sent": original_sent,
            "copy_sent": copy.send_amt if copy else 0,
            "twice_at_most": min(original_sent, copy.send_amt) if copy else 0,
            "text": text,
        },
    )
    return text
