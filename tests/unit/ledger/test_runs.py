"""The dag runs of reconcile as those who look on know them: begun, how far, planned, reported."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.ledger.test_opening import a_plan

from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.ledger import Ledger, RunStage

RUN = "outage__3f2a__g1"


@pytest.fixture
def plan(ledger: Ledger):
    return a_plan(ledger)


@pytest.fixture
def begun(ledger: Ledger, plan):
    """A dag run that knows its window, and nothing else yet."""

    def begin(mode: Mode = Mode.ASK, **more: object) -> None:
        ledger.begin_run("playhouse", RUN, window=plan.window, mode=mode, **more)

    begin(reason="the vendor phoned")
    return begin


def stage(ledger: Ledger) -> tuple[RunStage, str | None]:
    run = ledger.run("playhouse", RUN)
    return run.stage, run.plan_hash


class TestADagRun:
    def test_begins_with_its_window_and_its_reason(self, ledger, begun, plan, clock):
        (run,) = ledger.runs("playhouse")
        assert (run.id, run.dag_id, run.mode, run.window) == (RUN, "reconcile", Mode.ASK, plan.window)
        assert (run.stage, run.plan_hash, run.begun_at) == (RunStage.BEGUN, None, clock.time)
        assert run.reason == "the vendor phoned"

    def test_is_known_of_its_plan_where_nobody_noted_its_beginning(self, ledger, plan):
        ledger.save_plan(plan, RUN)
        assert stage(ledger) == (RunStage.PLANNED, plan.hash)
        assert ledger.run("playhouse", RUN).mode is None

    def test_that_is_cleared_begins_again_and_keeps_its_plan_until_there_is_another(
        self, ledger, begun, plan, clock
    ):
        ledger.save_plan(plan, RUN)
        before = ledger.run("playhouse", RUN)
        clock.pass_seconds(60)
        begun(Mode.PLAN)
        after = ledger.run("playhouse", RUN)
        assert stage(ledger) == (RunStage.BEGUN, plan.hash)
        assert (after.begun_at, after.seen_at) == (before.begun_at, clock.time)
        assert after.mode is Mode.PLAN

    def test_has_its_newest_plan(self, ledger, begun, plan):
        ledger.save_plan(plan, RUN)
        other = plan.model_copy(update={"decisions": ()})
        ledger.save_plan(other, RUN)
        assert stage(ledger) == (RunStage.PLANNED, other.hash)
        ledger.save_plan(plan, RUN)  # made again as it was first
        assert stage(ledger) == (RunStage.PLANNED, plan.hash)

    def test_says_how_far_it_is_and_keeps_stage_and_end_meanwhile(self, ledger, begun, clock):
        until = clock.time + timedelta(minutes=30)
        ledger.note_run("playhouse", RUN, stage=RunStage.WATCHING, until=until, found=(12, 3))
        clock.pass_seconds(5)
        ledger.note_run("playhouse", RUN, progress="inventory: 300 of 1,000 campaigns read")
        run = ledger.run("playhouse", RUN)
        assert (run.stage, run.until, run.seen_at) == (RunStage.WATCHING, until, clock.time)
        assert (run.progress, run.touched, run.watched) == ("inventory: 300 of 1,000 campaigns read", 12, 3)

    def test_that_is_not_known_is_left_out(self, ledger):
        ledger.note_run("playhouse", "guard__1", progress="x")
        assert ledger.runs("playhouse") == []

    def test_belongs_to_its_organization(self, ledger, begun):
        assert ledger.runs("opera") == []
        assert ledger.run("opera", RUN) is None

    def test_is_found_by_when_it_was_last_heard_of(self, ledger, begun, clock):
        heard = clock.time
        clock.pass_seconds(60)
        assert [run.id for run in ledger.runs("playhouse", heard)] == [RUN]
        assert ledger.runs("playhouse", clock.time) == []
        assert ledger.runs("playhouse", only=["another"]) == []


class TestItsItems:
    def test_are_those_of_the_plan_in_its_order(self, ledger, plan):
        second = plan.decisions[0].model_copy(update={"item_id": "104", "choices": ()})
        plan = plan.model_copy(update={"decisions": (second, *plan.decisions)})
        ledger.save_plan(plan, RUN)
        items = ledger.plan_items([plan.hash])[plan.hash]
        assert [(item.key, item.asks) for item in items] == [("campaign:104", False), ("campaign:103", True)]

    def test_have_the_sentences_of_the_last_clear(self, ledger, plan):
        ledger.save_plan(plan, RUN)
        ledger.note_not_now(plan.hash, {"campaign:103": "over the limit", "campaign:7": "of another plan"})
        assert ledger.plan_items([plan.hash])[plan.hash][0].not_now == "over the limit"
        ledger.note_not_now(plan.hash, {})
        assert ledger.plan_items([plan.hash])[plan.hash][0].not_now == ""

    def test_end_as_the_report_says_and_one_that_is_made_again_replaces_it(self, ledger, plan, clock):
        ledger.save_plan(plan, RUN)
        for outcome in ("failed", "verified"):
            clock.pass_seconds(60)
            row = {"outcome": outcome, "detail": "d"}
            ledger.keep_report("playhouse", RUN, plan.hash, head={"health": "open"}, rows=[row], address="a")
        run = ledger.run("playhouse", RUN)
        assert (run.stage, run.reported_at, run.report_address) == (RunStage.REPORTED, clock.time, "a")
        assert ledger.plan_items([plan.hash])[plan.hash][0].outcome == "verified"
        assert ledger.report_of("playhouse", RUN) == {"health": "open", "rows": [row]}
        assert ledger.reported_rows([plan.hash]) == {(plan.hash, "campaign:103"): row}

    def test_have_no_report_before_there_is_one(self, ledger, plan):
        ledger.save_plan(plan, RUN)
        assert ledger.report_of("playhouse", RUN) is None
        assert ledger.report_of("playhouse", "another") is None
        assert ledger.reported_rows([plan.hash]) == {}

    def test_are_found_with_their_decision_alone(self, ledger, plan):
        ledger.save_plan(plan, RUN)
        (found,) = ledger.decisions_on("playhouse", "campaign:103")
        assert found == (plan.hash, plan.created_at, RUN, plan.decisions[0])
        assert ledger.decisions_on("opera", "campaign:103") == []

    def test_have_the_answers_of_their_plan(self, ledger, plan):
        ledger.save_plan(plan, RUN)
        ledger.save_answers(plan.hash, {"campaign:103": Choice.RESEND}, "Ada")
        assert ledger.answers_to([plan.hash]) == {plan.hash: ledger.answers(plan.hash)}
        assert ledger.answers_to([]) == {}


@pytest.mark.parametrize("item_id", ["103", 'a"b', "{x}", "a'b", "j-1@2026-11-24T17:25:00Z+add", "$.x[0]"])
def test_a_first_look_is_found_whatever_its_item_is_called(ledger, plan, clock, item_id):
    seen = Observation(
        kind="campaign", item_id=item_id, name="N", state="sent", seen_at=clock.time, source="inventory"
    )
    inventory = Inventory(
        organization="playhouse",
        zone="UTC",
        window=plan.window,
        taken_at=clock.time,
        readings={},
        occurrences=(),
        observations={seen.key: seen},
        watch=(),
    )
    ledger.save_inventory(RUN, inventory)
    assert ledger.first_looks([RUN, "another"], seen.key) == {RUN: seen}
    assert ledger.first_looks([RUN], "campaign:another") == {}
