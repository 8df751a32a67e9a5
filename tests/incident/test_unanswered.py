"""Nothing that nobody answered disappears: it is reminded of, stays open, and is asked again while it may be sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.incident.harness import approve_all, approve_none
from tests.incident.one_campaign import RESEND, OneCampaign, open_keys, row

from pro2_reconciliation.desk.status import status_of
from pro2_reconciliation.domain.plan import ANSWER_WITHIN, Plan
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.repair.follow_ups import OWN_FOLLOW_UP, FollowUp, follow_ups
from pro2_reconciliation.repair.questions import unanswered
from pro2_reconciliation.repair.report import End

KEEP = Choice.KEEP_WATCHING


@pytest.fixture
def evening(tmp_path: Path) -> OneCampaign:
    return OneCampaign(tmp_path)


def left(evening: OneCampaign, now: datetime) -> list[FollowUp]:
    return follow_ups(evening.ledger(), "playhouse", now, lambda run_id: None)


class TestAQuestionThatWaits:
    def test_is_listed_with_dag_run_items_earliest_send_by_and_end(self, evening: OneCampaign) -> None:
        seen: list[Any] = []

        def look(plan: Plan) -> dict[str, Choice]:
            seen.extend(unanswered(evening.ledger(), evening.clock.now()))
            return approve_none(plan)

        plan, _ = evening.reconcile(answer=look)

        (waits,) = seen
        (item,) = waits.items
        assert (waits.plan_hash, waits.dag_run, waits.organization) == (plan.hash, "run-1", "playhouse")
        assert (item.key, item.name) == (RESEND, "Opening night invitation")
        assert waits.send_by == item.send_by == evening.offset(timedelta(hours=10))
        assert waits.until == plan.created_at + ANSWER_WITHIN

    def test_is_named_by_the_status_with_its_end_and_where_it_is_answered(self, evening: OneCampaign) -> None:
        evening.reconcile(answer=lambda _: {})
        told = status_of(evening.ledger(), evening.site)
        assert (
            "Waits for an answer until Fri 20 Nov 06:45 CST: 1 item, dag run run-1; the first must not be sent after "
            "Fri 20 Nov 04:05 CST. Answer in Airflow: Outages, Browse → Required Actions, or "
            "/dags/reconcile/runs/run-1/tasks/ask/required_actions\n"
        ) in told

    def test_is_named_without_a_time_that_has_passed(self, evening: OneCampaign) -> None:
        plan, _ = evening.reconcile(answer=lambda _: {})
        evening.clock.at = plan.created_at + ANSWER_WITHIN - timedelta(minutes=1)
        told = status_of(evening.ledger(), evening.site)
        assert (
            "Waits for an answer until Fri 20 Nov 06:45 CST: 1 item, dag run run-1. Answer in Airflow" in told
        )

    def test_is_not_named_once_it_was_answered(self, evening: OneCampaign) -> None:
        evening.reconcile(answer=approve_none)
        assert "Waits for an answer" not in status_of(evening.ledger(), evening.site)

    def test_is_not_listed_once_it_was_answered(self, evening: OneCampaign) -> None:
        evening.reconcile(answer=approve_none)
        assert unanswered(evening.ledger(), evening.clock.now()) == []

    def test_is_not_listed_once_it_has_ended(self, evening: OneCampaign) -> None:
        evening.reconcile(answer=evening.wait)
        assert unanswered(evening.ledger(), evening.clock.now()) == []

    def test_is_not_listed_for_what_was_begun_in_another_dag_run(self, evening: OneCampaign) -> None:
        evening.reconcile(answer=lambda _: {}, dag_run="first")
        assert len(unanswered(evening.ledger(), evening.clock.now())) == 1
        evening.reconcile(answer=approve_all, dag_run="second")
        assert unanswered(evening.ledger(), evening.clock.now()) == []

    def test_is_not_listed_once_another_plan_has_taken_it_up(self, evening: OneCampaign) -> None:
        """Its task died, and its dag run started the next question."""
        first, _ = evening.reconcile(answer=lambda _: {}, dag_run="first")
        second, _ = evening.reconcile(answer=lambda _: {}, dag_run="second", parent=first.hash)
        assert [one.plan_hash for one in unanswered(evening.ledger(), evening.clock.now())] == [second.hash]

    def test_is_not_listed_once_the_ledger_was_adopted_anew(self, tmp_path: Path) -> None:
        """An answer to a plan of before chooses nothing; when the question has ended, it is asked again."""
        evening = OneCampaign(tmp_path, send_by_hours=48)
        plan, _ = evening.reconcile(answer=lambda _: {})
        evening.ledger().adopt("Ada", "restored the backup of 3:00")
        assert unanswered(evening.ledger(), evening.clock.now()) == []
        assert plan.asked_until is not None
        (again,) = left(evening, plan.asked_until + OWN_FOLLOW_UP)
        assert [one.key for one in again.wanted] == [RESEND]

    def test_mode_plan_asks_nothing(self, evening: OneCampaign) -> None:
        evening.reconcile(Mode.PLAN)
        assert unanswered(evening.ledger(), evening.clock.now()) == []


class TestAQuestionThatNobodyAnswered:
    def test_ends_in_words_and_its_item_stays_open(self, tmp_path: Path) -> None:
        evening = OneCampaign(tmp_path, send_by_hours=48)
        plan, report = evening.reconcile(answer=evening.wait)
        assert row(report).outcome is End.NOT_CHOSEN
        assert row(report).detail == (
            "nobody answered until Fri 20 Nov 06:45 CST, so nothing was chosen; it stays open and is asked again"
        )
        assert row(report).answered_by == ""
        assert open_keys(evening) == {RESEND}
        assert evening.effects() == []
        assert evening.ledger().answers(plan.hash) == {}

    def test_is_asked_again_by_its_own_dag_run_and_can_be_answered_then(self, tmp_path: Path) -> None:
        evening = OneCampaign(tmp_path, send_by_hours=48, sending_hours=("00:00", "24:00"))
        first, report = evening.reconcile(answer=evening.wait)
        (more,) = evening.goes_on(first, report)
        assert (more.run_id, more.keys, more.after) == (f"ask__{first.hash}", (RESEND,), None)

        _, report = evening.follow(more, first)

        assert row(report).outcome is End.VERIFIED
        assert open_keys(evening) == set()
        assert evening.truth()["missing"] == []

    def test_says_so_and_is_not_asked_again_when_its_send_by_has_passed(self, evening: OneCampaign) -> None:
        plan, report = evening.reconcile(answer=evening.wait)  # may be sent until 04:05, and it is 06:45
        assert "since Fri 20 Nov 04:05 CST it is too late to send it" in row(report).detail
        assert evening.goes_on(plan, report) == []
        assert left(evening, evening.clock.now() + timedelta(days=1)) == []
        assert open_keys(evening) == {RESEND}

        _, nightly = evening.reconcile(Mode.PLAN, dag_run="scheduled__1")
        assert row(nightly).rule == "C12"
        assert "too late to send after Fri 20 Nov 04:05 CST" in row(nightly).reason

    def test_is_asked_again_and_again_while_it_may_be_sent_however_often(self, tmp_path: Path) -> None:
        evening = OneCampaign(tmp_path, send_by_hours=60)
        plan, report = evening.reconcile(answer=evening.wait)
        asked = 1
        while more := evening.goes_on(plan, report):
            plan, report = evening.follow(more[0], plan, answer=evening.wait)
            asked += 1
        assert asked == 5  # 62 hours since it was due are five questions of twelve hours
        assert "too late to send it: it stays open for a person" in row(report).detail
        assert open_keys(evening) == {RESEND}


class TestAQuestionWhoseDagRunDied:
    """Airflow lost the task, or ``ask`` failed falsely: detection finds it in the ledger."""

    def died(self, tmp_path: Path) -> tuple[OneCampaign, Plan]:
        evening = OneCampaign(tmp_path, send_by_hours=100)

        def die(plan: Plan) -> dict[str, Choice]:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            evening.reconcile(answer=die)
        (plan,) = evening.ledger().plans("playhouse")
        return evening, plan

    def test_is_asked_again_half_an_hour_after_it_ended(self, tmp_path: Path) -> None:
        evening, plan = self.died(tmp_path)
        assert plan.asked_until is not None
        ended = plan.asked_until
        assert left(evening, ended + timedelta(minutes=29)) == []
        (found,) = left(evening, ended + timedelta(minutes=30))
        assert (found.first, [d.key for d in found.wanted]) == (f"ask__{plan.hash}", [RESEND])

    def test_is_asked_by_one_dag_run_until_a_plan_takes_it_up(self, tmp_path: Path) -> None:
        evening, plan = self.died(tmp_path)
        assert plan.asked_until is not None
        own = f"ask__{plan.hash}"
        for hours in (1, 11, 13, 25):
            assert [one.first for one in left(evening, plan.asked_until + timedelta(hours=hours))] == [own]
        evening.clock.at = plan.asked_until + timedelta(hours=1)
        evening.reconcile(Mode.ASK, dag_run=own, only=(RESEND,), parent=plan.hash, answer=approve_none)
        assert left(evening, plan.asked_until + timedelta(hours=25)) == []

    def test_is_not_asked_again_for_another_organization(self, tmp_path: Path) -> None:
        evening, plan = self.died(tmp_path)
        assert plan.asked_until is not None
        later = plan.asked_until + timedelta(hours=1)
        assert follow_ups(evening.ledger(), "opera", later, lambda run_id: None) == []


class TestKeepWatching:
    def test_is_looked_at_again_by_the_next_dag_run_which_says_until_when(self, evening: OneCampaign) -> None:
        plan, report = evening.reconcile(answer=lambda plan: {RESEND: KEEP})
        assert row(report).outcome is End.OPEN
        assert row(report).detail == (
            "in process chose «keep watching»; the next dag run watches it until about Thu 19 Nov 19:15 CST and asks "
            "again, if it is still pending then; after Fri 20 Nov 04:05 CST it is too late to send"
        )
        assert open_keys(evening) == {RESEND}
        (more,) = evening.goes_on(plan, report)
        assert more.run_id == f"ask__{plan.hash}"

        second, report = evening.follow(more, plan)

        assert second.created_at - plan.created_at >= timedelta(minutes=30)
        assert row(report).outcome is End.VERIFIED

    def test_can_be_chosen_as_often_as_it_makes_sense(self, evening: OneCampaign) -> None:
        plan, report = evening.reconcile(answer=lambda plan: {RESEND: KEEP})
        for _ in range(4):
            (more,) = evening.goes_on(plan, report)
            plan, report = evening.follow(more, plan, answer=lambda plan: {RESEND: KEEP})
        assert evening.goes_on(plan, report) != []


class TestLeaveToMe:
    def test_stays_open_with_the_name_and_is_not_asked_again(self, evening: OneCampaign) -> None:
        plan, report = evening.reconcile(answer=approve_none)
        assert row(report).outcome is End.NOT_CHOSEN
        assert row(report).detail == "in process chose «leave to me»; it stays open for a person"
        assert row(report).answered_by == "in process: «leave to me», Thu 19 Nov 18:45 CST"
        assert evening.goes_on(plan, report) == []
        assert open_keys(evening) == {RESEND}


class TestTheSecondAnswer:
    def test_of_another_dag_run_joins_the_first_and_the_report_names_who_and_when(
        self, evening: OneCampaign
    ) -> None:
        def also(plan: Plan) -> dict[str, Choice]:
            """While the second question waits, somebody answers the first."""
            if not every_action(evening.ledger()):
                evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "kim", "slowly")
                evening.reconcile(answer=approve_all, dag_run="first")
                evening.ledger().set_switch("playhouse", Stage.OFF, "kim", "go on")
            return approve_all(plan)

        _, report = evening.reconcile(answer=also, dag_run="second")

        assert row(report).outcome is End.VERIFIED
        assert "in process chose «resend» first, Thu 19 Nov 19:" in row(report).answered_by
        assert row(report).answered_by.endswith("in dag run first")
        kinds = [effect["kind"] for effect in evening.effects()]
        assert (kinds.count("campaign_copied"), kinds.count("campaign_sent")) == (1, 1)
        assert evening.truth()["mailed_twice"] == []

    def test_that_wants_something_else_is_told_whose_stands(self, evening: OneCampaign) -> None:
        ledger = evening.ledger()

        def hold_back(plan: Plan) -> dict[str, Choice]:
            ledger.set_switch("playhouse", Stage.EVERYTHING, "kim", "slowly")
            evening.reconcile(answer=approve_all, dag_run="first")
            return {RESEND: Choice.HOLD_BACK}

        _, report = evening.reconcile(answer=hold_back, dag_run="second")

        assert row(report).outcome is End.NOT_NOW
        assert row(report).detail.startswith(
            "another action on it is under way: in process chose «resend» first, Thu 19 Nov "
        )
        assert evening.effects() == []
