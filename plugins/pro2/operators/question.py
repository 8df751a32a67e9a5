"""The one question of a plan: an unmapped form with a select per item, the safe choice preset.

Nothing happens without a choice; a timeout chooses nothing, and the items stay open. Options and selects are made at
run time from the plan in the ledger, in ``execute`` and again in ``execute_complete`` (another process). The answer is
cleaned first, since Airflow's server does not validate it, and written to the ledger before Airflow gets it. Names of
campaigns are text here, never templates: this operator has no template fields.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from pro2.accounts import open_ledger, who_acts
from pro2.notifier import QuestionNotifier

GO = "Carry out my choices"
NOTHING = "Do nothing"


class AskOperator(HITLOperator):
    """Asks about the plan whose hash ``plan_task_id`` returned; skips itself in other modes than ``ask`` and
    when there is nothing to ask.

    Returns ``{"plan_hash", "who"}``. It waits until the plan says (``Plan.asked_until``). A retry, after its worker
    died, asks the same question again unless the ledger has the answer already; an answer to another plan is not tried
    again.
    """

    template_fields = ()

    def __init__(
        self, *, plan_task_id: str = "build_plan", window_task_id: str = "resolve_window", **kwargs: Any
    ) -> None:
        super().__init__(
            subject="-",
            options=[GO, NOTHING],
            defaults=[NOTHING],
            notifiers=[QuestionNotifier()],
            **kwargs,
        )
        self.plan_task_id = plan_task_id
        self.window_task_id = window_task_id

    def execute(self, context: Any) -> Any:
        from pro2_reconciliation.domain.localtime import local
        from pro2_reconciliation.repair import noting
        from pro2_reconciliation.repair.asking import QUESTION_SIZE
        from pro2_reconciliation.repair.questions import asked_later, carry, was_answered

        resolved = context["ti"].xcom_pull(task_ids=self.window_task_id)
        if resolved["mode"] != "ask":
            raise AirflowSkipException(f"Nobody was asked: this dag run's mode is {resolved['mode']}")
        plan, ledger = self._plan(context), open_ledger()
        for key, record in carry(ledger, plan).items():
            self._tell(plan, key, record)
        if was_answered(ledger, plan):
            answers = ledger.answers(plan.hash)
            self.log.info("Plan %s was answered already; that stands, and nobody was asked again", plan.hash)
            for key, record in answers.items():
                self._tell(plan, key, record)
            return self._result(plan, next(iter(answers.values())).who)
        self._load(plan, context)
        if not self.params:
            raise AirflowSkipException("Nobody needs to be asked")
        until = plan.asked_until
        if until is not None:
            if until <= ledger.now():
                raise AirflowSkipException(
                    f"Nobody was asked: the time to answer ended {local(until, plan.zone)}, and Pro2 was last read "
                    f"{local(plan.created_at, plan.zone)}. Nothing was chosen; its items stay open and are asked again"
                )
            self.response_timeout = until - ledger.now()
        ends = until or ledger.now() + (self.response_timeout or timedelta(0))
        noting.asked(ledger, plan.organization, context["dag_run"].run_id, ends)
        self.log.info(
            "Asked about %d items of plan %s, until %s; it shows what was read until %s",
            len(self.params),
            plan.hash,
            local(until, plan.zone) if until else "somebody answers",
            local(plan.created_at, plan.zone),
        )
        if later := len(asked_later(ledger, plan)):
            self.log.info(
                "%d more items are asked about in the next question: one holds %d", later, QUESTION_SIZE
            )
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        from pro2_reconciliation.domain.words import Choice
        from pro2_reconciliation.repair.asking import nobody_answered
        from pro2_reconciliation.repair.clearing import sanitised
        from pro2_reconciliation.repair.questions import asked_now

        plan, ledger = self._plan(context), open_ledger()
        self._load(plan, context)
        if "error" in event:
            return super().execute_complete(context, event)
        chosen = list(event.get("chosen_options") or [])
        who = (event.get("responded_by_user") or {}).get("name") or "somebody"
        if not set(chosen) <= set(self.options):
            # a cleared question keeps the words and buttons of its first plan
            raise AirflowFailException(
                f"{', '.join(chosen)!r}, chosen by {who}, answers the question of another plan: this one is "
                f"{plan.hash[:8]}. Airflow goes on showing the first question of a task that was cleared. Nothing was "
                "chosen; the items stay open and are asked again in another dag run"
            )
        asked = asked_now(ledger, plan)
        choices = sanitised(asked, event.get("params_input") or {})
        if chosen != [self.options[0]] or event.get("timedout"):
            choices = dict.fromkeys(choices, Choice.LEAVE)
        if event.get("timedout"):
            for decision in asked:
                said = nobody_answered(plan, decision, ledger.now())
                self.log.info("%s: %s", self._name(plan, decision.key), said)
            who = "nobody"
        else:
            before = ledger.answers(plan.hash)
            standing = ledger.save_answers(plan.hash, choices, who)
            for key in choices:
                self._tell(plan, key, standing[key])
                if key in before:
                    self.log.warning(
                        "%s: «%s» of %s had no effect, since that answer came first",
                        self._name(plan, key),
                        choices[key].value,
                        who,
                    )
        clean = {key: choice.value for key, choice in choices.items()}
        super().execute_complete(context, {**event, "params_input": clean})
        return self._result(plan, who)

    def _plan(self, context: Any) -> Any:
        plan_hash = context["ti"].xcom_pull(task_ids=self.plan_task_id)
        plan = open_ledger().plan(plan_hash)
        if plan is None:
            raise RuntimeError(f"plan {plan_hash} is not in this ledger; clear build_plan and run it again")
        return plan

    def _load(self, plan: Any, context: Any) -> None:
        from pro2.accounts import open_account
        from pro2_reconciliation.repair.asking import question
        from pro2_reconciliation.repair.ground import pressed_beforehand
        from pro2_reconciliation.repair.questions import going_on

        account = open_account(who_acts(context))
        pressed = partial(pressed_beforehand, account)
        asked = question(plan, account.policy, going_on(account.ledger, plan), pressed)
        self.options = [f"{GO} ({plan.hash[:8]})", f"{NOTHING} ({plan.hash[:8]})"]
        self.defaults = [self.options[1]]
        self.subject, self.body = asked.subject, asked.body
        self.params = ParamsDict(
            {
                select.key: Param(
                    select.safe,
                    type="string",
                    enum=list(select.choices),
                    values_display=select.shown,
                    title=select.title,
                    description=select.facts,
                )
                for select in asked.selects
            }
        )

    def _tell(self, plan: Any, key: str, record: Any) -> None:
        from pro2_reconciliation.domain.localtime import local

        self.log.info(
            "%s: %s chose «%s», %s",
            self._name(plan, key),
            record.who,
            record.choice.value,
            local(record.at, plan.zone),
        )

    @staticmethod
    def _name(plan: Any, key: str) -> str:
        from pro2_reconciliation.repair.telling import named

        decision = plan.decision(key)
        return named(decision.name, key) if decision else key

    @staticmethod
    def _result(plan: Any, who: str) -> dict[str, Any]:
        return {"plan_hash": plan.hash, "who": who}
