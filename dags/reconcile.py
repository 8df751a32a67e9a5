"""
### Put the marketing stack back in order after an outage

One dag run reconciles one window: `resolve_window`, `take_inventory`, a sensor per unsettled campaign and per
unsettled occurrence of a job, `build_plan`, **one question** (`ask`), `clear`, the lanes in the order of safety, and
`report`. Mode `plan` only reports; `ask` does what a person chose; `auto` does by itself only what cannot reach an
inbox. *Open the form and press Trigger* is a safe plan of the latest outage.

The lanes: stop campaigns, stop runs, repeat imports, data syncs, tag drift, Run Now, duplicate, send. Each ends in a
sensor that proves it. A send happens only while `guard_repairs` runs.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from pro2 import form
from pro2.nightly import nightly
from pro2.notifier import FailureNotifier
from pro2.operators import remedies
from pro2.operators.question import AskOperator
from pro2.operators.report import ReportOperator
from pro2.operators.start import StartReconcileOperator
from pro2.organization import suffixes_to_parse
from pro2.retrying import RETRY_POLICY
from pro2.sensors.confirm import ConfirmSensor
from pro2.sensors.watch import CampaignSensor, LeanSensor, OccurrenceSensor

LANES = {
    "stop_campaign": remedies.StopCampaignOperator,
    "stop_run": remedies.StopRunOperator,
    "repeat_import": remedies.RepeatImportOperator,
    "data_sync": remedies.DataSyncImportOperator,
    "tag_drift": remedies.TagDriftOperator,
    "run_now": remedies.RunNowOperator,
    "duplicate_campaign": remedies.DuplicateCampaignOperator,
    "send_campaign": remedies.SendCampaignOperator,
}
"""Lane (also its task id) to operator, in the order of safety: stopping first, sending last."""
ONE_AT_A_TIME = frozenset({"run_now", "send_campaign"})
CRON, ZONE = nightly()

_dag = partial(
    dag,
    # no start_date: with one, unpausing would at once reconcile the night before
    schedule=CronTriggerTimetable(CRON, timezone=ZONE, run_immediately=False),
    catchup=False,
    max_active_runs=4,
    tags=["pro2", "reconciliation"],
    doc_md=__doc__,
    default_args={
        "owner": "pro2",
        "retry_policy": RETRY_POLICY,
        "show_return_value_in_logs": False,
        # a worker may die in any task, in the smallest one too: none is the end of a dag run
        "retries": 2,
        "retry_delay": timedelta(seconds=5),
    },
    params=form.params(),
)


def reconcile() -> None:
    @task(retry_delay=timedelta(seconds=10))
    def resolve_window() -> dict[str, Any]:
        from pro2 import window

        return window.resolve_window(get_current_context())

    @task(retries=3, retry_delay=timedelta(seconds=10))
    def take_inventory(resolved: dict[str, Any]) -> list[int]:
        from pro2 import flow

        return flow.take_inventory(get_current_context(), resolved)

    @task(retry_delay=timedelta(seconds=10))
    def watched(kind: str) -> list[dict[str, Any]]:
        from pro2 import flow

        return flow.watched_items(get_current_context(), kind)

    @task(trigger_rule="all_done", retries=3, retry_delay=timedelta(seconds=10))
    def build_plan(resolved: dict[str, Any]) -> str:
        from pro2 import flow

        return flow.build_plan(get_current_context(), resolved)

    @task.branch(trigger_rule="none_failed")
    def clear(resolved: dict[str, Any], plan_hash: str) -> list[str]:
        from pro2 import flow

        return flow.clear(get_current_context(), resolved, plan_hash)

    @task
    def steps_of(lane: str) -> list[dict[str, Any]]:
        from pro2 import flow

        return flow.steps_of(flow.cleared_in(get_current_context()), lane)

    @task(trigger_rule="all_done")
    def follow_up(resolved: dict[str, Any], plan_hash: str) -> list[dict[str, Any]]:
        from pro2 import flow

        return flow.follow_up(get_current_context(), resolved, plan_hash)

    resolved = resolve_window()
    inventory = take_inventory(resolved)
    # many items are watched in the triggerer alone; what shows no names then saves a process for each
    lean = LeanSensor.partial(task_id="watch_lean", retry_delay=timedelta(seconds=15))
    sensors: list[Any] = [lean.expand(position=inventory)]
    for kind, sensor in (("campaign", CampaignSensor), ("occurrence", OccurrenceSensor)):
        items = watched.override(task_id=f"unsettled_{kind}s")(kind)
        inventory >> items
        watch = sensor.partial(
            task_id=f"watch_{kind}",
            retry_delay=timedelta(seconds=15),
            map_index_template="{{ task.item['name'][:200] }}",
        ).expand(item=items)
        sensors.append(watch)
    plan_hash = build_plan(resolved)
    [inventory, *sensors] >> plan_hash
    # it has retries like every task: a try that died gets the answer from the ledger, where nobody is asked twice, and
    # asks once more only if its worker died before it was there. Without retries a given answer would carry out nothing
    ask = AskOperator(task_id="ask", response_timeout=timedelta(hours=12))
    plan_hash >> ask
    cleared = clear(resolved, plan_hash)
    ask >> cleared
    tails: list[Any] = []
    for lane, operator in LANES.items():
        # a lane that was not chosen is skipped whole; one that was waits for the tails of ALL earlier ones
        steps = steps_of.override(task_id=f"list_{lane}")(lane)
        cleared >> steps
        act = operator.partial(
            task_id=lane,
            trigger_rule="all_done",
            retry_delay=timedelta(seconds=20),
            map_index_template="{{ task.step['name'][:200] }}",
            **({"max_active_tis_per_dagrun": 1} if lane in ONE_AT_A_TIME else {}),
        ).expand(step=steps)
        if tails:
            tails >> act
        confirm = ConfirmSensor.partial(
            task_id=f"confirm_{lane}",
            trigger_rule="all_done",
            retry_delay=timedelta(seconds=5),
            map_index_template="{{ task.step['name'][:200] }}",
        ).expand(step=steps)
        act >> confirm
        tails.append(confirm)
    nothing = EmptyOperator(task_id="nothing_to_do")
    more = follow_up(resolved, plan_hash)
    # chosen when something is to be asked again though no lane has work; else it follows the lanes
    cleared >> [nothing, more]
    tails >> more
    handed_over = StartReconcileOperator.partial(
        task_id="hand_over", trigger_dag_id="reconcile", skip_when_already_exists=True
    ).expand_kwargs(more)
    done = ReportOperator(
        task_id="report",
        trigger_rule="all_done",
        on_failure_callback=FailureNotifier(),
    )
    [resolved, plan_hash, nothing, *tails, handed_over] >> done


for suffix in suffixes_to_parse():  # of each organization; one empty text where there is only one
    _dag(dag_id=f"reconcile{suffix}")(reconcile)()
