"""Start a dag run of ``reconcile``; its run id is the claim, so a second start is skipped."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

from pro2.organization import named


class StartReconcileOperator(TriggerDagRunOperator):
    """Airflow renders the values of a conf; here nothing is a template, and a conf holds only ids of our own making."""

    template_fields = ()

    def execute(self, context: Any) -> None:
        """Start it; of several organizations, the DAG of the one that this task belongs to."""
        self.trigger_dag_id = named(self.trigger_dag_id)
        super().execute(context)
