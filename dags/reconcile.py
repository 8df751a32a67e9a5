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
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task

from pro2.operators import remedies
from pro2.operators.question import AskOperator
from pro2.operators.start import StartReconcileOperator
from pro2.retrying import RETRY_POLICY
from pro2.sensors.confirm import ConfirmSensor
from pro2.sensors.watch import CampaignSensor, OccurrenceSensor

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
TIME = r"^$|^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$"


def form_time(title: str) -> Param:
    return Param(
        None,
        type=["null", "string"],
        title=title,
        pattern=TIME,
        section="Window",
        description="As 2026-11-19T18:00 in the organization's zone, or with an offset or Z. Empty: the outage above.",
    )


@dag(
    # no start_date: with one, unpausing would at once reconcile the night before
    schedule=CronTriggerTimetable("0 5 * * *", timezone="UTC", run_immediately=False),
    catchup=False,
    max_active_runs=4,
    tags=["pro2", "reconciliation"],
    doc_md=__doc__,
    default_args={
        "owner": "pro2",
        "retry_policy": RETRY_POLICY,
        # a worker may die in any task, in the smallest one too: none is the end of a dag run
        "retries": 2,
        "retry_delay": timedelta(seconds=5),
    },
    params={
        "outage": Param(
            "latest",
            type="string",
            title="Outage",
            description="latest, or an id from detect_outages",
            pattern=r"^(latest|[0-9a-zA-Z_-]{1,40})$",
            section="Window",
        ),
        "from": form_time("From (in the organization's zone)"),
        "to": form_time("To (in the organization's zone)"),
        "confirmed": Param(
            False,
            type="boolean",
            title="I mean this window",
            section="Window",
            description="Needed for more than 48 hours, or an end in the future",
        ),
        "mode": Param(
            "plan",
            enum=["plan", "ask", "auto"],
            type="string",
            title="Mode",
            description="plan: report only. ask: do what a person chooses. auto: data jobs by themselves",
        ),
        "reason": Param(
            None, type=["null", "string"], title="Reason", description="For the report and for colleagues"
        ),
        "organization": Param(
            None,
            type=["null", "string"],
            title="Organization",
            section="Advanced",
            description="Empty: the one of jobs.yaml",
        ),
        "follow_up": Param(
            None,
            type=["null", "string"],
            title="Follow up",
            section="Advanced",
            pattern=r"^[0-9a-f]{0,16}$",
            description="Plan hash; filled in by reconcile itself",
        ),
    },
)
def reconcile() -> None:
    @task(retry_delay=timedelta(seconds=10))
    def resolve_window() -> dict[str, Any]:
        from pro2 import window

        return window.resolve_window(get_current_context())

    @task(retries=3, retry_delay=timedelta(seconds=10))
    def take_inventory(resolved: dict[str, Any]) -> str:
        from pro2 import flow

        return flow.take_inventory(get_current_context(), resolved)

    @task(retry_delay=timedelta(seconds=10))
    def watched(inventory_id: str, kind: str) -> list[dict[str, Any]]:
        from pro2 import flow

        return flow.watched_items(inventory_id, kind)

    @task(trigger_rule="all_done", retries=3, retry_delay=timedelta(seconds=10))
    def build_plan(resolved: dict[str, Any]) -> str:
        from pro2 import flow

        return flow.build_plan(get_current_context(), resolved)

    @task(trigger_rule="none_failed")
    def clear(resolved: dict[str, Any], plan_hash: str) -> dict[str, Any]:
        from pro2 import flow

        return flow.clear(get_current_context(), resolved, plan_hash)

    @task.branch
    def choose_lanes(cleared: dict[str, Any]) -> list[str]:
        from pro2 import flow

        return flow.lanes_with_work(cleared) or ["nothing_to_do"]

    @task
    def steps_of(cleared: dict[str, Any], lane: str) -> list[dict[str, Any]]:
        from pro2 import flow

        return flow.steps_of(cleared, lane)

    @task(trigger_rule="all_done")
    def follow_up(resolved: dict[str, Any], plan_hash: str, cleared: dict[str, Any]) -> list[dict[str, Any]]:
        from pro2 import flow

        return flow.follow_up(get_current_context(), resolved, plan_hash, cleared)

    @task(trigger_rule="all_done")
    def report(resolved: dict[str, Any], plan_hash: str | None, cleared: dict[str, Any] | None) -> str:
        from pro2 import reporting

        return reporting.report(get_current_context(), resolved, plan_hash, cleared)

    resolved = resolve_window()
    inventory = take_inventory(resolved)
    sensors = []
    for kind, sensor in (("campaign", CampaignSensor), ("occurrence", OccurrenceSensor)):
        items = watched.override(task_id=f"unsettled_{kind}s")(inventory, kind)
        watch = sensor.partial(
            task_id=f"watch_{kind}",
            retry_delay=timedelta(seconds=15),
            map_index_template="{{ task.item['name'][:200] }}",
        ).expand(item=items)
        sensors.append(watch)
    plan_hash = build_plan(resolved)
    [inventory, *sensors] >> plan_hash
    ask = AskOperator(task_id="ask", response_timeout=timedelta(hours=12))
    plan_hash >> ask
    cleared = clear(resolved, plan_hash)
    ask >> cleared
    branch = choose_lanes(cleared)
    tails: list[Any] = []
    for lane, operator in LANES.items():
        # a lane that was not chosen is skipped whole; one that was waits for the tails of ALL earlier ones
        steps = steps_of.override(task_id=f"list_{lane}")(cleared, lane)
        branch >> steps
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
    branch >> nothing
    more = follow_up(resolved, plan_hash, cleared)
    [nothing, *tails] >> more
    handed_over = StartReconcileOperator.partial(
        task_id="hand_over", trigger_dag_id="reconcile", skip_when_already_exists=True
    ).expand_kwargs(more)
    done = report(resolved, plan_hash, cleared)
    [nothing, *tails, handed_over] >> done


reconcile()
