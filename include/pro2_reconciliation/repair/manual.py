"""Steps that a person presses: what exactly to press, why it is he, and what the answer means.

There is no API for them, or nobody has seen yet that the account does what they rest on (``ground.py``). Such a step
passes the same gates and the same fresh look as any other, and its intent is committed before anybody is asked: from
then on nobody else does it. No request of ours leaves. The question is a lease: while it waits, no other dag run asks a
second person to press the same. The answer is a claim of a person; the proof is still a fresh read. Nobody answers: the
step stays asked, and its item open.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.errors import LedgerError, RequestError
from pro2_reconciliation.domain.jobs import Job
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import ANSWER_WITHIN, Decision, Plan
from pro2_reconciliation.domain.sending_hours import closes
from pro2_reconciliation.domain.words import ProcessType, Verb
from pro2_reconciliation.ledger import ActionRecord, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import may_mail
from pro2_reconciliation.repair.checks import stale_reason
from pro2_reconciliation.repair.effects import copy_of
from pro2_reconciliation.repair.gates import closed_gate
from pro2_reconciliation.repair.ground import because
from pro2_reconciliation.repair.lost_requests import Finding, find_out, floor_of

ANSWER_LEASE_SECONDS = 60.0
PRESS_WITHIN = ANSWER_WITHIN
"""So long a manual step waits for its person, as long as the question of a plan does."""
LOOKS, BETWEEN_LOOKS = 4, 5.0
"""How often a copy is looked for that a person says he made, and seconds in between: lists may lag."""
BOARD = "In the Integrated Dashboard"


class ManualAnswer(StrEnum):
    """What a person answers about a step that he was asked to do."""

    DONE = "done"
    NOT_POSSIBLE = "not possible"
    SKIP = "skip"


class Look(Value):
    """What the world shows of an asked step. ``state``: a ledger state; ``gated``: a closed gate holds it up."""

    state: State
    why: str
    remote_id: str | None = None
    gated: bool = False


def asker(owner: str) -> str:
    """Who asks: dag run and task without the host, since a retry of the same task may run on another one."""
    return owner.rpartition(" on ")[0] or owner


def press_by(account: Account, decision: Decision, verb: Verb, *, at_any_hour: bool = False) -> datetime:
    """Until when (UTC) a step may be pressed: what mails somebody has its own ends, and the question ends with them.

    ``at_any_hour``: a person chose that it may leave outside the sending hours, so these end nothing.
    """
    now = account.now()
    ends = [now + PRESS_WITHIN]
    if may_mail(verb, decision.reach):
        closing = None if at_any_hour else closes(account.policy, account.zone, now)
        ends += [end for end in (decision.send_by, closing) if end]
    if verb is Verb.RUN_NOW and decision.due is not None:
        ends += _ends_of_audience(account.site.jobs_by_id[decision.item_id.partition("@")[0]], decision.due)
    return max(min(ends), now + timedelta(minutes=1))


def _ends_of_audience(job: Job, due: datetime) -> Iterable[datetime]:
    if job.process_type is ProcessType.SCHEDULED_TRIGGER:
        moves = job.audience.kind != "static"
        for hours in (job.audience.window_hours if moves else None, job.audience.valid_hours):
            if hours is not None:
                yield due + timedelta(hours=hours)


def words(
    account: Account,
    decision: Decision,
    action: ActionRecord,
    step: StepRecord,
    *,
    again: bool = False,
    at_any_hour: bool = False,
) -> str:
    """Everything that the person of a step is told. ``again``: it was asked for before, and may have been pressed."""
    told = [instruction(account, decision, action, step.verb)]
    if step.verb in (Verb.RUN_NOW, Verb.REPEAT_IMPORT, Verb.IMPORT_LIST):
        since = f" since {local(decision.due, account.zone)}" if decision.due else ""
        told.insert(
            0,
            f"First look in the Console and the Activity Log: if «{decision.name}» is running, or somebody has "
            f"repeated it{since}, press nothing and answer that it is not possible.",
        )
    asked = step.when(State.INTENDED)
    if again and asked is not None:
        told.insert(
            0,
            f"This was asked for at {local(asked, account.zone)} already: if it was pressed since then, press "
            "nothing and answer that it is done.",
        )
    if may_mail(step.verb, decision.reach):
        until = local(press_by(account, decision, step.verb, at_any_hour=at_any_hour), account.zone)
        told.append(f"From {until} on it is too late: then press nothing and answer that it is not possible.")
    told.append(because(account, step))
    return " ".join(filter(None, told))


def instruction(account: Account, decision: Decision, action: ActionRecord, verb: Verb) -> str:
    """What to press, in one or two sentences. Names are data: the caller escapes them for where they are shown."""
    job_id = decision.item_id.partition("@")[0]
    name = f"«{decision.name}» ({decision.item_id})"
    match verb:
        case Verb.STOP_CAMPAIGN:
            return f"In Pro2, Campaigns: open {name} and stop it. Do not delete it."
        case Verb.COPY_CAMPAIGN:
            return (
                f"In Pro2, Campaigns: duplicate {name} once and leave the copy a draft. Do not send it yet."
            )
        case Verb.SEND_CAMPAIGN:
            return (
                f"In Pro2, Campaigns: look once more that {name} shows 0 sent, and that nothing else of this name "
                f"or subject line was sent or scheduled since it was stopped; if so, answer that it is not possible. "
                f"Then send its copy {copy_of(action)} now, once."
            )
        case Verb.STOP_RUN:
            return (
                f"{BOARD}, Console: stop «{decision.name}» ({job_id}). If it is not there, that is done too."
            )
        case Verb.RUN_NOW:
            return f"{BOARD}, Scheduled Triggers: press Run Now of «{decision.name}» ({job_id}), once."
        case Verb.REPEAT_IMPORT:
            return f"{BOARD}, Imports: press Repeat Import of «{decision.name}» ({job_id}), once."
        case Verb.IMPORT_LIST:
            job = account.site.jobs_by_id[job_id]
            return (
                f"{BOARD}, Imports: import the List Manager list {job.tessitura_list} once, "
                f"with the tag «{decision.tag}» and no other, and add it to no List."
            )
        case _:
            raise LedgerError(f"{verb.value} is nothing that a person is asked to press")


def seen_done(
    account: Account, decision: Decision, action: ActionRecord, step: StepRecord, floor: str
) -> tuple[State, str, str | None]:
    """What the world shows of a step that a person was asked to do: DONE, NEEDS_HUMAN, else INTENDED (not yet)."""
    try:
        finding = find_out(account, decision, action, step, floor)
    except RequestError as error:
        return State.INTENDED, f"it cannot be read yet: {error}", None
    if finding.state is State.DONE:
        return State.DONE, finding.why, finding.remote_id
    if finding.state is State.NEEDS_HUMAN and step.verb is Verb.COPY_CAMPAIGN:
        return State.NEEDS_HUMAN, finding.why, None
    return State.INTENDED, "asked for", None


def look_again(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, step: StepRecord
) -> Look:
    """Before a person is asked again: was it done, may it still be done, and is it still right?

    A gate that closed meanwhile holds the step; a world that moved ends it with a person, since what he was asked to
    press may be pressed. Raises ``RequestError`` where the world cannot be read: then nobody is asked.
    """
    state, why, remote = seen_done(account, decision, action, step, floor_of(plan, step))
    if state is not State.INTENDED:
        return Look(state=state, why=why, remote_id=remote)
    gate = closed_gate(account, plan, decision, action, step.verb)
    if gate:
        return Look(state=state, why=f"do not press it now: {gate.why}", gated=True)
    reason = stale_reason(account, plan, decision, action, step.verb)
    if reason:
        return Look(
            state=State.NEEDS_HUMAN, why=f"a person was asked to press it, and must not any more: {reason}"
        )
    return Look(state=state, why=why)


def answer_manual(
    account: Account,
    plan: Plan,
    action_id: str,
    verb: Verb,
    answer: ManualAnswer,
    who: str,
    *,
    even_if_not_stopped: bool = False,
) -> StepRecord:
    """Write a person's answer to the ledger; returns the step as it stands then. A second answer changes nothing.

    "done" of a duplicate is believed only with the copy: its id is what the next step sends. A run that cannot be
    stopped is an answer, not the end, where somebody chose to go on regardless (rule R10b). Raises ``LedgerError``
    when the step is not in this ledger or somebody else is at it, ``RequestError`` when the copy cannot be looked for.
    """
    action = account.ledger.action(action_id)
    step = action.step(verb) if action else None
    decision = plan.decision(action.item_key) if action else None
    if action is None or step is None or decision is None:
        raise LedgerError(f"{action_id} or its step {verb.value} is not in this ledger and plan")
    if step.state is not State.INTENDED:
        return step
    claim = account.ledger.claim(step.id, asker(account.owner), ANSWER_LEASE_SECONDS, also_own=True)
    if claim is None:
        raise LedgerError(f"somebody else is at {verb.value} of {action.item_key}; answer again in a minute")
    try:
        to, why, remote = _meant(
            account, plan, decision, action, step, answer, who, even_if_not_stopped=even_if_not_stopped
        )
        account.ledger.move(step.id, to, who=who, why=why, claim=claim, remote_id=remote)
    finally:
        account.ledger.release(claim)
    if to in (State.NEEDS_HUMAN, State.FAILED):
        account.ledger.end_rest(action_id, State.STALE, who=account.owner, why=f"{verb.value}: {why}"[:500])
    return account.ledger.step(step.id)


def _meant(
    account: Account,
    plan: Plan,
    decision: Decision,
    action: ActionRecord,
    step: StepRecord,
    answer: ManualAnswer,
    who: str,
    *,
    even_if_not_stopped: bool,
) -> tuple[State, str, str | None]:
    if answer is ManualAnswer.NOT_POSSIBLE and step.verb is Verb.STOP_RUN:
        if even_if_not_stopped:
            return State.DONE, f"{who} says that it cannot be stopped", "refused"
        return State.FAILED, f"{who} says that it cannot be stopped", None
    if answer is not ManualAnswer.DONE:
        return State.NEEDS_HUMAN, f"{who} answered «{answer.value}»", None
    said = f"{who} says that it is done"
    match step.verb:
        case Verb.COPY_CAMPAIGN:
            found = _copy_made(account, plan, decision, action, step)
            if found.state is State.DONE:
                return State.DONE, f"{said}: {found.why}", found.remote_id
            return State.NEEDS_HUMAN, f"{said}, and no single new copy can be seen ({found.why})", None
        case Verb.SEND_CAMPAIGN:
            return State.DONE, said, copy_of(action)
        case Verb.IMPORT_LIST:
            return State.DONE, said, decision.tag
        case Verb.STOP_RUN:
            return State.DONE, said, "stopped"
        case _:
            return State.DONE, said, None


def _copy_made(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, step: StepRecord
) -> Finding:
    """The one new copy, looked for a few times. Raises ``RequestError``: unread is not "there is none"."""
    found = find_out(account, decision, action, step, floor_of(plan, step))
    for _ in range(LOOKS - 1):
        if found.state in (State.DONE, State.NEEDS_HUMAN):
            break
        account.clock.sleep(BETWEEN_LOOKS)
        found = find_out(account, decision, action, step, floor_of(plan, step))
    return found
