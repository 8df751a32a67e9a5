"""What the operators and the confirm trigger share: from a ClearedStep (JSON) to the core's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pro2_reconciliation.domain.errors import LedgerError

if TYPE_CHECKING:
    from pro2_reconciliation.repair.proofs import Proof
    from pro2_reconciliation.repair.steps import StepResult


def do_step(step: dict[str, Any], who: str) -> StepResult:
    """Carry out one step. Raises ``LedgerError`` when the ledger does not know its plan."""
    from pro2.accounts import open_account
    from pro2_reconciliation.repair.clearing import ClearedStep
    from pro2_reconciliation.repair.steps import carry_out

    account = open_account(who)
    cleared = ClearedStep.model_validate(step)
    plan = account.ledger.plan(cleared.plan_hash)
    if plan is None:
        raise LedgerError(f"plan {cleared.plan_hash} is not in this ledger; run reconcile again")
    return carry_out(
        account, plan, cleared.action_id, cleared.verb, even_if_not_stopped=cleared.even_if_not_stopped
    )


def open_proof(step: dict[str, Any], who: str) -> Proof:
    """The proof of one step. Raises ``LedgerError`` when the ledger does not know its plan."""
    from pro2.accounts import open_account
    from pro2_reconciliation.repair.clearing import ClearedStep
    from pro2_reconciliation.repair.proofs import Proof

    account = open_account(who)
    cleared = ClearedStep.model_validate(step)
    plan = account.ledger.plan(cleared.plan_hash)
    if plan is None:
        raise LedgerError(f"plan {cleared.plan_hash} is not in this ledger; run reconcile again")
    return Proof(account, plan, cleared.action_id, cleared.verb)
