"""Steps that a person presses, because there is no API for them: what exactly to press, and what the answer means.

A step of a verb in ``Account.manual`` passes the same gates and the same fresh look as any other, and its intent is
committed before anybody is asked: from then on nobody else does it. No request of ours leaves. The answer is a claim
of a person; the proof is still a fresh read. Nobody answers: the step stays asked, and its item open.
"""

from __future__ import annotations

from enum import StrEnum

from pro2_reconciliation.domain.errors import LedgerError, RequestError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import ActionRecord, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.adoption import find_out
from pro2_reconciliation.repair.effects import copy_of

LEASE_SECONDS = 60.0
BOARD = "In the Integrated Dashboard"
MANUAL = "manual"
"""Stands in the details of an intent that a person was asked to carry out."""


class ManualAnswer(StrEnum):
    """What a person answers about a step that he was asked to do."""

    DONE = "done"
    NOT_POSSIBLE = "not possible"
    SKIP = "skip"


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
            until = f" before {local(decision.send_by, account.zone)}" if decision.send_by else ""
            return (
                f"In Pro2, Campaigns: look once more that {name} shows 0 sent. Then send its copy "
                f"{copy_of(action)} now, once,{until or ' as soon as you can'}."
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


def answer_manual(
    account: Account, plan: Plan, action_id: str, verb: Verb, answer: ManualAnswer, who: str
) -> StepRecord:
    """Write a person's answer to the ledger; returns the step as it stands then. A second answer changes nothing.

    "done" of a duplicate is believed only with the copy: its id is what the next step sends. Raises ``LedgerError``
    when the step is not in this ledger, or somebody else is at it.
    """
    action = account.ledger.action(action_id)
    step = action.step(verb) if action else None
    decision = plan.decision(action.item_key) if action else None
    if action is None or step is None or decision is None:
        raise LedgerError(f"{action_id} or its step {verb.value} is not in this ledger and plan")
    if step.state is not State.INTENDED:
        return step
    claim = account.ledger.claim(step.id, account.owner, LEASE_SECONDS)
    if claim is None:
        raise LedgerError(f"somebody else is at {verb.value} of {action.item_key}; answer again in a minute")
    try:
        to, why, remote = _meant(account, plan, decision, action, step, answer, who)
        account.ledger.move(step.id, to, who=who, why=why, claim=claim, remote_id=remote)
    finally:
        account.ledger.release(claim)
    if to is State.NEEDS_HUMAN:
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
) -> tuple[State, str, str | None]:
    if answer is not ManualAnswer.DONE:
        return State.NEEDS_HUMAN, f"{who} answered «{answer.value}»", None
    said = f"{who} says that it is done"
    match step.verb:
        case Verb.COPY_CAMPAIGN:
            state, why, remote = seen_done(account, decision, action, step, floor_of(plan, step))
            if state is State.DONE:
                return State.DONE, f"{said}: {why}", remote
            return State.NEEDS_HUMAN, f"{said}, and no single new copy can be seen ({why})", None
        case Verb.SEND_CAMPAIGN:
            return State.DONE, said, copy_of(action)
        case Verb.IMPORT_LIST:
            return State.DONE, said, decision.tag
        case Verb.STOP_RUN:
            return State.DONE, said, "stopped"
        case _:
            return State.DONE, said, None


def is_manual(step: StepRecord) -> bool:
    """A person was asked for it, whatever the connections say by now: it is never sent by us after that."""
    intent = step.move_to(State.INTENDED)
    return bool(intent and (intent.details or {}).get(MANUAL))


def floor_of(plan: Plan, step: StepRecord) -> str:
    """The highest campaign id before a copy was asked for."""
    intent = step.move_to(State.INTENDED)
    return str((intent.details or {}).get("floor", plan.floor_id)) if intent else plan.floor_id
