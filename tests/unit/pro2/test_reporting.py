"""From plan and ledger to the report, and what a report moves on."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import approve_none
from tests.unit.pro2.conftest import Playing, end_stale

from pro2 import files, flow, reporting
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.repair.replaying import load_recording, replay


@pytest.fixture
def playing(play: Any) -> Playing:
    """Nothing here changes anything in Pro2."""
    found: Playing = play(still=True)
    return found


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "reports"
    monkeypatch.setenv("PRO2_RECONCILIATION_REPORTS", f"file://{folder}")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/")
    return folder


class TestTheReport:
    def test_without_a_plan_it_fails_and_says_where_to_look(self, playing: Playing) -> None:
        with pytest.raises(ReconciliationError, match=r"no plan, so nothing was done; read the log of"):
            reporting.report(playing.context(), playing.resolved, None, None)

    def test_is_written_where_the_site_wants_it_as_page_and_as_json(self, play: Any, reports: Path) -> None:
        playing = play(run_id="manual__2026-11-20T03:45:00+00:00")
        plan, cleared = playing.cleared(approve_none)
        path = reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        written = sorted(file.name for file in reports.iterdir())
        assert written == [
            "manual__2026-11-20T03_45_00_00_00.html",
            "manual__2026-11-20T03_45_00_00_00.json",
            "manual__2026-11-20T03_45_00_00_00.recording.json",
        ]
        assert path.endswith(written[0])
        told = json.loads((reports / written[1]).read_text(encoding="utf-8"))
        assert told["plan_hash"] == plan.hash
        assert {row["item_id"]: row["outcome"] for row in told["rows"]} == {
            "103": "not chosen",
            "104": "not chosen",
        }
        assert "Opening night invitation" in (reports / written[0]).read_text(encoding="utf-8")

    def test_keeps_beside_it_what_the_plan_was_built_on(self, play: Any, reports: Path) -> None:
        playing = play(run_id="manual__1")
        plan = playing.plan()
        recording = load_recording(reports / "manual__1.recording.json")
        assert (recording.plan_hash, recording.run) == (plan.hash, "manual__1")
        assert replay(recording, playing.evening.site).plan.hash == plan.hash

    def test_a_folder_that_cannot_be_written_stops_no_plan(
        self, play: Any, reports: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (reports / "manual__1.recording.json").mkdir(parents=True)
        assert play(run_id="manual__1").plan().decisions
        assert "The recording of this plan could not be kept" in caplog.text

    def test_an_object_storage_that_fails_in_its_own_way_stops_no_plan(
        self, play: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refused(context: Any) -> Any:
            raise RuntimeError("AccessDenied")

        monkeypatch.setattr(files, "folder_and_name", refused)
        assert play(run_id="manual__1").plan().decisions
        assert "The recording of this plan could not be kept: AccessDenied" in caplog.text

    def test_fails_for_an_action_without_an_end_after_it_was_written(
        self, playing: Playing, reports: Path
    ) -> None:
        plan, cleared = playing.cleared()
        with pytest.raises(
            ReconciliationError, match=r"2 items did not end.*Opening night invitation.*\(103\)"
        ):
            reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        assert len(list(reports.iterdir())) == 2

    def test_says_of_everything_asked_that_the_question_or_clear_failed_and_fails_after_it_was_written(
        self, playing: Playing, reports: Path
    ) -> None:
        plan = playing.plan()
        playing.ledger.save_answers(plan.hash, {"campaign:103": Choice.RESEND}, "Ada")
        with pytest.raises(ReconciliationError, match=r"about 2 items.*Then start reconcile again"):
            reporting.report(playing.context(), playing.resolved, plan.hash, None)
        (written,) = reports.glob("*.json")
        row = next(r for r in json.loads(written.read_text())["rows"] if r["item_id"] == "103")
        assert (row["outcome"], row["detail"]) == ("not now", "ask or clear failed; read their logs")

    def test_links_each_item_to_its_sensor_and_a_cleared_one_to_its_last_step(
        self, playing: Playing, reports: Path
    ) -> None:
        def only_103(plan: Plan) -> dict[str, Choice]:
            return {"campaign:103": Choice.RESEND, "campaign:104": Choice.LEAVE}

        plan, cleared = playing.cleared(only_103)
        end_stale(playing, "campaign:103")
        reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        links = logs(reports)
        here = f"https://airflow.example.org/dags/reconcile/runs/{playing.run_id}/tasks"
        watched = [item["item_id"] for item in flow.watched_items(playing.run_id, "campaign")]
        assert links["103"] == f"{here}/send_campaign/mapped/0"
        assert links["104"] == f"{here}/watch_campaign/mapped/{watched.index('104')}"

    def test_links_to_the_last_lane_whatever_stands_first_in_the_list(
        self, playing: Playing, reports: Path
    ) -> None:
        plan, cleared = playing.cleared()
        end_stale(playing, "campaign:103")
        end_stale(playing, "campaign:104")
        cleared["steps"].reverse()
        reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        assert all("/send_campaign/mapped/" in link for link in logs(reports).values())

    def test_a_window_moves_the_watermark_only_if_it_joins_it(self, playing: Playing, reports: Path) -> None:
        """Else the nightly would never read what lies between the two."""
        plan, cleared = playing.cleared(approve_none)
        gap = plan.window.start - timedelta(hours=8)
        playing.ledger.set_watermark("playhouse", gap)
        reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        assert playing.ledger.watermark("playhouse") == gap

        playing.ledger.set_watermark("playhouse", plan.window.start)
        reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        assert playing.ledger.watermark("playhouse") == plan.window.end

    def test_a_plan_of_the_form_leaves_the_watermark_alone_and_a_nightly_moves_it(
        self, play: Any, reports: Path
    ) -> None:
        playing = play(mode=Mode.PLAN)
        plan = playing.plan()
        reporting.report(playing.context(), playing.resolved, plan.hash, None)
        assert playing.ledger.watermark("playhouse") is None

        nightly = plan.model_copy(update={"window": plan.window.model_copy(update={"source": "nightly"})})
        playing.ledger.save_plan(nightly, "scheduled__1")
        reporting.report(playing.context(), playing.resolved, nightly.hash, None)
        assert playing.ledger.watermark("playhouse") == plan.window.end


def logs(folder: Path) -> dict[str, str]:
    (written,) = folder.glob("*.json")
    return {row["item_id"]: row["log_url"] for row in json.loads(written.read_text())["rows"]}
