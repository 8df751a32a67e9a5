"""The last task of ``reconcile``. An operator of its own, because only a class can carry an extra link."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator

from pro2.links import RUN_LINKS


class ReportOperator(BaseOperator):
    """Compares plan and ledger (``reporting.report``). What it needs it takes from the tasks before it itself: no
    template field, so that nothing that somebody typed is ever rendered.
    """

    template_fields = ()
    operator_extra_links = RUN_LINKS

    def __init__(
        self, *, plan_task_id: str = "build_plan", window_task_id: str = "resolve_window", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.plan_task_id = plan_task_id
        self.window_task_id = window_task_id

    def execute(self, context: Any) -> str:
        from pro2 import flow, reporting

        resolved = context["ti"].xcom_pull(task_ids=self.window_task_id)
        plan_hash = context["ti"].xcom_pull(task_ids=self.plan_task_id)
        return reporting.report(context, resolved, plan_hash, flow.cleared_in(context))
