"""Every item of an outage once, as it stands now: what the report says of it, until something moved since."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.incident.harness import approve_all
from tests.incident.overview.looking import OUTAGE, RUN, Looking, wakes_after
from tests.incident.player import Played, Player

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, ItemKind, Mode
from pro2_reconciliation.ledger import RunStage, Stage
from pro2_reconciliation.overview import commands
from pro2_reconciliation.overview.items import items_of_outage
from pro2_reconciliation.overview.picture import belongs
from pro2_reconciliation.overview.views import ItemView
from pro2_reconciliation.repair.report import Row

ITEM = "campaign:103"
SEND = "'status': '1'"
HALF_A_DAY = timedelta(hours=12)


class TestWhateverHappened:
    """The property: each item of the outage's plans exactly once, and the outcome of its report."""

    @pytest.mark.parametrize(
        "incident",
        [
            "evening-outage",
            "flapping",
            "half-synced",
            "export-and-manual",
            "people-everywhere",
            "copy-hit-again",
        ],
    )
    def test_each_item_is_shown_once_as_its_report_says(self, tmp_path: Path, incident: str) -> None:
        player = Player(tmp_path, incident)
        for played in player.play():
            assert shown(player, played), "nothing was shown"
            compare(player, played)
            forget_reports(played)
            compare(player, played)  # what needs no account is the same without the report


def shown(player: Player, played: Played) -> dict[str, tuple[ItemView, ...]]:
    site, ledger = played.house.site, played.house.kept
    return {one.id: items_of_outage(site, ledger, one.id, player.clock.now()) for one in played.outages}


def compare(player: Player, played: Played) -> None:
    reported: dict[tuple[str, str], Row] = {
        (run.run_id, row.key): row for run in played.runs for row in run.report.rows
    }
    runs = played.house.kept.runs(played.house.site.organization)
    plans = {run.run_id: run.plan for run in played.runs}
    for outage in played.outages:
        about = [run.id for run in runs if belongs(run, outage)]
        keys = {decision.key for run_id in about for decision in plans[run_id].decisions}
        items = shown(player, played)[outage.id]
        assert {item.key for item in items} == keys
        assert len(items) == len(keys)
        for item in items:
            row = reported[(item.dag_run, item.key)]
            assert (item.outcome, item.rule) == (row.outcome.value, row.rule), item.key
            assert item.decision == row.decision
            assert item.copy_id == row.copy_id


def forget_reports(played: Played) -> None:
    with played.house.kept._engine.begin() as connection:
        connection.execute(text("UPDATE plan_item SET outcome = '', row = NULL"))


class TestBeforeThereIsAPlan:
    def test_what_is_not_settled_is_watched_and_the_rest_was_seen(self, looking: Looking) -> None:
        seen = {}
        pass_time = looking.evening.clock.sleep

        def looked(seconds: float) -> None:
            seen.update(looking.items())
            pass_time(seconds)

        looking.evening.clock.sleep = looked  # type: ignore[method-assign]
        looking.reconcile(Mode.PLAN)

        assert (seen[ITEM].outcome, seen[ITEM].observation) == ("watching", "pending")
        assert seen[ITEM].detail.startswith("until Thu 19 Nov")
        assert seen[ITEM].log is not None
        assert (seen[ITEM].log.task_id, seen[ITEM].log.map_index) == ("watch_campaign", 0)
        assert seen[ITEM].due == looking.items()[ITEM].due
        assert {item.outcome for item in seen.values()} == {"watching", "seen"}

    def test_without_a_dag_run_there_is_nothing(self, looking: Looking) -> None:
        assert looking.items() == {}


