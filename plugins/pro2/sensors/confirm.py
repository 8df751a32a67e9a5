"""One mapped sensor per step: done when the world shows it, red when the proof failed, skipped when not tried."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from pro2.accounts import who_acts
from pro2.links import ITEM_LINKS
from pro2.steps import named_step, open_proof
from pro2.triggers.confirm import ConfirmTrigger


class ConfirmSensor(BaseSensorOperator):
    """``step``: a ClearedStep as JSON."""

    template_fields = ()
    operator_extra_links = ITEM_LINKS

    def __init__(self, *, step: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step

    def execute(self, context: Any) -> Any:
        from pro2_reconciliation.domain.words import Verb
        from pro2_reconciliation.ledger import State
        from pro2_reconciliation.repair.telling import DOING, became, proven

        who, verb = who_acts(context), Verb(self.step["verb"])
        name, doing = named_step(self.step), DOING[verb]
        proof = open_proof(self.step, who)
        action = proof.account.ledger.action(proof.action_id)
        record = action.step(proof.verb) if action else None
        if record is not None and record.state is State.NEEDS_HUMAN and record.when(State.DONE):
            raise AirflowFailException(
                self._told(f"{name}: {became(verb, record.state, record.moves[-1].why)}")
            )
        if record is None:
            raise AirflowSkipException(
                self._told(f"{name}: nothing had to be verified: {doing} was never planned")
            )
        if record.state not in (State.DONE, State.CONFIRMED):
            why = became(verb, record.state, record.moves[-1].why)
            raise AirflowSkipException(self._told(f"{name}: nothing had to be verified: {why}"))
        verdict = proof.look()
        story = self._told(f"{name}: {proven(verb, verdict)}")
        if not verdict.decided:
            self.defer(trigger=ConfirmTrigger(step=self.step, who=who), method_name="execute_complete")
        if verdict.state == "open":
            raise AirflowSkipException(story)
        if verdict.state != "proven":
            raise AirflowFailException(story)
        return verdict.model_dump(mode="json")

    def _told(self, story: str) -> str:
        self.log.info(story)
        return story

    def execute_complete(self, context: Any, event: Any = None) -> Any:
        """Never called while the trigger ends the task itself; fails loudly if it ever is."""
        raise RuntimeError(f"the proof of {self.step['item_key']} was resumed on a worker, with {event!r}")
