"""One mapped sensor per step: done when the world shows it, red when the proof failed, skipped when not tried."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from pro2.accounts import who_acts
from pro2.links import ITEM_LINKS
from pro2.steps import open_proof
from pro2.triggers.confirm import ConfirmTrigger


class ConfirmSensor(BaseSensorOperator):
    """``step``: a ClearedStep as JSON."""

    template_fields = ()
    operator_extra_links = ITEM_LINKS

    def __init__(self, *, step: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step

    def execute(self, context: Any) -> Any:
        from pro2_reconciliation.ledger import State

        who = who_acts(context)
        proof = open_proof(self.step, who)
        action = proof.account.ledger.action(proof.action_id)
        record = action.step(proof.verb) if action else None
        name = f"«{self.step['name']}» ({self.step['item_key']})"
        if record is not None and record.state is State.NEEDS_HUMAN and record.when(State.DONE):
            raise AirflowFailException(f"{name}: {record.moves[-1].why}")
        if record is None or record.state not in (State.DONE, State.CONFIRMED):
            raise AirflowSkipException(
                f"{name}: nothing to prove, the step is {record.state if record else 'unknown'}"
            )
        verdict = proof.look()
        self.log.info("%s: %s %s: %s", name, self.step["verb"], verdict.state, verdict.why)
        if not verdict.decided:
            self.defer(trigger=ConfirmTrigger(step=self.step, who=who), method_name="execute_complete")
        if verdict.state == "open":
            raise AirflowSkipException(f"{name}: {verdict.why}")
        if verdict.state != "proven":
            raise AirflowFailException(f"{name}: {verdict.why}")
        return verdict.model_dump(mode="json")

    def execute_complete(self, context: Any, event: Any = None) -> Any:
        """Never called while the trigger ends the task itself; fails loudly if it ever is."""
        raise RuntimeError(f"the proof of {self.step['item_key']} was resumed on a worker, with {event!r}")
