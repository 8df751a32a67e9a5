"""
### Find outages of Pro2

Every five minutes one task reads all sources at once (status feeds, own probes, the Activity Log, declared windows),
merges what they say into outages in the ledger, and starts `reconcile` for each outage that ended and settled; what
only a status page says is planned and not repaired. A source that hangs is gone on without. The run id
`outage__<id>__g<n>` is the claim: a second start is skipped, and a paused `reconcile` finds its dag run waiting.
What ended without a plan is begun anew, and so is what goes on where a plan ended.

Nothing is changed in Pro2. Without an outage this is one short task.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from airflow.sdk import dag, get_current_context, task

from pro2.operators.start import StartReconcileOperator
from pro2.organization import suffixes_to_parse
from pro2.retrying import RETRY_POLICY

_dag = partial(
    dag,
    schedule="*/5 * * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=4),
    tags=["pro2", "detection"],
    doc_md=__doc__,
    default_args={"owner": "pro2", "retry_policy": RETRY_POLICY, "show_return_value_in_logs": False},
)


def detect_outages() -> None:
    @task(
        execution_timeout=timedelta(minutes=3),
        priority_weight=100,
        retries=1,
        retry_delay=timedelta(seconds=15),
    )
    def detect() -> list[dict[str, object]]:
        from pro2 import detection

        return detection.detect(get_current_context())

    StartReconcileOperator.partial(
        task_id="start_reconcile",
        trigger_dag_id="reconcile",
        skip_when_already_exists=True,
        retries=1,
        retry_delay=timedelta(seconds=5),
    ).expand_kwargs(detect())


for suffix in suffixes_to_parse():  # of each organization; one empty text where there is only one
    _dag(dag_id=f"detect_outages{suffix}")(detect_outages)()
