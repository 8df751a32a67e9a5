"""A dag run that goes on where another ended, and that dies before it has a plan, takes nothing with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from tests.incident.harness import Evening, approve_none
from tests.incident.one_campaign import RESEND, OneCampaign, open_keys, row

from pro2 import detection
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.overview.digest import digest
from pro2_reconciliation.repair.follow_ups import beginnings, follow_ups
from pro2_reconciliation.repair.handover import HandOver
from pro2_reconciliation.repair.report import End

OPENING = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
"""20:00 in Chicago; the plan is made at 18:45, and the campaign may be sent until 04:05."""
FIVE = timedelta(minutes=5)


class Airflow:
    """Dag runs by their ids, as detection sees them. What is started waits until a test says what becomes of it."""

    def __init__(self, evening: Evening) -> None:
        self.evening = evening
        self.states: dict[str, str] = {}

    def hand_over(self, more: HandOver) -> None:
        """As the task ``follow_up`` notes it, and ``hand_over`` starts it."""
        self.evening.ledger().save_follow_up(more.notes, more.keys)
        self.states[more.run_id] = "queued"

    def detect(self) -> list[dict[str, Any]]:
        """One pass; returns what it started. A second start of the same dag run is skipped."""
        count: Callable[..., int] = lambda dag_id, run_ids, states=None: sum(  # noqa: E731
            run_id in self.states and (states is None or self.states[run_id] in states) for run_id in run_ids
        )
        with mock.patch.multiple(
            detection,
            open_site=lambda: self.evening.site,
            open_ledger=lambda **_: self.evening.ledger(),
            datetime=SimpleNamespace(now=lambda zone: self.evening.clock.now().astimezone(zone)),
            tell=lambda *_, **__: None,
            _sources=lambda *_: [],
            _snapshot=lambda _: None,
        ):
            named = detection.detect({"ti": SimpleNamespace(get_dr_count=count)})
        started = [one for one in named if one["trigger_run_id"] not in self.states]
        self.states |= {one["trigger_run_id"]: "running" for one in started}
        return started

    def failing(self, until: datetime) -> list[tuple[int, str]]:
        """Whatever is started fails before the next pass: (minutes from the first pass, end of its id) of each."""
        begun, found = self.evening.clock.at, []
        while self.evening.clock.at < until:
            minutes = int((self.evening.clock.at - begun).total_seconds() // 60)
            for one in self.detect():
                self.states[one["trigger_run_id"]] = "failed"
                found.append((minutes, one["trigger_run_id"].partition("__")[2][16:]))
            self.evening.clock.at += FIVE
        return found


@pytest.fixture
def evening(tmp_path: Path) -> OneCampaign:
    return OneCampaign(tmp_path, sending_hours=("20:00", "21:30"))


@pytest.fixture
def airflow(evening: OneCampaign) -> Airflow:
    return Airflow(evening)


@pytest.fixture
def waiting(evening: OneCampaign, airflow: Airflow) -> tuple[Plan, HandOver]:
    """A resend that a person chose: its original is stopped and copied, and the send waits for the hours."""
    plan, report = evening.reconcile(answer=lambda _: {RESEND: Choice.RESEND})
    (more,) = evening.goes_on(plan, report)
    airflow.hand_over(more)
    return plan, more


def sent(evening: Evening) -> list[str]:
    return [e["kind"] for e in evening.effects() if e["kind"] == "campaign_sent"]


def ask_nobody(plan: Plan) -> dict[str, Choice]:
    raise AssertionError(f"a person was asked about {[d.key for d in plan.decisions if d.asks]}")


def alarms(evening: Evening) -> list[str]:
    return [str(alarm.body["text"]) for alarm in evening.ledger().alarms("playhouse")]


class TestWhatWaitsForTheSendingHours:
    def test_is_begun_anew_and_goes_in_them_once_when_its_dag_run_failed_before_it_had_a_plan(
        self, evening: OneCampaign, airflow: Airflow, waiting: tuple[Plan, HandOver]
    ) -> None:
        plan, more = waiting
        evening.clock.at = OPENING + FIVE
        airflow.states[more.run_id] = "failed"

        (again,) = airflow.detect()
        assert again == {
            "trigger_run_id": f"hours__{plan.hash}__2",
            "conf": {"follow_up": plan.hash, "mode": "ask"},
        }
        next_one = more.model_copy(update={"run_id": again["trigger_run_id"], "after": None})
        _, report = evening.follow(next_one, plan, answer=ask_nobody)

        assert row(report).outcome is End.VERIFIED
        assert sent(evening) == ["campaign_sent"]
        assert evening.truth()["mailed_twice"] == []
        airflow.states[again["trigger_run_id"]] = "success"
        assert airflow.detect() == []
        assert open_keys(evening) == set()

    def test_is_left_to_its_dag_run_while_that_waits_or_runs(
        self, evening: OneCampaign, airflow: Airflow, waiting: tuple[Plan, HandOver]
    ) -> None:
        assert airflow.detect() == []
        evening.clock.at = OPENING + timedelta(minutes=30)
        airflow.states[waiting[1].run_id] = "running"
        assert airflow.detect() == []
        assert alarms(evening) == []

    def test_is_started_for_the_opening_where_the_task_that_hands_over_died(
        self, airflow: Airflow, waiting: tuple[Plan, HandOver]
    ) -> None:
        del airflow.states[waiting[1].run_id]
        (started,) = airflow.detect()
        assert started["trigger_run_id"] == waiting[1].run_id
        assert started["run_after"] == OPENING.isoformat()

    def test_is_tried_again_after_pauses_that_grow_and_never_twice_at_once(
        self, evening: OneCampaign, airflow: Airflow, waiting: tuple[Plan, HandOver]
    ) -> None:
        evening.clock.at = OPENING + FIVE
        airflow.states[waiting[1].run_id] = "failed"
        tried = airflow.failing(OPENING + timedelta(minutes=85))
        assert tried == [(0, "__2"), (15, "__3"), (45, "__4")]

    def test_that_it_is_tried_again_is_told_once_with_what_is_at_stake_and_until_when(
        self, evening: OneCampaign, airflow: Airflow, waiting: tuple[Plan, HandOver]
    ) -> None:
        evening.clock.at = OPENING + FIVE
        airflow.states[waiting[1].run_id] = "failed"
        airflow.failing(OPENING + timedelta(minutes=85))
        (said,) = alarms(evening)
        assert said.startswith(
            f"Dag run {waiting[1].run_id}, which goes on with «Opening night invitation» (campaign:103), ended without "
            "a plan. Others follow by themselves, at growing pauses until Fri 20 Nov 04:05 CST, when it is too late."
        )

    def test_that_it_came_too_late_is_told_once_and_stays_open_for_a_person(
        self, evening: OneCampaign, airflow: Airflow, waiting: tuple[Plan, HandOver]
    ) -> None:
        airflow.states[waiting[1].run_id] = "failed"
        evening.clock.at = evening.offset(timedelta(hours=10)) + FIVE
        assert airflow.detect() == []
        assert airflow.detect() == []

        (said,) = alarms(evening)
        assert said.startswith(
            "«Opening night invitation» (campaign:103): in process chose «resend» Thu 19 Nov 18:45"
        )
        assert "by Fri 20 Nov 04:05 CST; now it is too late. The original was stopped, its copy " in said
        assert 'then say: python -m pro2_reconciliation close campaign:103 --why "..."' in said
        assert open_keys(evening) == {RESEND}
        made = digest(evening.site, evening.ledger(), evening.clock.at, since=OPENING)
        assert "now it is too late" in made.text
        assert "1 alarm, 1 item is open" in made.subject
        assert sent(evening) == []

    def test_is_not_begun_anew_where_its_dag_run_had_its_plan_and_ended_while_the_pass_looked(
        self, evening: OneCampaign, airflow: Airflow, waiting: tuple[Plan, HandOver]
    ) -> None:
        plan, more = waiting
        left = follow_ups(evening.ledger(), "playhouse", evening.clock.at, lambda _: False)
        evening.follow(more, plan, answer=ask_nobody)
        assert beginnings(evening.ledger(), evening.site, left, evening.clock.at, lambda _: True) == []

    def test_is_not_begun_anew_once_somebody_has_answered_about_it_in_another_dag_run(
        self, evening: OneCampaign, airflow: Airflow, waiting: tuple[Plan, HandOver]
    ) -> None:
        airflow.states[waiting[1].run_id] = "failed"
        evening.clock.at = OPENING - timedelta(minutes=30)
        evening.reconcile(dag_run="manual__1", answer=approve_none)
        evening.clock.at = OPENING + FIVE
        assert airflow.detect() == []

    @pytest.mark.parametrize("how", ["hold", "close"])
    def test_is_not_begun_anew_once_a_person_has_taken_it_over(
        self, evening: OneCampaign, airflow: Airflow, waiting: tuple[Plan, HandOver], how: str
    ) -> None:
        airflow.states[waiting[1].run_id] = "failed"
        evening.clock.at = OPENING + FIVE
        if how == "hold":
            evening.ledger().hold("playhouse", RESEND, "kim", "I call the vendor")
        else:
            evening.ledger().close_item("playhouse", RESEND, "kim", "sent by hand")
        assert airflow.detect() == []
        evening.clock.at = evening.offset(timedelta(hours=10)) + FIVE
        assert airflow.detect() == []
        assert alarms(evening) == []

    def test_is_not_begun_by_a_pass_that_the_kill_switch_stops_but_told_when_it_is_too_late(
        self, evening: OneCampaign, airflow: Airflow, waiting: tuple[Plan, HandOver]
    ) -> None:
        evening.ledger().set_switch("playhouse", Stage.SCHEDULES, "kim", "a moment")
        airflow.states[waiting[1].run_id] = "failed"
        evening.clock.at = OPENING + FIVE
        assert airflow.detect() == []
        assert alarms(evening) == []
        evening.clock.at = evening.offset(timedelta(hours=10)) + FIVE
        assert airflow.detect() == []
        assert len(alarms(evening)) == 1


class TestADagRunThatWasCutOff:
    """It had its plan, and died before it could note what it left: its ledger was away, or its workers were."""

    def answered_and_died(self, evening: OneCampaign) -> Plan:
        def die(plan: Plan) -> dict[str, Choice]:
            evening.ledger().save_answers(plan.hash, {RESEND: Choice.RESEND}, "Ada")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            evening.reconcile(answer=die)
        (plan,) = evening.ledger().plans("playhouse")
        return plan

    def test_with_an_answer_that_nobody_carried_out_is_asked_about_again(
        self, evening: OneCampaign, airflow: Airflow
    ) -> None:
        plan = self.answered_and_died(evening)
        airflow.states["run-1"] = "running"
        assert airflow.detect() == []
        airflow.states["run-1"] = "failed"
        (again,) = airflow.detect()
        assert again["trigger_run_id"] == f"ask__{plan.hash}"
        assert evening.ledger().follow_up(plan.hash) == [RESEND]

    def test_in_the_sending_hours_with_what_had_waited_for_them_is_asked_about_again(
        self,
        evening: OneCampaign,
        airflow: Airflow,
        waiting: tuple[Plan, HandOver],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        plan, more = waiting
        monkeypatch.setattr(
            "pro2_reconciliation.repair.reconcile.carry", mock.Mock(side_effect=KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            evening.follow(more, plan)
        airflow.states[more.run_id] = "failed"
        second = next(one for one in evening.ledger().plans("playhouse") if one.run == more.run_id)
        assert [one["trigger_run_id"] for one in airflow.detect()] == [f"ask__{second.hash}"]

    def test_after_everything_was_carried_out_is_not_asked_about_again(
        self, evening: OneCampaign, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pro2_reconciliation.repair.reconcile.noting.reported", lambda *_: None)
        evening.reconcile(answer=lambda _: {RESEND: Choice.RESEND_NOW})
        airflow.states["run-1"] = "failed"
        assert airflow.detect() == []


class TestAnotherQuestion:
    def held_up(self, evening: OneCampaign) -> tuple[Plan, HandOver]:
        """A person chose, and the kill switch held it up."""

        def switched(plan: Plan) -> dict[str, Choice]:
            evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "kim", "a moment")
            return {RESEND: Choice.RESEND}

        plan, report = evening.reconcile(answer=switched)
        evening.ledger().set_switch("playhouse", Stage.OFF, "kim", "go on")
        (more,) = evening.goes_on(plan, report)
        return plan, more

    def test_about_what_was_answered_and_held_up_is_begun_anew_too(
        self, evening: OneCampaign, airflow: Airflow
    ) -> None:
        plan, more = self.held_up(evening)
        airflow.hand_over(more)
        assert airflow.detect() == []
        airflow.states[more.run_id] = "failed"
        (again,) = airflow.detect()
        assert again["trigger_run_id"] == f"ask__{plan.hash}__2"

    def test_that_was_marked_as_successful_before_it_had_a_plan_is_begun_anew_as_well(
        self, evening: OneCampaign, airflow: Airflow
    ) -> None:
        _, more = self.held_up(evening)
        airflow.hand_over(more)
        airflow.states[more.run_id] = "success"
        assert [one["trigger_run_id"] for one in airflow.detect()] == [f"{more.run_id}__2"]

    def test_that_did_not_come_in_time_is_told(self, evening: OneCampaign, airflow: Airflow) -> None:
        _, more = self.held_up(evening)
        airflow.hand_over(more)
        evening.clock.at = evening.offset(timedelta(hours=10)) + FIVE
        assert airflow.detect() == []
        (said,) = alarms(evening)
        assert (
            f"no dag run ({more.run_id}) asked about it again by Fri 20 Nov 04:05 CST; now it is too late"
            in said
        )