class TestWhileItIsAtWork:
    def test_an_item_is_asked_about_until_somebody_answers(self, looking: Looking) -> None:
        asked: dict[str, ItemView] = {}

        def answer(plan: Plan) -> dict[str, Choice]:
            asked.update(looking.items())
            return {ITEM: Choice.HOLD_BACK}

        looking.reconcile(answer=answer)

        assert asked[ITEM].outcome == "asked"
        assert asked[ITEM].choices == (
            Choice.LEAVE,
            Choice.RESEND,
            Choice.RESEND_NOW,
            Choice.KEEP_WATCHING,
            Choice.HOLD_BACK,
        )
        after = looking.items()[ITEM]
        assert (after.outcome, after.choices, after.answer) == ("verified", (), Choice.HOLD_BACK)
        assert (after.answered_by, after.decision) == ("in process", "hold_back")

    def test_an_item_is_under_way_between_its_steps(self, looking: Looking) -> None:
        seen: dict[str, ItemView] = {}
        looking.at(SEND, lambda: seen.update(looking.items()))

        looking.reconcile()

        assert (seen[ITEM].outcome, seen[ITEM].detail) == ("under way", "send_campaign is intended")
        assert looking.items()[ITEM].outcome == "verified"

    def test_one_whose_dag_run_was_killed_has_no_end_once_it_is_silent_for_long(
        self, looking: Looking
    ) -> None:
        class Killed(BaseException):
            pass

        def kill() -> None:
            raise Killed

        looking.at(SEND, kill)
        with pytest.raises(Killed):
            looking.reconcile()
        assert looking.items()[ITEM].outcome == "under way"

        looking.wait(hours=2)

        found = looking.items()[ITEM]
        assert (found.outcome, found.detail) == ("failed", "no end: send_campaign is intended")

    def test_a_question_that_nobody_answers_is_asked_no_longer_when_its_time_is_up(
        self, looking: Looking
    ) -> None:
        class Killed(BaseException):
            pass

        def away(plan: Plan) -> dict[str, Choice]:
            looking.ledger.note_run("playhouse", RUN, stage=RunStage.ASKED, until=looking.now + HALF_A_DAY)
            raise Killed

        with pytest.raises(Killed):
            looking.reconcile(answer=away)
        looking.wait(hours=11)
        assert looking.items()[ITEM].outcome == "asked"
        looking.wait(hours=2)
        found = looking.items()[ITEM]
        assert (found.outcome, found.detail) == ("not chosen", "nobody answered")


class TestWhatPeopleSaid:
    def test_who_holds_and_who_does_not_wait_stands_with_the_item(self, looking: Looking) -> None:
        looking.reconcile(answer=lambda plan: {ITEM: Choice.LEAVE})
        commands.hold(looking.ledger, "playhouse", looking.site.zone, ITEM, who="Kim", why="by phone")
        commands.waive(looking.ledger, "playhouse", looking.site.zone, ITEM, who="Ada", why="we know")
        found = looking.items()[ITEM]
        assert (found.held_by, found.waived_by) == ("Kim", "Ada")
        said = "in process chose «leave to me»; it stays open for a person"
        assert (found.outcome, found.detail) == ("not chosen", said)

    def test_an_item_that_needs_a_person_is_open_until_he_closes_it(self, tmp_path: Path) -> None:
        looking = Looking(tmp_path, "evening-outage")
        looking.reconcile(Mode.PLAN)
        key = "campaign:112"  # half sent
        before = looking.items()[key]
        assert (before.outcome, before.open_since) == ("needs_human", looking.now)
        looking.wait(minutes=5)

        commands.close(
            looking.ledger, "playhouse", looking.site.zone, key, who="Kim", why="sent the rest by hand"
        )

        after = looking.items()[key]
        assert (after.outcome, after.open_since) == ("closed", None)
        assert after.detail == "closed by Kim: sent the rest by hand"
        assert looking.shown().counts["closed"] == 1


