"""Facts about Airflow 3.3.2 that the design leans on: when one of these fails, read the ADR before the code.

Only what can be seen without a running Airflow; the system tests see the rest.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from airflow.models.hitl import HITLDetail
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.sdk.configuration import conf
from airflow.timetables.base import TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable
from airflow.triggers.base import BaseEventTrigger, BaseTrigger, TaskFailedEvent, TaskSuccessEvent

SECRET = "{{ conn.pro2.password }}"


class TestTemplates:
    def test_what_comes_by_expand_kwargs_into_a_template_field_is_rendered(self) -> None:
        """So a campaign's name never comes that way (ADR 3)."""
        with DAG("fact", schedule=None):
            mapped = BashOperator.partial(task_id="mapped").expand_kwargs([{"bash_command": "{{ 40 + 2 }}"}])
        assert rendered(mapped).bash_command == "42"

    def test_an_operator_without_template_fields_gets_its_value_as_it_stands(self) -> None:
        class Plain(BashOperator):
            template_fields = ()

        with DAG("fact", schedule=None):
            mapped = Plain.partial(task_id="mapped").expand_kwargs([{"bash_command": SECRET}])
        assert rendered(mapped).bash_command == SECRET

    def test_airflow_would_render_a_conf_and_a_question(self) -> None:
        """Our subclasses have no template fields because theirs are these."""
        assert "conf" in TriggerDagRunOperator.template_fields
        assert {"subject", "body"} <= set(HITLOperator.template_fields)


def rendered(mapped: Any) -> Any:
    """The first mapped task as it would be executed."""
    ti = SimpleNamespace(map_index=0, task=mapped, is_mapped=True)
    dag_run = SimpleNamespace(conf={})
    context: dict[str, Any] = {"ti": ti, "task": mapped, "dag": mapped.dag, "dag_run": dag_run}
    mapped.render_template_fields(context)
    return context["ti"].task


class TestTriggers:
    def test_one_that_ends_its_task_hands_over_its_observation_and_nothing_is_resumed(self) -> None:
        event = TaskSuccessEvent(xcoms={"return_value": {"state": "sent"}})
        assert json.loads(event.model_dump_json())["xcoms"] == {"return_value": {"state": "sent"}}
        assert (event.task_instance_state, TaskFailedEvent().task_instance_state) == ("success", "failed")

    def test_several_can_share_one_stream(self) -> None:
        for name in ("shared_stream_key", "open_shared_stream", "filter_shared_stream"):
            assert hasattr(BaseEventTrigger, name)
            assert not hasattr(BaseTrigger, name)

    def test_sharing_is_off_unless_a_key_says_otherwise(self) -> None:
        class Alone(BaseEventTrigger):
            def serialize(self) -> tuple[str, dict[str, Any]]:
                return ("x", {})

            async def run(self) -> Any:
                yield

        assert Alone().shared_stream_key() is None


class TestQuestions:
    def test_a_timeout_is_told_apart_from_an_answer(self) -> None:
        detail = HITLDetail()
        detail.chosen_options, detail.params_input = ["Do nothing"], {"campaign:103": "leave to me"}
        event = detail.as_resume_event_payload(timedout=True)
        assert event["timedout"] is True
        assert event["responded_by_user"] is None
        assert set(event) == {
            "chosen_options",
            "params_input",
            "responded_at",
            "responded_by_user",
            "timedout",
        }

    def test_a_question_without_options_is_refused(self) -> None:
        with pytest.raises(ValueError, match="cannot be empty"):
            HITLOperator(task_id="ask", subject="-", options=[])

    def test_defaults_must_be_options(self) -> None:
        with pytest.raises(ValueError, match="subset of options"):
            HITLOperator(task_id="ask", subject="-", options=["Go"], defaults=["Do nothing"])


class TestDagRuns:
    def test_the_text_of_a_run_type_is_not_its_value(self) -> None:
        """In a task; so who asks whether a dag run was scheduled compares the value."""
        assert DagRunType.SCHEDULED.value == "scheduled"
        assert str(DagRunType.SCHEDULED) != "scheduled"

    def test_a_cron_text_gives_no_interval_to_lean_on(self) -> None:
        """So the nightly reads from a watermark of our own."""
        assert conf.getboolean("scheduler", "create_cron_data_intervals") is False

    def test_without_a_start_date_the_first_dag_run_is_the_next_one(self) -> None:
        """So unpausing does not at once reconcile the night before."""
        nightly = CronTriggerTimetable("0 5 * * *", timezone="UTC", run_immediately=False)
        never_ran = TimeRestriction(earliest=None, latest=None, catchup=False)
        with time_machine.travel(datetime(2026, 11, 20, 9, 0, tzinfo=UTC), tick=False):
            first = nightly.next_dagrun_info(last_automated_data_interval=None, restriction=never_ran)
        assert first is not None
        assert first.run_after == datetime(2026, 11, 21, 5, 0, tzinfo=UTC)

    def test_more_items_than_the_inventory_lets_pass_would_fail_its_source(self) -> None:
        from pro2_reconciliation.domain.policy import Policy

        assert Policy().max_sensors < conf.getint("core", "max_map_length")


class TestForms:
    def test_a_date_time_format_lets_yesterday_pass(self) -> None:
        """So the form has a pattern, and the first task parses again."""
        assert Param("", type="string", format="date-time").resolve("yesterday") == "yesterday"
