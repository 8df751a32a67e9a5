"""A plan of which one item was approved by somebody who presses in Pro2 himself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.incident.harness import Evening
from tests.incident.test_manual import by_hand, only

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Mode, Remedy, Verb
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.clearing import ClearedStep, clear
from pro2_reconciliation.repair.manual import ManualAnswer, answer_manual
from pro2_reconciliation.repair.steps import carry_out


@dataclass
class Asked:
    """A plan of which one item was approved, and nobody has pressed anything yet."""

    evening: Evening
    account: Account
    plan: Plan
    steps: tuple[ClearedStep, ...]

    def step(self, verb: Verb) -> ClearedStep:
        return next(step for step in self.steps if step.verb is verb)

    def carry_out(self, verb: Verb, account: Account | None = None, **options: Any) -> Any:
        return carry_out(account or self.account, self.plan, self.step(verb).action_id, verb, **options)

    def answer(self, verb: Verb, answer: ManualAnswer, **options: Any) -> Any:
        return answer_manual(
            self.account, self.plan, self.step(verb).action_id, verb, answer, "Ada", **options
        )

    def record(self, verb: Verb) -> Any:
        action = self.evening.ledger().action(self.step(verb).action_id)
        assert action is not None
        return action.step(verb)

    def job(self, verb: Verb) -> str:
        return self.step(verb).item_key.partition(":")[2].partition("@")[0]


def asked(evening: Evening, *remedies: Remedy, answer: Any = None) -> Asked:
    plan, _ = evening.reconcile(account=by_hand(evening), answer=answer or only(*remedies))
    account = by_hand(evening)
    return Asked(evening, account, plan, clear(account, plan, Mode.ASK, who="test").steps)