class TestSeveralPlans:
    def test_a_later_look_that_only_proposes_hides_nothing(self, looking: Looking) -> None:
        looking.reconcile()
        looking.wait(hours=1)
        looking.reconcile(Mode.PLAN, dag_run="manual__1")
        found = looking.items()[ITEM]
        assert (found.outcome, found.dag_run) == ("verified", RUN)
        assert looking.items_of("manual__1")[ITEM].outcome == "none"

    def test_a_choice_that_was_left_is_not_hidden_by_a_proposal(self, looking: Looking) -> None:
        looking.reconcile(answer=lambda plan: {ITEM: Choice.LEAVE})
        looking.reconcile(Mode.PLAN, dag_run="manual__1")
        assert looking.items()[ITEM].outcome == "not chosen"
        assert looking.items_of("manual__1")[ITEM].outcome == "proposed"

    def test_a_second_question_is_what_counts(self, looking: Looking) -> None:
        looking.reconcile(answer=lambda plan: {ITEM: Choice.LEAVE})
        looking.reconcile(dag_run="manual__2")
        found = looking.items()[ITEM]
        assert (found.outcome, found.dag_run) == ("verified", "manual__2")

    def test_what_moved_after_a_report_is_told_instead_of_it(self, looking: Looking) -> None:
        """A closed gate stands in the report alone; the second dag run goes on with the same action."""

        def stopped(plan: Plan) -> dict[str, Choice]:
            looking.ledger.set_switch("playhouse", Stage.EVERYTHING, "Kim", "a moment")
            return approve_all(plan)

        looking.reconcile(answer=stopped)
        held = looking.items()[ITEM]
        assert held.outcome == "not now"
        assert "the kill switch is on (Kim: a moment)" in held.detail
        looking.ledger.set_switch("playhouse", Stage.OFF, "Kim", "go on")
        looking.wait(minutes=1)

        looking.reconcile(dag_run="manual__2")

        assert looking.items_of(RUN)[ITEM].outcome == "verified"

    def test_a_window_that_was_typed_belongs_to_the_outage_in_it(self, looking: Looking) -> None:
        typed = looking.evening.window().model_copy(update={"source": "form"})
        looking.reconcile(dag_run="manual__1", window=typed)
        assert looking.items()[ITEM].outcome == "verified"
        assert [run.dag_run for run in looking.shown().runs] == ["manual__1"]

    def test_the_nightly_belongs_to_no_outage(self, looking: Looking) -> None:
        night = looking.evening.window().model_copy(update={"source": "nightly"})
        looking.reconcile(Mode.PLAN, dag_run="scheduled__1", window=night)
        assert looking.items() == {}


class TestTheGuard:
    """It stops an original that wakes; that is an alarm, and not what became of what somebody chose."""

    @pytest.mark.parametrize("choice", [Choice.RESEND, Choice.HOLD_BACK])
    def test_a_stop_of_the_guard_is_not_what_became_of_a_choice(self, tmp_path: Path, choice: Choice) -> None:
        looking = Looking(tmp_path, wakes_after(timedelta(hours=3)))
        looking.reconcile(answer=lambda plan: {ITEM: choice}, account=looking.account("send_campaign[0]"))
        before = looking.items()[ITEM]
        assert before.outcome == "verified"
        looking.evening.clock.at = looking.evening.world.t0 + timedelta(hours=3, seconds=1)

        looking.evening.guard()

        after = looking.items()[ITEM]
        assert "stopped again" in after.alarm
        assert after.model_copy(update={"alarm": ""}) == before
        assert "stopped again" in looking.told()


class TestTheLog:
    def test_is_that_of_the_task_that_moved_the_item_last(self, looking: Looking) -> None:
        looking.reconcile(account=looking.account("send_campaign[2]"))
        log = looking.items()[ITEM].log
        assert log is not None
        assert (log.dag_id, log.run_id, log.task_id, log.map_index) == ("reconcile", RUN, "send_campaign", 2)

    def test_is_that_of_the_sensor_or_of_the_plan_where_nothing_was_done(self, reconciled: Looking) -> None:
        items = reconciled.items()
        sensors = [item.log for item in items.values() if item.log and item.log.task_id == "watch_campaign"]
        assert sorted(log.map_index for log in sensors) == sorted({log.map_index for log in sensors})
        assert items["campaign:101"].log is not None
        assert items["campaign:101"].log.task_id == "build_plan"


class TestWhatIsNotKnown:
    def test_an_outage_is_named(self, looking: Looking) -> None:
        with pytest.raises(LedgerError, match="outage 'typo' is not known"):
            looking.items("typo")

    def test_a_dag_run_is_named(self, looking: Looking) -> None:
        with pytest.raises(LedgerError, match="dag run 'manual__9' is not known"):
            looking.items_of("manual__9")

    def test_one_that_was_merged_is_found_under_its_old_id(self, looking: Looking) -> None:
        looking.reconcile()
        looking.put(looking.outage(id="0000", aliases=(OUTAGE,)))
        assert looking.items().keys() == looking.items("0000").keys() != set()


def test_every_kind_of_item_is_there(reconciled: Looking) -> None:
    assert {item.kind for item in reconciled.items().values()} == set(ItemKind)


def test_a_board_counts_what_the_list_shows(reconciled: Looking) -> None:
    counts: dict[str, int] = {}
    for item in reconciled.items().values():
        counts[item.outcome] = counts.get(item.outcome, 0) + 1
    assert reconciled.shown().counts == counts
    assert reconciled.shown().items == len(reconciled.items())
