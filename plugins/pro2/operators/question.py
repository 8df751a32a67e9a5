"""The one question of a plan: an unmapped form with a select per item, the safe choice preset.

Nothing happens without a choice; a timeout chooses nothing. Options and selects are made at run time from the plan
in the ledger, in ``execute`` and again in ``execute_complete`` (another process). The answer is cleaned first,
since Airflow's server does not validate it, and written to the ledger before Airflow gets it. Names of campaigns
are text here, never templates: this operator has no template fields.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from pro2.accounts import open_ledger

GO = "Carry out my choices"
NOTHING = "Do nothing"


class AskOperator(HITLOperator):
    """Asks about the plan whose hash ``plan_task_id`` returned; skips itself in other modes than ``ask`` and
    when there is nothing to ask.

    Returns ``{"plan_hash", "who"}``. A retry, after its worker died, asks the same question again unless the ledger has
    the answer already; an answer to another plan is not tried again.
    """

    template_fields = ()

    def __init__(
        self, *, plan_task_id: str = "build_plan", window_task_id: str = "resolve_window", **kwargs: Any
    ) -> None:
        super().__init__(subject="-", options=[GO, NOTHING], defaults=[NOTHING], **kwargs)
        self.plan_task_id = plan_task_id
        self.window_task_id = window_task_id

    def execute(self, context: Any) -> Any:
        resolved = context["ti"].xcom_pull(task_ids=self.window_task_id)
        if resolved["mode"] != "ask":
            raise AirflowSkipException(f"Mode {resolved['mode']} asks nobody")
        plan = self._load(context)
        if not self.params:
            raise AirflowSkipException("Nobody needs to be asked")
        answers = open_ledger().answers(plan.hash)
        if answers:
            self.log.info("Plan %s was answered already by %s", plan.hash, next(iter(answers.values())).who)
            return self._result(plan, "ledger")
        self.log.info("Asking about %d items of plan %s", len(self.params), plan.hash)
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        from pro2_reconciliation.domain.words import Choice
        from pro2_reconciliation.repair.clearing import sanitised

        plan = self._load(context)
        if "error" in event:
            return super().execute_complete(context, event)
        chosen = list(event.get("chosen_options") or [])
        if not set(chosen) <= set(self.options):
            # a cleared question keeps the words and buttons of its first plan
            raise AirflowFailException(
                f"{', '.join(chosen)!r} answers the question of another plan: this one is {plan.hash[:8]}. "
                "Airflow goes on showing the first question of a task that was cleared. Nothing was chosen; "
                "start another dag run"
            )
        choices = sanitised(plan, event.get("params_input") or {})
        if chosen != [self.options[0]] or event.get("timedout"):
            choices = dict.fromkeys(choices, Choice.LEAVE)
        who = (event.get("responded_by_user") or {}).get("name") or "nobody (timeout)"
        standing = open_ledger().save_answers(plan.hash, choices, who)
        for key, record in standing.items():
            decision = plan.decision(key)
            self.log.info(
                "«%s» (%s): %s, chosen by %s",
                decision.name if decision else key,
                key,
                record.choice.value,
                record.who,
            )
        clean = {key: choice.value for key, choice in choices.items()}
        super().execute_complete(context, {**event, "params_input": clean})
        return self._result(plan, who)

    def _load(self, context: Any) -> Any:
        plan_hash = context["ti"].xcom_pull(task_ids=self.plan_task_id)
        plan = open_ledger().plan(plan_hash)
        if plan is None:
            raise RuntimeError(f"plan {plan_hash} is not in this ledger; clear build_plan and run it again")
        from pro2_reconciliation.repair.asking import question

        asked = question(plan)
        self.options = [f"{GO} ({plan.hash[:8]})", f"{NOTHING} ({plan.hash[:8]})"]
        self.defaults = [self.options[1]]
        self.subject, self.body = asked.subject, asked.body
        self.params = ParamsDict(
            {
                select.key: Param(
                    select.safe,
                    type="string",
                    enum=list(select.choices),
                    title=select.title,
                    description=select.facts,
                )
                for select in asked.selects
            }
        )
        return plan

    @staticmethod
    def _result(plan: Any, who: str) -> dict[str, Any]:
        return {"plan_hash": plan.hash, "who": who}
