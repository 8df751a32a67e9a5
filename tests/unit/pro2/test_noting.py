"""What the tasks of a dag run let the page know, and that nothing stops because it cannot be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskAwaitingInput
from tests.incident.harness import approve_none
from tests.unit.pro2.conftest import Playing, end_stale, make_context

from pro2 import accounts, reporting, window
from pro2.operators.question import AskOperator
from pro2_reconciliation.domain.actor import Actor
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import DagRun, Ledger, RunStage
from pro2_reconciliation.overview.items import items_of_run
from pro2_reconciliation.overview.views import ItemView
from pro2_reconciliation.repair import noting

RUN = "outage__3f2a__g1"


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRO2_RECONCILIATION_REPORTS", f"file://{tmp_path}/reports")
    return tmp_path / "reports"


@pytest.fixture
def begun(ledger: Ledger, site_folder: Path, outage: Any) -> DagRun:
    """A dag run that has resolved its window, as its form says."""
    outage()
    context = make_context({"reason": "the vendor\nphoned", "mode": "ask"}, run_id=RUN)
    context["dag_run"].dag_id = "reconcile_copy"
    window.resolve_window(context)
    return noted(ledger, RUN)


def noted(ledger: Ledger, run_id: str) -> DagRun:
    found = ledger.run("playhouse", run_id)
    assert found is not None
    return found


def shown(playing: Playing) -> dict[str, ItemView]:
    found = items_of_run(playing.evening.site, playing.ledger, playing.run_id, playing.evening.clock.now())
    return {item.key: item for item in found}


def test_a_window_begins_a_dag_run_with_the_reason_of_its_form(begun: DagRun) -> None:
    assert (begun.stage, begun.mode, begun.reason) == (RunStage.BEGUN, Mode.ASK, "the vendor phoned")
    assert (begun.dag_id, begun.window.outage_ids) == ("reconcile_copy", ("3f2a",))


def test_a_dag_run_is_watching_planned_asked_acting_and_reported(
    play: Any, reports: Path, executable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **said: None)
    playing = play(run_id="manual__1")
    where = Window.model_validate(playing.resolved["window"])
    noting.begun(playing.ledger, "playhouse", "manual__1", where, Mode.ASK)
    xcoms = playing.observed()
    run = noted(playing.ledger, "manual__1")
    deadlines = [item.deadline for item in playing.ledger.inventory("manual__1").watch]
    assert (run.stage, run.until, run.watched) == (RunStage.WATCHING, max(deadlines), 2)

    plan = playing.plan(xcoms)
    assert noted(playing.ledger, "manual__1").stage is RunStage.PLANNED
    context = playing.context(
        task_id="ask", xcoms={"resolve_window": playing.resolved, "build_plan": plan.hash}
    )
    with pytest.raises(TaskAwaitingInput):
        AskOperator(task_id="ask").execute(context)
    assert noted(playing.ledger, "manual__1").stage is RunStage.ASKED
    assert {item.outcome for item in shown(playing).values()} == {"asked"}

    _, cleared = playing.cleared(plan=plan)
    assert noted(playing.ledger, "manual__1").stage is RunStage.ACTING
    assert {item.outcome for item in shown(playing).values()} == {"under way"}

    for key in ("campaign:103", "campaign:104"):
        end_stale(playing, key)
    path = reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
    run = noted(playing.ledger, "manual__1")
    assert (run.stage, run.report_address) == (RunStage.REPORTED, path)
    assert {item.outcome for item in shown(playing).values()} == {"stale"}
    kept = playing.ledger.report_of("playhouse", "manual__1")
    assert kept is not None
    assert [row["item_id"] for row in kept["rows"]] == [one.item_id for one in plan.decisions]


def test_why_a_choice_is_not_done_is_kept_for_the_page(play: Any) -> None:
    playing = play(still=True)
    playing.cleared(approve_none)
    assert {item.detail for item in shown(playing).values()} == {"left: «leave to me»"}


def test_a_question_has_the_time_that_the_dag_gives_it(
    play: Any, executable: None, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    from datetime import UTC, datetime, timedelta

    monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **said: None)
    playing = play(still=True)
    plan = playing.plan()
    xcoms = {"resolve_window": playing.resolved, "build_plan": plan.hash}
    with pytest.raises(TaskAwaitingInput):
        AskOperator(task_id="ask", response_timeout=timedelta(hours=12)).execute(
            playing.context(task_id="ask", xcoms=xcoms)
        )
    assert noted(playing.ledger, playing.run_id).until == datetime.now(UTC) + timedelta(hours=12)


class TestWhatCannotBeNoted:
    """The page is for those who look on; a dag run goes on without it."""

    @pytest.fixture(autouse=True)
    def no_notes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(*given: Any, **more: Any) -> None:
            raise LedgerError("the disk is full")

        for name in ("begin_run", "note_run", "note_not_now", "keep_report"):
            monkeypatch.setattr(Ledger, name, refused)

    def test_stops_no_window(
        self,
        ledger: Ledger,
        site_folder: Path,
        outage: Any,
        context: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        outage()
        assert window.resolve_window(context({"mode": "ask"}))["mode"] == "ask"
        assert "could not be noted for the page: the disk is full" in caplog.text

    def test_stops_no_plan_no_lane_and_no_report(self, play: Any, reports: Path) -> None:
        playing = play(run_id="manual__1")
        plan, cleared = playing.cleared(approve_none)
        assert plan.decisions
        assert reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        assert {item.outcome for item in shown(playing).values()} == {"not chosen"}


def test_a_task_is_named_so_that_the_page_finds_its_log() -> None:
    context = make_context(task_id="send_campaign", map_index=2, run_id=RUN)
    who = accounts.who_acts(context)
    assert who == f"reconcile/{RUN}/send_campaign[2]"
    assert Actor.parse(who) == Actor("reconcile", RUN, "send_campaign", 2)
