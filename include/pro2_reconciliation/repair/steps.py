"""Carry out one step: gates, fresh look, claim, intent, request, record. The only place where requests leave,
besides the guard's own stops (``guard_stops.py``).

Order is everything. The claim and the intent are committed before the request leaves; after a take-over, or an
answer that got lost, nothing is sent again: the world is read (``lost_requests.py``). A crash at any point leaves a
state from which this same function goes on. A worker that was stopped and wakes is no dead one: its lease goes with
its request to the socket (``wire.deadline``), and nobody concludes that nothing happened before that has run out.
It fails with ``LedgerError`` when the lease was lost, and with the errors of the ports when the fresh look cannot be
had; in both cases nothing was sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pro2_reconciliation.domain.drift import Drift
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
from pro2_reconciliation.repair.checks import agreed_drift, stale_reason
from pro2_reconciliation.repair.effects import noted_before, perform
from pro2_reconciliation.repair.evidence import EVIDENCE_OF
from pro2_reconciliation.repair.gates import at_any_hour, closed_gate
from pro2_reconciliation.repair.ground import Ground, ground_of, noted_of
from pro2_reconciliation.repair.lost_requests import (
    LEAVES_BY,
    MANUAL,
    is_manual,
    landed_before,
    look_until_settled,
)
from pro2_reconciliation.repair.manual import (
    Look,
    asker,
    look_again,
    press_by,
    words,
)
from pro2_reconciliation.repair.step_result import (
    ASKED,
    ELSEWHERE,
    GATED,
    GIVEN_UP,
    GONE_ON,
    StepResult,
    result_of,
)
from pro2_reconciliation.wire.deadline import Deadline, leaving_by

LEASE_SECONDS = 180.0
"""Above what one request may take with pacing, retries after a refusal (60 s) and its timeout."""
MARGIN_SECONDS = 90.0
"""So much of the lease must be left when a request leaves."""
RECORD_SECONDS = 15.0
"""A request leaves so long before its lease ends at the latest, so that "never sent" can still be written."""
MAX_ATTEMPTS = 3
"""Of one step for one plan: a person who chooses it again, later, gets as many."""
DONE_WORDS = {
    Verb.COPY_CAMPAIGN: "draft {remote}",
    Verb.SEND_CAMPAIGN: "copy {remote} is being sent",
    Verb.STOP_RUN: "{remote}",
    Verb.IMPORT_LIST: "import under the tag «{remote}»",
    Verb.ADD_TAG: "{remote} contacts",
    Verb.REMOVE_TAG: "{remote} contacts",
}
"""What is said of a request that was accepted; ``remote`` is what the service gave back."""


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
        return result_of(action, step, step.moves[-1].why, found=True)
    if step.state in GIVEN_UP:
        return result_of(action, step, step.moves[-1].why)
    if step.state is State.NOT_DONE:
        if _tried_enough(plan, action, verb):
            return result_of(action, step, step.moves[-1].why)
        account.ledger.retry_step(step.id, account.owner, f"not done: {step.moves[-1].why}")
        action, decision = _find(account, plan, action_id)
        step = action.step(verb) or step
    blocked = _blocked_by_earlier(action, step)
    if blocked:
        return _end_stale(account, action, step, blocked)
    gate = closed_gate(account, plan, decision, action, verb)
    if gate and step.state not in (State.INTENDED, State.AMBIGUOUS):
        return result_of(action, step, gate.why, state=GATED).model_copy(
            update={"wait_seconds": gate.seconds}
        )
    ground = ground_of(account, decision, verb) if not step.had_effect else Ground()
    pressed = verb in account.manual or bool(ground.missing)
    manual = is_manual(step) or (pressed and not step.had_effect)
    who = asker(account.owner) if manual else account.owner
    claim = account.ledger.claim(step.id, who, LEASE_SECONDS, also_own=manual)
    if claim is None:
        result = result_of(
            action, account.ledger.step(step.id), _elsewhere(account, step, manual), state=ELSEWHERE
        )
        return result if manual else result.model_copy(update={"wait_seconds": _lease_left(account, step)})
    asked = False
    try:
        result = _claimed(
            account, plan, decision, action, claim, ground, even_if_not_stopped=even_if_not_stopped
        )
        asked = result.state == ASKED
        return result
    finally:
        if not asked:  # a question keeps its lease, so that no other dag run asks somebody else
            account.ledger.release(claim)


def _tried_enough(plan: Plan, action: ActionRecord, verb: Verb) -> bool:
    """The first attempt of an action may be older than the plan that goes on with it: it is one of an earlier plan."""
    tries = [s for s in action.steps if s.verb is verb and s.moves[0].at >= plan.created_at]
    return len(tries) >= MAX_ATTEMPTS


def _elsewhere(account: Account, step: StepRecord, manual: bool) -> str:
    holder = account.ledger.holder(step.id) if manual else None
    if holder is None:
        return "somebody else is at this step"
    return f"a person is asked to press it until {local(holder[1], account.zone)}, by {holder[0]}"


def _lease_left(account: Account, step: StepRecord) -> float:
    holder = account.ledger.holder(step.id)
    return max((holder[1] - account.now()).total_seconds() if holder else 0.0, 1.0)


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
    ground: Ground,
    *,
    even_if_not_stopped: bool,
) -> StepResult:
    if claim.state is State.INTENDED and is_manual(account.ledger.step(claim.step_id)):
        return _asked(account, plan, decision, action, claim, again=True)
    if claim.state in (State.INTENDED, State.AMBIGUOUS):
        return _find_out(account, plan, decision, action, claim, even_if_not_stopped=even_if_not_stopped)
    step = account.ledger.step(claim.step_id)
    reason, drift = stale_reason(account, plan, decision, action, step.verb), None
    if reason is None:
        drift, reason = agreed_drift(
            account, decision, step.verb, lambda: account.ledger.renew(claim, LEASE_SECONDS)
        )
    if reason:
        account.ledger.move(step.id, State.STALE, who=account.owner, why=reason, claim=claim)
        end_of_action(account, action.id, step.verb, reason)
        return result_of(action, account.ledger.step(step.id), reason)
    floor = _newest_id(account, plan, decision, step.verb)
    noted = noted_before(account, decision, step.verb)
    account.ledger.check(
        claim, MARGIN_SECONDS
    )  # the last thing before the intent: a slow look may have used it up
    manual = step.verb in account.manual or bool(ground.missing)
    leaves_by = claim.expires_at - timedelta(seconds=RECORD_SECONDS)
    how = {MANUAL: True} if manual else {LEAVES_BY: leaves_by.isoformat()}
    details = {"floor": floor, **noted, **how, **noted_of(ground)}
    account.ledger.intend(claim, fingerprint=action.fingerprint, details=details)
    try:
        account.remember()
    except NeverSent as error:
        account.ledger.move(step.id, State.NOT_DONE, who=account.owner, why=str(error), claim=claim)
        return result_of(action, account.ledger.step(step.id), str(error))
    if manual:
        return _asked(account, plan, decision, action, claim, again=False)
    return _request(
        account,
        plan,
        decision,
        action,
        claim,
        step,
        leaves_by,
        drift,
        even_if_not_stopped=even_if_not_stopped,
    )


def _asked(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, claim: Claim, *, again: bool
) -> StepResult:
    """Say what to press; asked again, only after a look at what became of it. Nothing of ours leaves."""
    step = account.ledger.step(claim.step_id)
    look = Look(state=State.INTENDED, why="asked for")
    if again:
        look = look_again(account, plan, decision, action, step)
    if look.gated:
        return result_of(action, step, look.why, state=GATED)
    if look.state is State.INTENDED:
        anytime = at_any_hour(account, plan, decision)
        press = words(account, decision, action, step, again=again, at_any_hour=anytime)
        until = press_by(account, decision, step.verb, at_any_hour=anytime)
        seconds = (until - account.now()).total_seconds()
        account.ledger.renew(claim, seconds)
        update = {"instruction": press, "wait_seconds": seconds}
        return result_of(action, step, look.why, state=ASKED).model_copy(update=update)
    account.ledger.move(
        step.id, look.state, who=account.owner, why=look.why, claim=claim, remote_id=look.remote_id
    )
    if look.state is State.NEEDS_HUMAN:
        end_of_action(account, action.id, step.verb, look.why)
    return result_of(action, account.ledger.step(step.id), look.why, found=True)


def _request(
    account: Account,
    plan: Plan,
    decision: Decision,
    action: ActionRecord,
    claim: Claim,
    step: StepRecord,
    leaves_by: datetime,
    drift: Drift | None,
    *,
    even_if_not_stopped: bool,
) -> StepResult:
    ledger, who = account.ledger, account.owner
    deadline = Deadline(leaves_by, account.now)

    def keep_alive() -> None:
        renewed = ledger.renew(claim, LEASE_SECONDS)
        deadline.move(renewed.expires_at - timedelta(seconds=RECORD_SECONDS))

    try:
        with leaving_by(deadline):
            remote = perform(
                account,
                decision,
                action,
                step.verb,
                drift=drift,
                even_if_not_stopped=even_if_not_stopped,
                keep_alive=keep_alive,
            )
    except (NeverSent, Refused) as error:
        ledger.move(step.id, State.NOT_DONE, who=who, why=str(error), claim=claim)
        return result_of(action, ledger.step(step.id), str(error))
    except Rejected as error:
        try:
            landed = landed_before(account, plan, decision, action, claim.step_id)
        except RequestError as unread:
            why = f"{error}; and whether an earlier one had its effect cannot be read: {unread}"
            ledger.move(step.id, State.AMBIGUOUS, who=who, why=why, claim=claim)
            return _find_out(account, plan, decision, action, claim, even_if_not_stopped=even_if_not_stopped)
        if landed is not None:
            why = f"{landed.why}, although the answer was: {error}"
            ledger.move(step.id, State.DONE, who=who, why=why, claim=claim, remote_id=landed.remote_id)
            return result_of(action, ledger.step(step.id), why, found=True)
        ledger.move(step.id, State.FAILED, who=who, why=str(error), claim=claim)
        end_of_action(account, action.id, step.verb, str(error))
        return result_of(action, ledger.step(step.id), str(error))
    except (Ambiguous, Unreadable) as error:
        ledger.move(step.id, State.AMBIGUOUS, who=who, why=str(error), claim=claim)
        return _find_out(account, plan, decision, action, claim, even_if_not_stopped=even_if_not_stopped)
    said = str(remote).replace("_", " ") if step.verb is Verb.STOP_RUN else remote
    why = DONE_WORDS.get(step.verb, "accepted").format(remote=said)
    ledger.move(step.id, State.DONE, who=who, why=why, claim=claim, remote_id=remote)
    return result_of(action, ledger.step(step.id), why)


def _find_out(
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
    try:
        finding = look_until_settled(
            account, plan, decision, action, step, keep_alive=lambda: ledger.renew(claim, LEASE_SECONDS)
        )
    except RequestError as error:
        return result_of(action, step, f"what became of it cannot be read yet: {error}")
    ledger.move(step.id, finding.state, who=who, why=finding.why, claim=claim, remote_id=finding.remote_id)
    ledger.release(claim)
    settled = ledger.step(step.id)
    if finding.state is State.NEEDS_HUMAN:
        end_of_action(account, action.id, step.verb, finding.why)
    again = EVIDENCE_OF[step.verb].again and not _tried_enough(plan, action, step.verb)
    if finding.state is State.NOT_DONE and again:
        ledger.retry_step(step.id, who, f"not done: {finding.why}")
        return carry_out(account, plan, action.id, step.verb, even_if_not_stopped=even_if_not_stopped)
    return result_of(action, settled, finding.why, found=True)


def _end_stale(account: Account, action: ActionRecord, step: StepRecord, reason: str) -> StepResult:
    """A step whose earlier one did not succeed has lost its ground, unless that one may still succeed."""
    earlier = [s for s in action.latest if s.ordinal < step.ordinal]
    if step.state is State.CLEARED and any(s.state in GIVEN_UP for s in earlier):
        account.ledger.move(step.id, State.STALE, who=account.owner, why=reason)
        return result_of(action, account.ledger.step(step.id), reason)
    return result_of(action, step, reason, state=GATED)


def _newest_id(account: Account, plan: Plan, decision: Decision, verb: Verb) -> str:
    """The highest campaign id before a copy is asked for: the copy's id is above it (docs/lost-requests.md)."""
    if verb is not Verb.COPY_CAMPAIGN:
        return plan.floor_id
    known = max(plan.floor_id, decision.item_id, key=int)  # from an old item's floor on there would be many
    newest = account.campaigns.newer_than(known)
    return str(max([int(c.id) for c in newest if c.id.isdigit()], default=int(known)))


def end_of_action(account: Account, action_id: str, verb: Verb, why: str) -> None:
    """A step ended badly: what comes after it has lost its ground and ends STALE."""
    account.ledger.end_rest(
        action_id,
        State.STALE,
        who=account.owner,
        why=f"{verb.value.replace('_', ' ')} ended badly: {why}"[:500],
    )
