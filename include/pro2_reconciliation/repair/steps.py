"""Carry out one step: gates, fresh look, claim, intent, request, record. The only place where requests leave.

Order is everything. The claim and the intent are committed before the request leaves; after a take-over, or an
answer that got lost, nothing is sent again: the world is read (``adoption.py``). A crash at any point leaves a
state from which this same function goes on. It fails with ``LedgerError`` when the lease was lost, and with the
errors of the ports when the fresh look cannot be had; in both cases nothing was sent.
"""

from __future__ import annotations

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.errors import (
    Ambiguous,
    LedgerError,
    NeverSent,
    Refused,
    Rejected,
    RequestError,
    Unreadable,
)
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import ActionRecord, Claim, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.adoption import MANUAL, SEND_AGAIN, find_out, is_manual
from pro2_reconciliation.repair.checks import stale_reason
from pro2_reconciliation.repair.effects import noted_before, perform
from pro2_reconciliation.repair.gates import closed_gate
from pro2_reconciliation.repair.manual import (
    Look,
    asker,
    floor_of,
    look_again,
    press_by,
    words,
)

LEASE_SECONDS = 180.0
"""Above what one request may take with pacing, retries after a refusal (60 s) and its timeout."""
MARGIN_SECONDS = 90.0
"""So much of the lease must be left when a request leaves."""
MAX_ATTEMPTS = 3
DONE_WORDS = {
    Verb.COPY_CAMPAIGN: "draft {remote}",
    Verb.SEND_CAMPAIGN: "copy {remote} is being sent",
    Verb.STOP_RUN: "{remote}",
    Verb.IMPORT_LIST: "import under the tag «{remote}»",
    Verb.ADD_TAG: "{remote} contacts",
    Verb.REMOVE_TAG: "{remote} contacts",
}
"""What is said of a request that was accepted; ``remote`` is what the service gave back."""
ASKED = "asked"
HELD = "held"
ELSEWHERE = "elsewhere"
GONE_ON = frozenset({State.DONE, State.CONFIRMED})
ENDED = frozenset({State.DECLINED, State.SKIPPED, State.STALE, State.FAILED, State.NEEDS_HUMAN, State.CLOSED})


class StepResult(Value):
    """What became of one step: a ledger state, or "held" (a gate), "elsewhere" (somebody is at it) or "asked".

    ``asked``: a person is to press what ``instruction`` says within ``wait_seconds``; ``manual.answer_manual`` takes
    his answer. "elsewhere" with ``wait_seconds``: whoever is at it is a process, whose lease ends by then.
    """

    action_id: str
    item_key: str
    name: str
    verb: Verb
    state: str
    why: str
    remote_id: str | None = None
    adopted: bool = False
    instruction: str = ""
    wait_seconds: float = 0

    @property
    def went_on(self) -> bool:
        return self.state in GONE_ON


def carry_out(
    account: Account, plan: Plan, action_id: str, verb: Verb, *, even_if_not_stopped: bool = False
) -> StepResult:
    """Do one step of one action of the plan, or say why not.

    In: ``even_if_not_stopped`` True when a person chose to reprocess although both may run. Out: the result, with
    the reason in words. Errors: ``LedgerError`` (foreign ledger, lost lease), ``RequestError`` of the fresh look.
    """
    action, decision = _find(account, plan, action_id)
    step = action.step(verb)
    if step is None:
        raise LedgerError(f"{action_id} has no step {verb.value}; it was never planned")
    if step.state in GONE_ON:
        return _result(action, step, step.moves[-1].why, adopted=True)
    if step.state in ENDED:
        return _result(action, step, step.moves[-1].why)
    if step.state is State.NOT_DONE:
        if step.attempt >= MAX_ATTEMPTS:
            return _result(action, step, step.moves[-1].why)
        account.ledger.retry_step(step.id, account.owner, f"not done: {step.moves[-1].why}")
        action, decision = _find(account, plan, action_id)
        step = action.step(verb) or step
    blocked = _blocked_by_earlier(action, step)
    if blocked:
        return _end_stale(account, action, step, blocked)
    gate = closed_gate(account, plan, decision, verb)
    if gate and step.state not in (State.INTENDED, State.AMBIGUOUS):
        return _result(action, step, gate, state=HELD)
    manual = is_manual(step) or (verb in account.manual and not step.had_effect)
    who = asker(account.owner) if manual else account.owner
    claim = account.ledger.claim(step.id, who, LEASE_SECONDS, also_own=manual)
    if claim is None:
        result = _result(
            action, account.ledger.step(step.id), _elsewhere(account, step, manual), state=ELSEWHERE
        )
        return result if manual else result.model_copy(update={"wait_seconds": _lease_left(account, step)})
    asked = False
    try:
        result = _claimed(account, plan, decision, action, claim, even_if_not_stopped=even_if_not_stopped)
        asked = result.state == ASKED
        return result
    finally:
        if not asked:  # a question keeps its lease, so that no other dag run asks somebody else
            account.ledger.release(claim)


