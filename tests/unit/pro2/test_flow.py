"""From the form to the window, from the sensors to the plan, from the ledger to the report."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.sdk.exceptions import AirflowFailException
from tests.incident.harness import approve_none
from tests.unit.domain import factories as f
from tests.unit.pro2.conftest import JOBS, NOW, Playing

from pro2 import files, flow, reporting, window
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError, ReconciliationError
from pro2_reconciliation.domain.outage import Evidence, Outage, OutageState
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Service
from pro2_reconciliation.ledger import Ledger, State
from pro2_reconciliation.repair.replaying import load_recording, replay

EVENING = {"from": "2026-11-19T18:00", "to": "2026-11-19T21:05"}
START, END = datetime(2026, 11, 20, 0, 0, tzinfo=UTC), datetime(2026, 11, 20, 3, 5, tzinfo=UTC)
SAID_BY_A_PAGE = Evidence(
    source="status_feed", key="abc", service=Service.SENDING, start=START, end=END, confirms=False
)


@pytest.fixture
def playing(play: Any) -> Playing:
    """Nothing here changes anything in Pro2."""
    found: Playing = play(still=True)
    return found


@pytest.fixture
def resolve(context: Any, ledger: Ledger, site_folder: Path) -> Any:
    """Resolve the window of a dag run with this in its form."""

    def resolved(**params: Any) -> dict[str, Any]:
        run_type = params.pop("run_type", DagRunType.MANUAL)
        return window.resolve_window(context({**params, **params.pop("form", {})}, run_type=run_type))

    return resolved


def save_plan(ledger: Ledger, *decisions: Any, **more: Any) -> Plan:
    plan = f.plan(
        *decisions,
        **{"ledger_uuid": ledger.identity.uuid, "ledger_epoch": ledger.identity.epoch, **more},
    )
    ledger.save_plan(plan, plan.run)
    return plan


class TestWhatCannotBeMeantIsRefused:
    @pytest.mark.parametrize(
        ("params", "said"),
        [
            ({"organization": "opera"}, "organization 'opera'.*jobs.yaml.*'playhouse'.*Leave it empty"),
            ({"mode": "yolo"}, "mode 'yolo' is unknown; choose plan, ask or auto"),
            (
                EVENING | {"from": "yesterday"},
                "from and to.*'yesterday' is not a time; write 2026-11-18T18:00",
            ),
            ({"from": "2026-11-19T18:00"}, "to is empty.*give both"),
            ({"to": "2026-11-19T18:00"}, "from is empty.*give both"),
            (
                EVENING | {"to": "2026-11-19T17:00"},
                "the end, Thu 19 Nov 17:00 CST, is not after the start, Thu 19 Nov 18:00 CST; write a later end",
            ),
            (EVENING | {"from": "2026-11-17T09:05"}, "lasts 60 h, longer than 48 h; shorten it, or confirm"),
            (
                EVENING | {"to": "2026-11-19T23:00"},
                "ends in the future, it is Thu 19 Nov 21:45 CST now; wait.*or confirm",
            ),
            ({"from": "2026-11-01T01:30", "to": "2026-11-01T04:00"}, "happens twice.*-05:00 or.*-06:00"),
            ({}, "no outage is known; give from and to, or declare one in sources.yaml"),
        ],
    )
    def test_with_the_place_and_the_next_step(self, resolve: Any, params: dict[str, Any], said: str) -> None:
        with pytest.raises(ConfigurationError, match=f"(?s){said}"):
            resolve(form=params)

    def test_an_unknown_outage_with_those_that_are_known(self, resolve: Any, outage: Any) -> None:
        outage("3f2a")
        outage("77bc", start=START - timedelta(days=3), end=END - timedelta(days=3))
        with pytest.raises(ConfigurationError, match="outage 'typo' is not known; known are: 77bc, 3f2a"):
            resolve(outage="typo")

    def test_an_outage_of_another_organization(self, resolve: Any, outage: Any) -> None:
        outage("0pera", organization="opera")
        with pytest.raises(ConfigurationError, match="outage '0pera' is not known; known are: none"):
            resolve(outage="0pera")

    def test_a_follow_up_that_this_ledger_does_not_know(self, resolve: Any) -> None:
        with pytest.raises(LedgerError, match=r"plan 0123456789abcdef is not in this ledger; run reconcile"):
            resolve(follow_up="0123456789abcdef")

    def test_a_follow_up_of_another_organization(self, resolve: Any, ledger: Ledger) -> None:
        plan = save_plan(ledger, organization="opera")
        with pytest.raises(ConfigurationError, match=f"plan {plan.hash} is about 'opera'"):
            resolve(follow_up=plan.hash)

    def test_without_a_configuration(self, resolve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PRO2_RECONCILIATION_CONFIG")
        with pytest.raises(ConfigurationError, match="PRO2_RECONCILIATION_CONFIG is not set; set it to"):
            resolve(form=EVENING)

    def test_with_a_configuration_that_is_not_there(
        self, resolve: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PRO2_RECONCILIATION_CONFIG", str(tmp_path / "nowhere"))
        with pytest.raises(ConfigurationError, match=r"nowhere is not a directory; set PRO2"):
            resolve(form=EVENING)

    @pytest.mark.parametrize(
        ("was", "is_now", "said"),
        [
            ("30 18 * * *", "30 25 * * *", "job 'j-201': cron '30 25 .*no hour 25; fix .*jobs.yaml"),
            (
                "America/Chicago",
                "America/Chigaco",
                "jobs.yaml: zone 'America/Chigaco'.*did you mean 'America/Chicago'",
            ),
            (
                "integrated_import",
                "integrated_imprt",
                "jobs.yaml, job 'j-201'.*process_type.*integrated_imprt",
            ),
        ],
    )
    def test_a_mistake_in_jobs_yaml_with_file_and_job(
        self, resolve: Any, site_folder: Path, was: str, is_now: str, said: str
    ) -> None:
        (site_folder / "jobs.yaml").write_text(JOBS.replace(was, is_now))
        with pytest.raises(ConfigurationError, match=f"(?s){said}"):
            resolve(form=EVENING)


class TestTheWindow:
    def test_sixty_hours_are_accepted_when_they_are_confirmed(self, resolve: Any) -> None:
        found = resolve(confirmed=True, form=EVENING | {"from": "2026-11-17T09:05"})
        window = Window.model_validate(found["window"])
        assert window.end - window.start == timedelta(hours=60)

    @pytest.mark.parametrize(
        "form",
        [
            EVENING,
            {"from": "2026-11-20T00:00:00.000Z", "to": "2026-11-19T21:05:00-06:00"},
        ],
    )
    def test_a_time_without_offset_is_read_in_the_zone_of_the_organization(
        self, resolve: Any, form: dict[str, str]
    ) -> None:
        window = Window.model_validate(resolve(form=form)["window"])
        assert (window.start, window.end, window.source) == (START, END, "form")

    @pytest.mark.parametrize("mode", ["ask", "auto"])
    def test_outside_every_known_outage_a_window_only_proposes(self, resolve: Any, mode: str) -> None:
        assert resolve(mode=mode, form=EVENING)["mode"] == "plan"

    def test_that_touches_an_outage_which_is_over_keeps_its_mode(self, resolve: Any, outage: Any) -> None:
        outage(start=START + timedelta(hours=1))
        assert resolve(mode="ask", form=EVENING)["mode"] == "ask"

    @pytest.mark.parametrize(
        "change",
        [
            {"end": None, "state": OutageState.OPEN},
            {"end": NOW + timedelta(hours=1), "state": OutageState.OPEN},
        ],
    )
    def test_that_touches_an_outage_which_goes_on_only_proposes(
        self, resolve: Any, outage: Any, change: dict[str, Any]
    ) -> None:
        outage("over")
        outage("on", start=START + timedelta(hours=2), **change)
        assert resolve(mode="ask", form=EVENING)["mode"] == "plan"

    def test_the_latest_outage_is_taken_when_nothing_is_filled_in(self, resolve: Any, outage: Any) -> None:
        outage("old", start=START - timedelta(days=2), end=END - timedelta(days=2))
        outage("new")
        found = resolve()
        assert found["window"]["source"] == "outage new"
        assert found["window"]["outage_ids"] == ["new"]
        assert found["mode"] == "plan"

    def test_an_outage_that_was_merged_is_found_by_its_old_name(self, resolve: Any, outage: Any) -> None:
        outage("older", aliases=("younger",))
        assert resolve(outage="younger", mode="ask")["window"]["outage_ids"] == ["older"]

    @pytest.mark.parametrize("end", [None, NOW + timedelta(hours=1)])
    @pytest.mark.parametrize("mode", ["ask", "auto"])
    def test_an_outage_that_is_still_open_is_only_observed(
        self, resolve: Any, outage: Any, mode: str, end: datetime | None
    ) -> None:
        outage(end=end, state=OutageState.OPEN)
        found = resolve(mode=mode)
        assert found["mode"] == "plan"
        assert Window.model_validate(found["window"]).end == NOW
        assert found["window"]["outage_known"] is False

    def test_an_outage_that_has_not_settled_is_only_proposed_about(self, resolve: Any, outage: Any) -> None:
        outage(state=OutageState.ENDED)
        assert resolve(mode="ask")["mode"] == "plan"

    def test_an_outage_that_was_taken_back_is_refused_and_never_the_latest(
        self, resolve: Any, outage: Any
    ) -> None:
        outage("real")
        outage("wrong", start=END, end=END, state=OutageState.CLOSED)
        assert resolve()["window"]["outage_ids"] == ["real"]
        with pytest.raises(ConfigurationError, match=r"outage wrong was taken back.*give from and to"):
            resolve(outage="wrong")

    def test_an_outage_that_is_only_suspected_is_only_proposed_about(
        self, resolve: Any, outage: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        outage(evidence=(SAID_BY_A_PAGE,))
        found = resolve(mode="ask")
        assert (found["mode"], found["window"]["outage_known"]) == ("plan", False)
        assert "only suspected (status_feed)" in caplog.text
        assert "confirm 3f2a" in caplog.text

    def test_a_window_over_a_suspicion_only_proposes_too(self, resolve: Any, outage: Any) -> None:
        outage(evidence=(SAID_BY_A_PAGE,))
        assert resolve(mode="ask", form=EVENING)["mode"] == "plan"

    @pytest.mark.parametrize("mode", ["ask", "plan"])
    def test_who_means_a_suspected_outage_confirms_it_in_his_name(
        self, context: Any, resolve: Any, outage: Any, ledger: Ledger, mode: str
    ) -> None:
        outage(evidence=(SAID_BY_A_PAGE,))
        given = context({"confirmed": True, "mode": mode})
        given["dag_run"].triggering_user_name = "ada"
        assert window.resolve_window(given)["mode"] == mode
        said = ledger.declarations("playhouse")
        assert [(one.who, one.start, one.end) for one in said] == [("ada", START, END)][: mode == "ask"]

    def test_two_nights_without_airflow_are_one_window_of_the_nightly(
        self, resolve: Any, ledger: Ledger
    ) -> None:
        """Longer than max_window_hours, which is a limit for what people type."""
        ledger.set_watermark("playhouse", NOW - timedelta(hours=61))
        found = Window.model_validate(resolve(run_type=DagRunType.SCHEDULED)["window"])
        assert (found.start, found.end) == (NOW - timedelta(hours=61), NOW)

    def test_nightly_reads_on_from_the_watermark_and_only_proposes(
        self, resolve: Any, ledger: Ledger, outage: Any
    ) -> None:
        outage()
        ledger.set_watermark("playhouse", NOW - timedelta(hours=30))
        found = resolve(run_type=DagRunType.SCHEDULED, mode="auto")
        window = Window.model_validate(found["window"])
        assert (window.start, window.end) == (NOW - timedelta(hours=30), NOW)
        assert (window.source, found["mode"]) == ("nightly", "plan")

    def test_the_first_nightly_reads_a_day(self, resolve: Any) -> None:
        window = Window.model_validate(resolve(run_type=DagRunType.SCHEDULED)["window"])
        assert window.start == NOW - timedelta(hours=24)

    def test_a_follow_up_takes_window_and_items_from_the_ledger_and_asks(
        self, resolve: Any, ledger: Ledger
    ) -> None:
        plan = save_plan(ledger)
        ledger.save_follow_up(plan.hash, ["campaign:104", "campaign:103"])
        found = resolve(follow_up=plan.hash, mode="auto", outage="typo")
        assert Window.model_validate(found["window"]) == plan.window
        assert found["only"] == ["campaign:103", "campaign:104"]
        assert (found["parent"], found["mode"]) == (plan.hash, "ask")

    def test_is_told_first_in_local_time_with_its_zone_and_in_utc(
        self, resolve: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "pro2.reconcile")
        resolve(form=EVENING)
        first = next(record.getMessage() for record in caplog.records if record.name == "pro2.reconcile")
        assert first == "Window Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC), source form, mode plan"

    def test_is_json_so_that_it_can_travel(self, resolve: Any, outage: Any) -> None:
        outage()
        found = resolve(reason="the phones ring")
        assert json.loads(json.dumps(found)) == found
        assert found["reason"] == "the phones ring"


def rules(plan: Plan) -> dict[str, tuple[str, Remedy]]:
    return {decision.item_id: (decision.rule, decision.remedy) for decision in plan.decisions}


class TestThePlan:
    def test_what_triggers_pushed_as_json_text_is_read(self, playing: Playing) -> None:
        xcoms = playing.observed()
        assert isinstance(xcoms["watch_campaign"][0], str)
        found = rules(playing.plan(xcoms))
        assert found == {"103": ("C11", Remedy.RESEND), "104": ("C11", Remedy.RESEND)}

    def test_what_a_sensor_returned_as_an_object_is_read_too(self, playing: Playing) -> None:
        xcoms = playing.observed()
        xcoms["watch_campaign"] = [json.loads(text) for text in xcoms["watch_campaign"]]
        assert rules(playing.plan(xcoms))["103"] == ("C11", Remedy.RESEND)

    @pytest.mark.parametrize("missing", ["nothing came", "the last one failed"])
    def test_a_sensor_that_says_nothing_makes_nothing_look_broken(
        self, playing: Playing, missing: str
    ) -> None:
        xcoms = playing.observed()
        watched = [item["item_id"] for item in flow.watched_items(xcoms["take_inventory"], "campaign")]
        told = xcoms["watch_campaign"]
        xcoms["watch_campaign"] = None if missing == "nothing came" else [*told[:-1], None]
        plan = playing.plan(xcoms)
        silent = plan.decision(f"campaign:{watched[-1]}")
        assert silent is not None
        assert not silent.remedy.acts
        assert silent.choices == ()
        if missing == "the last one failed":
            assert rules(plan)[watched[0]] == ("C11", Remedy.RESEND)

    def test_without_an_inventory_nothing_is_decided_and_nothing_tried_again(self, playing: Playing) -> None:
        with pytest.raises(AirflowFailException, match=r"no inventory.*read the log of take_inventory"):
            flow.build_plan(playing.context(), playing.resolved)

    def test_made_again_from_the_same_world_it_is_the_same_plan(self, playing: Playing) -> None:
        xcoms = playing.observed()
        assert playing.plan(xcoms).hash == playing.plan(xcoms).hash

    @pytest.mark.parametrize("dag_run", ["outage__3f2a__g1", "manual__1"])
    def test_only_the_dag_run_of_detection_marks_its_outage_as_planned(self, play: Any, dag_run: str) -> None:
        playing = play(run_id=dag_run, outage_ids=("3f2a",))
        know_outage(playing, playing.evening.window().end)
        playing.plan()
        state = OutageState.PLANNED if dag_run.startswith("outage__") else OutageState.SETTLED
        assert playing.ledger.outage("3f2a").state is state

    @pytest.mark.parametrize("longer", [timedelta(hours=1), None])
    def test_an_outage_that_came_back_meanwhile_is_not_planned_by_it(
        self, play: Any, longer: timedelta | None
    ) -> None:
        """The DAG was paused, or watched for long; the dag run of the next generation is still to come."""
        playing = play(run_id="outage__3f2a__g1", outage_ids=("3f2a",))
        outage = know_outage(playing, playing.evening.window().end + longer if longer else None)
        playing.plan()
        assert playing.ledger.outage("3f2a").state is outage.state


def know_outage(playing: Playing, end: datetime | None) -> Outage:
    outage = Outage(
        id="3f2a",
        organization="playhouse",
        service=Service.SENDING,
        start=playing.evening.window().start,
        end=end,
        state=OutageState.SETTLED if end else OutageState.OPEN,
    )
    playing.ledger.replace_outages("playhouse", [outage], "known by the test")
    return outage


class TestTheLanes:
    def test_have_the_smallest_audience_first(self, playing: Playing) -> None:
        _, cleared = playing.cleared()
        audiences = [step["audience"] for step in flow.steps_of(cleared, "send_campaign")]
        assert audiences == sorted(audiences) == [850, 900]

    def test_that_have_work_are_followed_and_no_other(self, playing: Playing) -> None:
        _, cleared = playing.cleared()
        assert set(flow.lanes_with_work(cleared)) == {
            "list_stop_campaign",
            "list_duplicate_campaign",
            "list_send_campaign",
        }

    @pytest.mark.parametrize("nothing", [None, {}])
    def test_are_empty_when_clear_did_not_end_well(self, nothing: Any) -> None:
        assert flow.steps_of(nothing, "send_campaign") == []

    def test_without_a_choice_nothing_is_cleared(self, playing: Playing) -> None:
        _, cleared = playing.cleared(approve_none)
        assert cleared["steps"] == []
        assert set(cleared["not_now"].values()) == {"left: «leave to me»"}
        assert flow.lanes_with_work(cleared) == []

    def test_an_answer_in_airflow_alone_clears_nothing(self, playing: Playing) -> None:
        """The ledger is asked, not the form."""
        plan = playing.plan()
        context = playing.context(xcoms={"ask": {"choices": {"campaign:103": "resend"}}})
        assert flow.clear(context, playing.resolved, plan.hash)["steps"] == []


class TestTheHandOver:
    def test_carries_only_ids_of_our_own_making(self, play: Any) -> None:
        playing = play(hostile=True)
        plan, cleared = playing.cleared()
        playing.evening.edit("104", subject="Something else")
        end_stale(playing, "campaign:104")
        more = flow.follow_up(playing.context(), playing.resolved, plan.hash, cleared)
        assert more == [
            {"trigger_run_id": f"ask__{plan.hash}", "conf": {"follow_up": plan.hash, "mode": "ask"}}
        ]
        assert playing.ledger.follow_up(plan.hash) == ["campaign:104"]

    def test_is_asked_for_twice_in_a_row_at_most(self, playing: Playing) -> None:
        parents: list[str] = []
        for _ in range(3):
            playing.ledger.save_inventory(f"run-{len(parents)}", playing.ledger.inventory("outage__1__g1"))
            playing.run_id = f"run-{len(parents)}"
            xcoms = playing.observed()
            resolved = {**playing.resolved, "parent": parents[-1] if parents else None}
            made = flow.build_plan(playing.context(xcoms=xcoms), resolved)
            parents.append(made)
        not_now = {"not_now": {"campaign:103": "the kill switch is on"}}
        asked = [flow.follow_up(playing.context(), playing.resolved, made, not_now) for made in parents]
        assert [len(more) for more in asked] == [1, 1, 0]

    def test_does_not_happen_in_mode_plan(self, play: Any) -> None:
        playing = play(mode=Mode.PLAN)
        plan, cleared = playing.cleared()
        assert flow.follow_up(playing.context(), playing.resolved, plan.hash, cleared) == []

    def test_does_not_happen_when_the_dag_run_failed_before(self, playing: Playing) -> None:
        assert flow.follow_up(playing.context(), playing.resolved, "0123456789abcdef", None) == []
        assert flow.follow_up(playing.context(), None, None, None) == []  # type: ignore[arg-type]


def end_stale(playing: Playing, item_key: str) -> None:
    """What becomes of an action when what was shown has changed."""
    ledger = playing.ledger
    action = next(a for a in ledger.actions("playhouse") if a.item_key == item_key)
    ledger.end_rest(action.id, State.STALE, who="test", why="changed")


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

    def test_says_of_everything_chosen_that_clear_failed(self, playing: Playing, reports: Path) -> None:
        plan = playing.plan()
        playing.ledger.save_answers(plan.hash, {"campaign:103": Choice.RESEND}, "Ada")
        reporting.report(playing.context(), playing.resolved, plan.hash, None)
        (written,) = reports.glob("*.json")
        row = next(r for r in json.loads(written.read_text())["rows"] if r["item_id"] == "103")
        assert (row["outcome"], row["detail"]) == ("not now", "clear failed; read its log")

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
