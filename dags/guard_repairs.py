"""
### Guard what was repaired

Every minute one task looks at the original of every resend and hold-back, and at the original occurrence of every
reprocessed job: the vendor warns that they may still go out. A woken original is stopped again at once and the task
fails with an alarm. With nothing to guard it ends at once.

Its passes are the heartbeat: without one younger than ten minutes nothing is sent. **Keep this DAG unpaused.**
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from airflow.sdk import dag, get_current_context, task

from pro2.organization import suffixes_to_parse
from pro2.retrying import RETRY_POLICY

_dag = partial(
    dag,
    schedule="* * * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=5),
    tags=["pro2", "guard"],
    doc_md=__doc__,
    default_args={"owner": "pro2", "retry_policy": RETRY_POLICY, "show_return_value_in_logs": False},
)


def guard_repairs() -> None:
    @task(priority_weight=1000, retries=0, execution_timeout=timedelta(minutes=4))
    def guard() -> dict[str, object]:
        from pro2 import guarding

        return guarding.guard(get_current_context())

    guard()


for suffix in suffixes_to_parse():  # of each organization; one empty text where there is only one
    _dag(dag_id=f"guard_repairs{suffix}")(guard_repairs)()