def _elsewhere(account: Account, step: StepRecord, manual: bool) -> str:
    holder = account.ledger.holder(step.id) if manual else None
    if holder is None:
        return "somebody else is at this step"
    return f"a person is asked to press it until {local(holder[1], account.zone)}, by {holder[0]}"


def _lease_left(account: Account, step: StepRecord) -> float:
    holder = account.ledger.holder(step.id)
    return (holder[1] - account.now()).total_seconds() if holder else 0.0


def _find(account: Account, plan: Plan, action_id: str) -> tuple[ActionRecord, Decision]:
    action = account.ledger.action(action_id)
    if action is None:
        raise LedgerError(f"there is no action {action_id} in this ledger; clear the plan first")
    decision = plan.decision(action.item_key)
    if decision is None:
        raise LedgerError(f"the plan {plan.id} has no item {action.item_key}; take the plan that cleared it")
    return action, decision


def _blocked_by_earlier(action: ActionRecord, step: StepRecord) -> str | None:
    """A step waits for every earlier one; a stop must even be PROVEN before anything follows it."""
    for earlier in action.latest:
        if earlier.ordinal >= step.ordinal:
            break
        needed = {State.CONFIRMED} if earlier.verb is Verb.STOP_CAMPAIGN else GONE_ON
        if earlier.state not in needed:
            return f"{earlier.verb.value.replace('_', ' ')} is {earlier.state.value}: {earlier.moves[-1].why}"
    return None


def _claimed(
    account: Account,
    plan: Plan,
    decision: Decision,
    action: ActionRecord,
    claim: Claim,
    *,
    even_if_not_stopped: bool,
) -> StepResult:
    if claim.state is State.INTENDED and is_manual(account.ledger.step(claim.step_id)):
        return _asked(account, plan, decision, action, claim, again=True)
    if claim.state in (State.INTENDED, State.AMBIGUOUS):
        return _adopt(account, plan, decision, action, claim, even_if_not_stopped=even_if_not_stopped)
    step = account.ledger.step(claim.step_id)
    reason = stale_reason(account, plan, decision, action, step.verb)
    if reason:
        account.ledger.move(step.id, State.STALE, who=account.owner, why=reason, claim=claim)
        end_of_action(account, action.id, step.verb, reason)
        return _result(action, account.ledger.step(step.id), reason)
    floor = _newest_id(account, plan, step.verb)
    noted = noted_before(account, decision, step.verb)
    account.ledger.check(
        claim, MARGIN_SECONDS
    )  # the last thing before the intent: a slow look may have used it up
    manual = step.verb in account.manual
    details = {"floor": floor, **noted, **({MANUAL: True} if manual else {})}
    account.ledger.intend(claim, fingerprint=action.fingerprint, details=details)
    if manual:
        return _asked(account, plan, decision, action, claim, again=False)
    return _request(account, plan, decision, action, claim, step, even_if_not_stopped=even_if_not_stopped)


def _asked(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, claim: Claim, *, again: bool
) -> StepResult:
    """Say what to press; asked again, only after a look at what became of it. Nothing of ours leaves."""
    step = account.ledger.step(claim.step_id)
    look = Look(state=State.INTENDED, why="asked for")
    if again:
        look = look_again(account, plan, decision, action, step)
    if look.held:
        return _result(action, step, look.why, state=HELD)
    if look.state is State.INTENDED:
        press = words(account, decision, action, step, again=again)
        seconds = (press_by(account, decision, step.verb) - account.now()).total_seconds()
        account.ledger.renew(claim, seconds)
        update = {"instruction": press, "wait_seconds": seconds}
        return _result(action, step, look.why, state=ASKED).model_copy(update=update)
    account.ledger.move(
        step.id, look.state, who=account.owner, why=look.why, claim=claim, remote_id=look.remote_id
    )
    if look.state is State.NEEDS_HUMAN:
        end_of_action(account, action.id, step.verb, look.why)
    return _result(action, account.ledger.step(step.id), look.why, adopted=True)


