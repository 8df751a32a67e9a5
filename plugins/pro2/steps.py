"""What the operators and the confirm trigger share: from a ClearedStep (JSON) to the core's functions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pro2_reconciliation.ledger import StepRecord
    from pro2_reconciliation.repair.account import Account
    from pro2_reconciliation.repair.proofs import Proof
    from pro2_reconciliation.repair.step_result import StepResult

TURN_SECONDS, LONGEST_AWAY = 10.0, 30.0


def named_step(step: dict[str, Any]) -> str:
    """``«Gala» (103)`` of a ClearedStep, for a log line."""
    from pro2_reconciliation.repair.telling import named

    return named(step["name"], step["item_key"])


def do_step(step: dict[str, Any], who: str, tell: Callable[[str], None] = lambda _: None) -> StepResult:
    """Carry out one step; ``tell`` gets the sentence that says why it is done at all, before anything is.

    Raises ``LedgerError`` when the ledger does not know its plan.
    """
    from pro2.accounts import open_account, require_plan
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.clearing import ClearedStep
    from pro2_reconciliation.repair.steps import carry_out
    from pro2_reconciliation.repair.telling import chosen

    account = open_account(who)
    cleared = ClearedStep.model_validate(step)
    plan = require_plan(account.ledger, cleared.plan_hash)
    decision = plan.decision(cleared.item_key)
    if decision is not None:
        answer = account.ledger.answers(plan.hash).get(cleared.item_key)
        tell(chosen(plan, decision, Mode.AUTO, answer))
    return carry_out(
        account, plan, cleared.action_id, cleared.verb, even_if_not_stopped=cleared.even_if_not_stopped
    )


def answer_step(step: dict[str, Any], answer: str, answered_by: str, who: str) -> StepRecord:
    """Write a person's answer about a step that he was asked to do. Raises ``LedgerError`` as above."""
    from pro2.accounts import open_account, require_plan
    from pro2_reconciliation.repair.clearing import ClearedStep
    from pro2_reconciliation.repair.manual import ManualAnswer, answer_manual

    account = open_account(who)
    cleared = ClearedStep.model_validate(step)
    plan = require_plan(account.ledger, cleared.plan_hash)
    return answer_manual(
        account,
        plan,
        cleared.action_id,
        cleared.verb,
        ManualAnswer(answer),
        answered_by,
        even_if_not_stopped=cleared.even_if_not_stopped,
    )


def open_proof(step: dict[str, Any], who: str) -> Proof:
    """The proof of one step. Raises ``LedgerError`` when the ledger does not know its plan."""
    from pro2.accounts import open_account, require_plan
    from pro2_reconciliation.repair.clearing import ClearedStep
    from pro2_reconciliation.repair.proofs import Proof

    account = open_account(who)
    cleared = ClearedStep.model_validate(step)
    plan = require_plan(account.ledger, cleared.plan_hash)
    return Proof(account, plan, cleared.action_id, cleared.verb)


def wait_for_turn(steps: list[dict[str, Any]], who: str) -> tuple[str, float] | None:
    """Wait until these sends no longer stand before the next one, but only a few seconds.

    Out: None when the next one may go; else which of them it waits for, in words, and the seconds until it should
    look again. A task that comes back costs a process, so where looks are seconds apart it does not go away.
    """
    from pro2.accounts import open_account

    account = open_account(who)
    poll, left = account.policy.poll_seconds, TURN_SECONDS
    while (why := first_unproven(account, steps)) is not None:
        if poll > left:
            return why, min(poll, LONGEST_AWAY)
        account.clock.sleep(poll)
        left -= poll
    return None


def first_unproven(account: Account, steps: list[dict[str, Any]]) -> str | None:
    """Which of these sends still stands before the next one, in words; None when the next one may go.

    A send that was made is looked at (its proof is written when it is there). One that nobody began holds up the
    next only while nothing closes its way, or only a gate that opens by itself: another one does not hold up others.
    """
    from pro2_reconciliation.ledger import State
    from pro2_reconciliation.repair.clearing import ClearedStep
    from pro2_reconciliation.repair.gates import closed_gate
    from pro2_reconciliation.repair.proofs import Proof
    from pro2_reconciliation.repair.telling import named

    moved = datetime.min.replace(tzinfo=UTC)
    for rank, raw in enumerate(steps):
        cleared = ClearedStep.model_validate(raw)
        name = named(cleared.name, cleared.item_key)
        plan, action = account.ledger.plan(cleared.plan_hash), account.ledger.action(cleared.action_id)
        step = action.step(cleared.verb) if action else None
        decision = plan.decision(cleared.item_key) if plan else None
        if plan is None or decision is None or action is None or step is None:
            continue
        # one that waits for its turn is not gone: its time begins when the one before it moved last
        moved = max(moved, action.last_moved)
        if account.now() - moved > timedelta(seconds=account.policy.confirm_seconds):
            continue  # whoever was at it is gone; it is not waited for for ever
        if step.state is State.DONE:
            # only the next in line looks: the others would spend the account's requests on the same question
            last = rank == len(steps) - 1
            if not (last and Proof(account, plan, action.id, cleared.verb).look().decided):
                return f"the copy of {name} is not proven yet"
        if step.state in (State.CLAIMED, State.INTENDED, State.AMBIGUOUS):
            return f"{name} is being sent"
        begun = all(
            s.state in (State.DONE, State.CONFIRMED) for s in action.latest if s.ordinal < step.ordinal
        )
        if step.state in (State.CLEARED, State.NOT_DONE) and begun:
            gate = closed_gate(account, plan, decision, action, cleared.verb)
            if gate is None or gate.seconds:
                return f"{name} goes first"
    return None
