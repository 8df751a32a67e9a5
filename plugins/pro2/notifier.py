"""Notifiers for Airflow's callbacks: one for failed tasks, also of a site's own DAGs, and one for our question.

Both go through ``notifying.tell``: to the connections of ``notifications.yaml``, once, without a template, and without
ever raising into the task that calls them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from pro2.notifying import tell
from pro2.organization import of_id, speaking_for

if TYPE_CHECKING:
    from pro2_reconciliation.repair.teller import Teller

LONGEST = 400


class PlainNotifier(BaseNotifier):
    """A notifier of which nothing is ever rendered: what it tells holds names from outside."""

    template_fields = ()

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Nothing; Airflow would make an environment of the DAG for it all the same."""


class FailureNotifier(PlainNotifier):
    """``on_failure_callback=FailureNotifier()``: tells that a task failed for good, as the kind ``failed``.

    One message for a dag run, however many of its tasks fail. None for a dag run of ``reconcile`` that has told
    already how it ended.
    """

    def notify(self, context: Any) -> None:
        with speaking_for(of_id(context["ti"].dag_id)):
            tell(lambda teller: _failed(teller, context))


class QuestionNotifier(PlainNotifier):
    """``notifiers=[...]`` of the question: tells that an answer is needed, once the form is there."""

    SECONDS = 5.0
    """Shorter than elsewhere: only when this returns does the task give its place up and wait for the answer."""

    def notify(self, context: Any) -> None:
        with speaking_for(of_id(context["ti"].dag_id)):
            tell(lambda teller: _asked(teller, context), seconds=self.SECONDS)


def _failed(teller: Teller, context: Any) -> None:
    ti = context["ti"]
    teller.failed(ti.dag_id, ti.run_id, ti.task_id, _why(context.get("exception")))


def _asked(teller: Teller, context: Any) -> None:
    from pro2.accounts import require_plan

    task, ti = context["task"], context["ti"]
    plan = require_plan(teller.ledger, ti.xcom_pull(task_ids=task.plan_task_id))
    teller.question(plan, ti.run_id, _now() + (task.response_timeout or timedelta(days=365)))


def _now() -> datetime:
    from airflow.sdk.timezone import utcnow

    return utcnow()


def _why(error: Any) -> str:
    """What a task said when it failed, without what Airflow knows to be secret."""
    from airflow.sdk._shared.secrets_masker import redact

    from pro2_reconciliation.domain.scrub import scrub

    text = str(error or "no reason was given")
    return scrub(str(redact(text)))[:LONGEST]
