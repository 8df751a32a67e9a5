"""The wiring is part of the safety: what may follow what, what runs alone, and what is never a template."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import CronTriggerTimetable
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.param import process_params
from airflow.sdk.exceptions import ParamValidationError

from pro2.nightly import nightly
from pro2.operators.remedies import SendCampaignOperator
from pro2.retrying import RETRY_POLICY
from pro2_reconciliation.domain.run_form import FIELDS
from pro2_reconciliation.repair.actions import LANE_OF, VERBS, Lane

DAGS = Path(__file__).resolve().parents[2] / "dags"
LANES = [lane.value for lane in Lane]
WATCHES = ["watch_campaign", "watch_occurrence"]


@pytest.fixture(scope="module")
def dags() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(DAGS, load_op_links=False).dags


@pytest.fixture(scope="module")
def reconcile(dags: Any) -> Any:
    return dags["reconcile"]


def after(dag: Any, task_id: str) -> set[str]:
    """Everything that runs later than a task."""
    return set(dag.get_task(task_id).get_flat_relative_ids(upstream=False))


class TestTheLanes:
    def test_are_those_of_the_core_in_its_order_of_safety(self, reconcile: Any) -> None:
        lists = [task_id for task_id in reconcile.task_ids if task_id.startswith("list_")]
        assert sorted(lists) == sorted(f"list_{lane}" for lane in LANES)
        for number, lane in enumerate(LANES):
            assert set(LANES[number + 1 :]) <= after(reconcile, f"confirm_{lane}")
            assert not set(LANES[:number]) & after(reconcile, lane)

    def test_do_the_steps_of_every_remedy_in_the_order_of_its_steps(self) -> None:
        for verbs in VERBS.values():
            places = [LANES.index(LANE_OF[verb].value) for verb in verbs]
            assert places == sorted(places)
        assert LANES[0] == "stop_campaign"
        assert LANES[-1] == "send_campaign"

    @pytest.mark.parametrize("lane", LANES)
    def test_are_listed_when_the_branch_chose_them_and_cost_nothing_otherwise(
        self, reconcile: Any, lane: str
    ) -> None:
        """The branch skips a task only if it does not follow another that it chose: so no list follows a lane."""
        task = reconcile.get_task(f"list_{lane}")
        assert task.trigger_rule == "all_success"
        assert task.upstream_task_ids == {"clear"}

    @pytest.mark.parametrize("lane", LANES)
    def test_act_only_when_every_earlier_lane_was_proven_or_ended(self, reconcile: Any, lane: str) -> None:
        act = reconcile.get_task(lane)
        tails = {f"confirm_{earlier}" for earlier in LANES[: LANES.index(lane)]}
        assert act.trigger_rule == "all_done"
        assert act.upstream_task_ids == {f"list_{lane}"} | tails

    @pytest.mark.parametrize("lane", LANES)
    def test_do_one_kind_of_step_and_prove_it(self, reconcile: Any, lane: str) -> None:
        act, confirm = reconcile.get_task(lane), reconcile.get_task(f"confirm_{lane}")
        verbs = {verb.value for verb, where in LANE_OF.items() if where == lane}
        assert act.operator_class.verbs == verbs
        assert isinstance(act, MappedOperator)
        assert isinstance(confirm, MappedOperator)
        assert confirm.upstream_task_ids == {f"list_{lane}", lane}
        assert confirm.trigger_rule == "all_done"

    def test_press_run_now_one_at_a_time(self, reconcile: Any) -> None:
        """Sends wait for each other in the ledger, which also waits for the proof of the one before."""
        alone = {lane for lane in LANES if reconcile.get_task(lane).max_active_tis_per_dagrun == 1}
        assert alone == {"run_now", "send_campaign"}

    def test_a_send_finds_its_own_list(self, reconcile: Any) -> None:
        task = SendCampaignOperator(task_id="send_campaign", step={})
        assert reconcile.has_task(task.lane_task_id)
        assert task.lane_task_id in reconcile.get_task("send_campaign").upstream_task_ids


class TestTheQuestion:
    def test_is_one_question_that_waits_half_a_day(self, reconcile: Any) -> None:
        ask = reconcile.get_task("ask")
        assert not isinstance(ask, MappedOperator)
        assert ask.response_timeout == timedelta(hours=12)
        assert ask.execution_timeout is None

    def test_comes_before_the_only_branch(self, reconcile: Any) -> None:
        branches = [
            task.task_id for task in reconcile.tasks if getattr(task, "inherits_from_skipmixin", False)
        ]
        assert "clear" in branches
        assert "clear" in after(reconcile, "ask")
        for lane in LANES:
            assert f"list_{lane}" in after(reconcile, "ask")
        assert not {"ask", "build_plan"} & after(reconcile, "clear")

    def test_a_failure_before_it_clears_nothing(self, reconcile: Any) -> None:
        """Skipped means that nobody needed to be asked; failed means that nobody answered."""
        assert reconcile.get_task("clear").trigger_rule == "none_failed"
        assert "ask" in reconcile.get_task("clear").upstream_task_ids

    def test_the_plan_is_made_even_when_a_sensor_failed(self, reconcile: Any) -> None:
        plan = reconcile.get_task("build_plan")
        assert plan.trigger_rule == "all_done"
        assert {"take_inventory", "watch_campaign", "watch_occurrence"} <= plan.upstream_task_ids


class TestTheReport:
    def test_comes_last_whatever_became_of_the_others(self, reconcile: Any) -> None:
        report = reconcile.get_task("report")
        assert report.trigger_rule == "all_done"
        assert report.downstream_task_ids == set()
        others = set(reconcile.task_ids) - {"report"}
        assert report.get_flat_relative_ids(upstream=True) == others

    def test_cannot_be_skipped_by_the_branch(self, reconcile: Any) -> None:
        assert "report" not in reconcile.get_task("clear").downstream_task_ids

    def test_comes_after_what_is_to_be_asked_again(self, reconcile: Any) -> None:
        """The branch skips that, and saves a process, only when no lane has work: a lane leads to it."""
        again = reconcile.get_task("follow_up")
        assert again.trigger_rule == "all_done"
        assert again.upstream_task_ids >= {"clear"} | {f"confirm_{lane}" for lane in LANES}
        assert "nothing_to_do" not in again.upstream_task_ids


class TestNames:
    def test_no_mapped_task_takes_a_name_through_a_template(self, reconcile: Any) -> None:
        for task in reconcile.tasks:
            if isinstance(task, MappedOperator) and task.task_id != "watch_lean":
                assert tuple(task.template_fields) == (), task.task_id

    def test_the_one_that_has_templates_is_mapped_over_numbers(self, reconcile: Any) -> None:
        lean = reconcile.get_task("watch_lean")
        assert set(lean.template_fields) == {"inventory", "place"}
        assert list(lean.expand_input.value) == ["position"]

    def test_every_step_and_sensor_is_labelled_by_what_it_was_mapped_over(self, reconcile: Any) -> None:
        labelled = 0
        for task in reconcile.tasks:
            if not isinstance(task, MappedOperator) or task.task_id in ("hand_over", "watch_lean"):
                continue
            found = re.fullmatch(r"\{\{ task\.(\w+)\['name'\]\[:200\] \}\}", task.map_index_template or "")
            assert found, task.task_id
            assert found[1] in task.expand_input.value, task.task_id
            labelled += 1
        assert labelled == 2 * len(LANES) + 2

    @pytest.mark.parametrize(
        ("dag_id", "task_id"), [("detect_outages", "start_reconcile"), ("reconcile", "hand_over")]
    )
    def test_a_dag_run_is_started_once_and_its_conf_is_no_template(
        self, dags: Any, dag_id: str, task_id: str
    ) -> None:
        task = dags[dag_id].get_task(task_id)
        assert tuple(task.template_fields) == ()
        assert task.partial_kwargs["trigger_dag_id"] == "reconcile"
        assert task.partial_kwargs["skip_when_already_exists"] is True
        assert not task.partial_kwargs.get("wait_for_completion")


class TestTheForm:
    def test_a_form_that_nobody_filled_in_is_a_safe_plan_of_the_latest_outage(self, reconcile: Any) -> None:
        params = reconcile.params
        assert (params["mode"], params["outage"], params["confirmed"]) == ("plan", "latest", False)
        optional = tuple(key for key in params if key not in ("mode", "outage", "confirmed"))
        # an empty text would count as a field that is missing, and the form's button stays grey
        assert [params[key] for key in optional] == [None] * len(optional)
        assert all("null" in params.get_param(key).schema["type"] for key in optional)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("from", "yesterday"),
            ("to", "2026-11-19"),
            ("mode", "yolo"),
            ("confirmed", "yes"),
            ("outage", "{{ conn.pro2.password }}"),
            ("mode", "PLAN"),
            ("kinds", ["campaigns"]),
            ("kinds", "campaign"),
            ("leave_alone", [103]),
            ("max_sends", -1),
            ("max_actions", "3"),
        ],
    )
    def test_refuses_what_cannot_be_meant(self, reconcile: Any, field: str, value: object) -> None:
        with pytest.raises(ParamValidationError):
            reconcile.params.get_param(field).resolve(value)

    @pytest.mark.parametrize(
        "value",
        ["", "2026-11-19T18:00", "2026-11-19 18:00:30", "2026-11-24T08:00:00.000Z", "2026-11-19T18:00-06:00"],
    )
    def test_takes_every_time_that_a_browser_or_a_person_writes(self, reconcile: Any, value: str) -> None:
        assert reconcile.params.get_param("from").resolve(value) == value

    def test_asks_what_the_first_task_reads_in_the_same_order(self, reconcile: Any) -> None:
        assert tuple(reconcile.params) == FIELDS

    def test_lets_the_hash_of_a_plan_pass_that_a_dag_run_hands_over(self, reconcile: Any) -> None:
        """It is no field: nobody is to fill it in."""
        given = process_params(
            reconcile, reconcile.get_task("resolve_window"), {"follow_up": "x"}, suppress_exception=False
        )
        assert given["follow_up"] == "x"

    def test_every_field_says_in_words_what_it_is_for(self, reconcile: Any) -> None:
        for key in reconcile.params:
            param = reconcile.params.get_param(key)
            assert param.schema["title"] not in ("", key), key
            assert str(param.description).endswith("."), key

    def test_the_labels_of_the_window_say_whose_clock_counts(self, reconcile: Any) -> None:
        for key in ("from", "to"):
            param = reconcile.params.get_param(key)
            assert param.schema["title"].endswith("(organization's time)")
        assert "jobs.yaml" in reconcile.params.get_param("from").description


class TestTheTimes:
    def test_a_pass_of_detection_is_over_before_the_next_begins(self, dags: Any) -> None:
        detect = dags["detect_outages"]
        assert detect.schedule == "*/5 * * * *"
        assert detect.max_active_runs == 1
        assert detect.dagrun_timeout < timedelta(minutes=5)
        task = detect.get_task("detect")
        assert task.execution_timeout < detect.dagrun_timeout

    def test_the_guard_goes_before_everything_else_and_never_twice_at_once(self, dags: Any) -> None:
        guard = dags["guard_repairs"]
        assert guard.schedule == "* * * * *"
        assert guard.max_active_runs == 1
        assert guard.dagrun_timeout < timedelta(minutes=10), (
            "a heartbeat older than ten minutes stops every send"
        )
        others = [task for dag_id in ("detect_outages", "reconcile") for task in dags[dag_id].tasks]
        weights = [task.priority_weight for task in others]
        assert guard.get_task("guard").priority_weight > max(weights)
        assert guard.get_task("guard").retries == 0

    def test_several_windows_may_be_reconciled_at_once(self, reconcile: Any) -> None:
        assert reconcile.max_active_runs == 4
        assert reconcile.catchup is False

    def test_unpausing_reconciles_no_night_that_is_over(self, reconcile: Any) -> None:
        """What the schedule then does is a fact of its own, see test_facts.py."""
        assert isinstance(reconcile.timetable, CronTriggerTimetable)
        assert reconcile.timetable.run_immediately is False
        assert (reconcile.timetable.expression, str(reconcile.timetable.timezone)) == nightly()
        assert reconcile.start_date is None


class TestRetries:
    """A failed task is tried again by the table of ``pro2/retrying.py``, mapped or not."""

    def test_every_task_of_every_dag_has_the_policy(self, dags: Any) -> None:
        for dag in dags.values():
            for task in dag.tasks:
                assert task.retry_policy is RETRY_POLICY, f"{dag.dag_id}.{task.task_id}"

    def test_a_mapped_task_keeps_it_when_it_is_executed(self, reconcile: Any) -> None:
        mapped = [task for task in reconcile.tasks if isinstance(task, MappedOperator)]
        assert {"send_campaign", "confirm_send_campaign", "watch_campaign"} <= {t.task_id for t in mapped}
        for task in mapped:
            if task.task_id in (*LANES, *(f"confirm_{lane}" for lane in LANES), *WATCHES):
                given = {"item" if task.task_id in WATCHES else "step": {}}
                assert task.unmap(given).retry_policy is RETRY_POLICY

    def test_the_scheduler_is_told_only_that_there_is_one(self, reconcile: Any) -> None:
        """The policy itself, with its exceptions, never leaves the file: a worker parses it there."""
        from airflow.serialization.serialized_objects import DagSerialization

        text = json.dumps(DagSerialization.to_dict(reconcile))
        assert '"has_retry_policy": true' in text
        assert "pro2.retrying" not in text

    @pytest.mark.parametrize(("dag_id", "tries"), [("detect_outages", 1), ("reconcile", 2)])
    def test_no_task_is_so_small_that_a_worker_may_not_die_in_it(
        self, dags: Any, dag_id: str, tries: int
    ) -> None:
        """The question and the branch too: without a further try the whole dag run would end there."""
        started = {task for task in dags[dag_id].tasks if task.task_id != "nothing_to_do"}
        assert {task.task_id for task in started if task.retries < tries} == set()


@pytest.fixture(scope="module")
def serialized(reconcile: Any) -> Any:
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(reconcile))


class TestTheLinks:
    """Airflow shows what its serialized DAG names, also beside mapped tasks; the text of each is pushed by the task."""

    @pytest.mark.parametrize(
        ("task_id", "names"),
        [
            ("watch_campaign", {"Campaign in Pro2", "Outages: this item"}),
            ("watch_occurrence", {"Job in the dashboard", "Outages: this item"}),
            *(
                (lane, {"Campaign in Pro2" if lane.endswith("_campaign") else "Job in the dashboard"})
                for lane in LANES
            ),
            *((f"confirm_{lane}", {"Campaign in Pro2", "Job in the dashboard"}) for lane in LANES),
            ("report", {"Report", "Outages: this dag run"}),
        ],
    )
    def test_of_every_task_of_an_item_and_of_the_report_survive_serialization(
        self, serialized: Any, task_id: str, names: set[str]
    ) -> None:
        task = serialized.get_task(task_id)
        assert names | ({"Outages: this item"} if task_id != "report" else set()) == set(task.extra_links)
        keys = [link.xcom_key for link in task.operator_extra_links]
        assert len(keys) == len(set(keys))


def test_the_report_follows_what_it_reads_and_has_nothing_to_render(reconcile: Any) -> None:
    task = reconcile.get_task("report")
    assert task.upstream_task_ids >= {task.window_task_id, task.plan_task_id}
    assert task.template_fields == ()
