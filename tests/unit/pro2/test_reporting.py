"""From plan and ledger to the report, and what a report moves on."""

from __future__ import annotations

import csv
import json
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import approve_none
from tests.unit.pro2.conftest import Playing, end_stale

from pro2 import files, reporting
from pro2_reconciliation.domain.errors import ReconciliationError, Unreadable
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.restriction import UNRESTRICTED, Restriction
from pro2_reconciliation.domain.words import Choice, Mode, Service
from pro2_reconciliation.repair.gates import GUARD
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
        name = "manual__2026-11-20T03_45_00_00_00"
        assert written == [
            f"{name}.csv",
            f"{name}.html",
            f"{name}.json",
            f"{name}.recording.json",
            f"{name}.txt",
        ]
        assert path.endswith(f"{name}.html")
        told = json.loads((reports / f"{name}.json").read_text(encoding="utf-8"))
        assert told["plan_hash"] == plan.hash
        assert {row["item_id"]: row["outcome"] for row in told["rows"]} == {
            "103": "not chosen",
            "104": "not chosen",
        }
        page = (reports / f"{name}.html").read_text(encoding="utf-8")
        assert "Opening night invitation" in page
        assert f'href="{name}.csv"' in page
        with (reports / f"{name}.csv").open(encoding="utf-8-sig", newline="") as table:
            assert [(row["item_id"], row["plan_hash"]) for row in csv.DictReader(table)] == [
                ("103", plan.hash),
                ("104", plan.hash),
            ]
        assert files.report_of(playing.run_id) == (reports / f"{name}.html").read_bytes()
        assert files.report_of(playing.run_id, "csv") == (reports / f"{name}.csv").read_bytes()

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
        assert {path.suffix for path in reports.iterdir()} == {".html", ".json", ".csv", ".txt"}

    def test_tells_a_story_in_past_tense_what_is_worst_loudest(
        self, playing: Playing, reports: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        plan, cleared = playing.cleared(
            lambda plan: {"campaign:103": Choice.RESEND, "campaign:104": Choice.LEAVE}
        )
        with pytest.raises(ReconciliationError):
            reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        told = [(r.levelname, r.getMessage()) for r in caplog.records if r.funcName == "_tell"]
        assert told[0] == ("INFO", f"Plan {plan.hash} was compared with the ledger: 2 items")
        assert told[1][0] == "ERROR"
        assert told[1][1].startswith("«Opening night invitation» (103) did not end, C11: pending send since")
        assert told[2][0] == "INFO"
        assert told[2][1].startswith("«Gala invitation» (104) was not chosen, C11: ")
        assert "; chosen by Ada: «leave to me», " in told[2][1]
        assert told[3] == ("INFO", "0 items needed nothing")

    def test_that_cannot_be_written_stands_in_the_log_and_nothing_is_lost(
        self,
        play: Any,
        reports: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        playing = play(mode=Mode.PLAN)
        plan = playing.plan()
        nightly = plan.model_copy(update={"window": plan.window.model_copy(update={"source": "nightly"})})
        playing.ledger.save_plan(nightly, "scheduled__1")

        def refused(*_: Any, **__: Any) -> Any:
            raise RuntimeError("AccessDenied")

        monkeypatch.setattr(reporting, "write_report", refused)
        with pytest.raises(
            ReconciliationError, match=r"could not be written \(AccessDenied\); it stands in this log"
        ):
            reporting.report(playing.context(), playing.resolved, nightly.hash, None)
        assert "The whole report:\nplayhouse, Thu 19 Nov" in caplog.text
        assert playing.ledger.watermark("playhouse") is None, "the next night reads the same window again"

    def test_names_what_goes_out_in_the_next_day_and_reads_it_from_pro2(
        self, play: Any, reports: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        playing = play(still=True)
        plan, cleared = playing.cleared(approve_none)
        ledger, now = playing.ledger, playing.evening.clock.now()
        reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        told = made(reports)["upcoming"]
        assert datetime.fromisoformat(told["as_of"]) == now
        assert told["items"] == []

        old, tomorrow = now - timedelta(minutes=20), now + timedelta(hours=20)
        body = {
            "campaigns": [{"id": "9", "name": "Tomorrow", "due": tomorrow.isoformat()}],
            "occurrences": [],
        }
        ledger.add_snapshot("playhouse", body, old)

        def unreadable(account: Any) -> Any:
            raise Unreadable("it says <html>")

        monkeypatch.setattr("pro2_reconciliation.repair.snapshot.scheduled_snapshot", unreadable)
        reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        told = made(reports)["upcoming"]
        assert datetime.fromisoformat(told["as_of"]) == old
        assert [(one["item_id"], one["name"]) for one in told["items"]] == [("9", "Tomorrow")]

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
        watched = [item["item_id"] for item in playing.watched_items("campaign")]
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

    def test_the_outage_of_another_service_moves_no_watermark(self, playing: Playing, reports: Path) -> None:
        """It looked at no campaign, and the night would pass over those that were due in it."""
        plan, cleared = playing.cleared(approve_none)
        window = plan.window.model_copy(update={"services": (Service.DASHBOARD,)})
        jobs_only = plan.model_copy(update={"window": window})
        playing.ledger.save_plan(jobs_only, playing.run_id)
        playing.ledger.set_watermark("playhouse", plan.window.start)
        reporting.report(playing.context(), playing.resolved, jobs_only.hash, cleared)
        assert playing.ledger.watermark("playhouse") == plan.window.start

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

    @pytest.mark.parametrize("source", ["nightly", "form"])
    def test_a_dag_run_that_was_narrowed_moves_no_watermark(
        self, playing: Playing, reports: Path, source: str
    ) -> None:
        plan, cleared = playing.cleared(approve_none)
        window = plan.window.model_copy(update={"source": source})
        narrowed = plan.model_copy(update={"window": window, "restriction": Restriction(max_sends=1)})
        playing.ledger.save_plan(narrowed, playing.run_id)
        playing.ledger.set_watermark("playhouse", plan.window.start)
        reporting.report(playing.context(), playing.resolved, narrowed.hash, cleared)
        assert playing.ledger.watermark("playhouse") == plan.window.start

    @pytest.mark.parametrize(
        ("restriction", "state"),
        [(UNRESTRICTED, OutageState.CLOSED), (Restriction(kinds=("data_sync",)), OutageState.PLANNED)],
    )
    def test_a_dag_run_that_was_narrowed_closes_no_outage(
        self, playing: Playing, reports: Path, restriction: Restriction, state: OutageState
    ) -> None:
        """All that it looked at is settled; the two campaigns are not."""
        plan = playing.plan()
        window = plan.window.model_copy(update={"outage_ids": ("3f2a",)})
        nothing = plan.model_copy(update={"window": window, "decisions": (), "restriction": restriction})
        playing.ledger.save_plan(nothing, playing.run_id)
        outage = Outage(
            id="3f2a", organization="playhouse", service=Service.SENDING, start=window.start, end=window.end,
            state=OutageState.PLANNED,
        )  # fmt: skip
        playing.ledger.replace_outages("playhouse", [outage], "known by the test")
        reporting.report(playing.context(), playing.resolved, nothing.hash, None)
        assert playing.ledger.outage("3f2a").state is state


class TestTheNight:
    def test_ends_with_a_digest_and_takes_away_what_is_too_old(
        self, play: Any, reports: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        playing = play(mode=Mode.PLAN)
        plan = playing.plan()
        playing.ledger.beat(GUARD)
        nightly = plan.model_copy(update={"window": plan.window.model_copy(update={"source": "nightly"})})
        playing.ledger.save_plan(nightly, "scheduled__1")
        playing.run_id = "scheduled__1"
        reporting.report(playing.context(), playing.resolved, nightly.hash, None)
        digest = (reports / "scheduled__1.digest.html").read_text(encoding="utf-8")
        assert "detect_outages does not run" in digest
        assert f'<meta name="pro2-plan" content="{nightly.hash}">' in digest
        assert "https://airflow.example.org/plugin/outages" in digest
        assert "The digest: playhouse: detect_outages does not run" in caplog.text
        assert files.report_of("scheduled__1", "digest.html").decode() == digest

        playing.advance(days=100)
        again = nightly.model_copy(update={"created_at": playing.evening.clock.now(), "run": "scheduled__2"})
        playing.ledger.save_plan(again, "scheduled__2")
        playing.run_id = "scheduled__2"
        reporting.report(playing.context(), playing.resolved, again.hash, None)
        assert {path.name.partition(".")[0] for path in reports.iterdir()} == {"scheduled__2"}
        assert "were too old and were deleted: scheduled__1." in caplog.text

    def test_another_dag_run_writes_none(self, playing: Playing, reports: Path) -> None:
        plan, cleared = playing.cleared(approve_none)
        reporting.report(playing.context(), playing.resolved, plan.hash, cleared)
        assert not [path for path in reports.iterdir() if "digest" in path.name]

    def test_does_not_fail_because_of_its_digest(
        self, play: Any, reports: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        playing = play(mode=Mode.PLAN)
        plan = playing.plan()
        nightly = plan.model_copy(update={"window": plan.window.model_copy(update={"source": "nightly"})})
        playing.ledger.save_plan(nightly, "scheduled__1")

        def broken(*_: Any) -> None:
            raise RuntimeError("disk full")

        monkeypatch.setattr(reporting, "write_digest", broken)
        reporting.report(playing.context(), playing.resolved, nightly.hash, None)
        assert "The digest could not be made: disk full" in caplog.text


def made(folder: Path) -> dict[str, Any]:
    (written,) = (path for path in folder.glob("*.json") if "recording" not in path.name)
    found: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return found


def logs(folder: Path) -> dict[str, str]:
    (written,) = folder.glob("*.json")
    return {row["item_id"]: row["log_url"] for row in json.loads(written.read_text())["rows"]}
