"""The last task of ``reconcile``. An operator of its own, because only a class can carry an extra link."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator

from pro2.links import RUN_LINKS


class ReportOperator(BaseOperator):
    """Compares plan and ledger (``reporting.report``); the arguments are results of the tasks before it.

    They are template fields only so that Airflow resolves them; what a task returned is not rendered again.
    """

    template_fields = ("resolved", "plan_hash")
    operator_extra_links = RUN_LINKS

    def __init__(self, *, resolved: dict[str, Any], plan_hash: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.resolved = resolved
        self.plan_hash = plan_hash

    def execute(self, context: Any) -> str:
        from pro2 import flow, reporting

        return reporting.report(context, self.resolved, self.plan_hash, flow.cleared_in(context))