def _request(
    account: Account,
    plan: Plan,
    decision: Decision,
    action: ActionRecord,
    claim: Claim,
    step: StepRecord,
    *,
    even_if_not_stopped: bool,
) -> StepResult:
    ledger, who = account.ledger, account.owner
    try:
        remote = perform(
            account,
            decision,
            action,
            step.verb,
            even_if_not_stopped=even_if_not_stopped,
            keep_alive=lambda: ledger.renew(claim, LEASE_SECONDS),
        )
    except (NeverSent, Refused) as error:
        ledger.move(step.id, State.NOT_DONE, who=who, why=str(error), claim=claim)
        return _result(action, ledger.step(step.id), str(error))
    except Rejected as error:
        ledger.move(step.id, State.FAILED, who=who, why=str(error), claim=claim)
        end_of_action(account, action.id, step.verb, str(error))
        return _result(action, ledger.step(step.id), str(error))
    except (Ambiguous, Unreadable) as error:
        ledger.move(step.id, State.AMBIGUOUS, who=who, why=str(error), claim=claim)
        return _adopt(account, plan, decision, action, claim, even_if_not_stopped=even_if_not_stopped)
    why = DONE_WORDS.get(step.verb, "accepted").format(remote=remote)
    ledger.move(step.id, State.DONE, who=who, why=why, claim=claim, remote_id=remote)
    return _result(action, ledger.step(step.id), why)


def _adopt(
    account: Account,
    plan: Plan,
    decision: Decision,
    action: ActionRecord,
    claim: Claim,
    *,
    even_if_not_stopped: bool,
) -> StepResult:
    """Find out what became of a request that may have landed; wait for its quiet time, then settle the step."""
    ledger, who = account.ledger, account.owner
    step = ledger.step(claim.step_id)
    floor = floor_of(plan, step)
    while True:
        try:
            finding = find_out(account, decision, action, step, floor)
        except RequestError as error:
            return _result(action, step, f"what became of it cannot be read yet: {error}")
        if finding.state is not State.AMBIGUOUS:
            break
        claim = ledger.renew(claim, LEASE_SECONDS)
        account.clock.sleep(account.policy.poll_seconds)
    ledger.move(step.id, finding.state, who=who, why=finding.why, claim=claim, remote_id=finding.remote_id)
    ledger.release(claim)
    settled = ledger.step(step.id)
    if finding.state is State.NEEDS_HUMAN:
        end_of_action(account, action.id, step.verb, finding.why)
    if finding.state is State.NOT_DONE and step.verb in SEND_AGAIN and step.attempt < MAX_ATTEMPTS:
        ledger.retry_step(step.id, who, f"not done: {finding.why}")
        return carry_out(account, plan, action.id, step.verb, even_if_not_stopped=even_if_not_stopped)
    return _result(action, settled, finding.why, adopted=True)


def _end_stale(account: Account, action: ActionRecord, step: StepRecord, reason: str) -> StepResult:
    """A step whose earlier one did not succeed has lost its ground, unless that one may still succeed."""
    earlier = [s for s in action.latest if s.ordinal < step.ordinal]
    if step.state is State.CLEARED and any(s.state in ENDED for s in earlier):
        account.ledger.move(step.id, State.STALE, who=account.owner, why=reason)
        return _result(action, account.ledger.step(step.id), reason)
    return _result(action, step, reason, state=HELD)


def _newest_id(account: Account, plan: Plan, verb: Verb) -> str:
    """The highest campaign id before a copy is asked for: the copy's id is above it (decisions, section 5)."""
    if verb is not Verb.COPY_CAMPAIGN:
        return plan.floor_id
    newest = account.campaigns.newer_than(plan.floor_id)
    return str(max([int(c.id) for c in newest if c.id.isdigit()], default=int(plan.floor_id)))


def end_of_action(account: Account, action_id: str, verb: Verb, why: str) -> None:
    """A step ended badly: what comes after it has lost its ground and ends STALE."""
    account.ledger.end_rest(
        action_id,
        State.STALE,
        who=account.owner,
        why=f"{verb.value.replace('_', ' ')} ended badly: {why}"[:500],
    )


def _result(
    action: ActionRecord, step: StepRecord, why: str, *, state: str | None = None, adopted: bool = False
) -> StepResult:
    return StepResult(
        action_id=action.id,
        item_key=action.item_key,
        name=action.name,
        verb=step.verb,
        state=state or step.state.value,
        why=why,
        remote_id=step.remote_id,
        adopted=adopted,
    )
