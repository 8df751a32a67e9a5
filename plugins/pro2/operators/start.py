"""Start a dag run of ``reconcile``; its run id is the claim, so a second start is skipped."""

from __future__ import annotations

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator


class StartReconcileOperator(TriggerDagRunOperator):
    """Airflow renders the values of a conf; here nothing is a template, and a conf holds only ids of our own making."""

    template_fields = ()
