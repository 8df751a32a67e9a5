"""From the form, an outage or the watermark to the window of a dag run."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType
from sqlalchemy import text
from tests.unit.domain import factories as f
from tests.unit.pro2.conftest import JOBS, NOW

from pro2 import window
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError
from pro2_reconciliation.domain.outage import Evidence, OutageState
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.restriction import Restriction
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger

EVENING = {"from": "2026-11-19T18:00", "to": "2026-11-19T21:05"}
START, END = datetime(2026, 11, 20, 0, 0, tzinfo=UTC), datetime(2026, 11, 20, 3, 5, tzinfo=UTC)
SAID_BY_A_PAGE = Evidence(
    source="status_feed", key="abc", service=Service.SENDING, start=START, end=END, confirms=False
)


@pytest.fixture
def resolve(context: Any, ledger: Ledger, site_folder: Path) -> Any:
    """Resolve the window of a dag run with this in its form."""

    def resolved(**params: Any) -> dict[str, Any]:
        run_type = params.pop("run_type", DagRunType.MANUAL)
        form, run_id = params.pop("form", {}), params.pop("run_id", "manual__1")
        return window.resolve_window(context({**params, **form}, run_type=run_type, run_id=run_id))

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
            ({"mode": "yolo"}, "form: mode 'yolo' is unknown; choose plan, ask or auto"),
            ({"kind": ["campaign"]}, "form: unknown key 'kind'; did you mean 'kinds'"),
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

    @pytest.mark.parametrize(
        "params", [{"mode": "PLAN"}, {"from": "yesterday"}, {"whatever": 1}, {"max_sends": -1}]
    )
    def test_before_anything_is_read(
        self, resolve: Any, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr(window, "open_ledger", lambda **_: opened.append("ledger"))
        with pytest.raises(ConfigurationError, match=r"^form: "):
            resolve(form=params)
        assert opened == []

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

    @pytest.mark.parametrize(
        ("run_id", "items"),
        [
            ("ask__{}", ["campaign:103"]),
            ("ask__{}__2", ["campaign:103"]),
            ("hours__{}", ["campaign:104"]),
            ("hours__{}__3", ["campaign:104"]),
        ],
    )
    def test_each_attempt_of_a_follow_up_takes_the_items_of_the_first(
        self, resolve: Any, ledger: Ledger, run_id: str, items: list[str]
    ) -> None:
        plan = save_plan(ledger)
        ledger.save_follow_up(plan.hash, ["campaign:103"])
        ledger.save_follow_up(f"hours__{plan.hash}", ["campaign:104"])
        found = resolve(follow_up=plan.hash, run_id=run_id.format(plan.hash))
        assert found["only"] == items

    def test_is_told_first_in_local_time_with_its_zone_and_in_utc(
        self, resolve: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "pro2.reconcile")
        resolve(form=EVENING)
        first = next(record.getMessage() for record in caplog.records if record.name == "pro2.reconcile")
        assert first == "Window Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC), source form, mode plan"

    def test_is_told_before_whatever_else_is_said_of_it(
        self, resolve: Any, outage: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        outage(evidence=(SAID_BY_A_PAGE,))
        caplog.set_level(logging.INFO, "pro2.reconcile")
        resolve(mode="ask", max_sends=2, leave_alone=["103"])
        said = [record.getMessage() for record in caplog.records if record.name == "pro2.reconcile"]
        assert said[0].startswith(
            "Window Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC), source outage 3f2a, mode ask"
        )
        assert "At most 2 sends, as the form says." in said
        assert "Left alone, as the form says: «103»." in said

    def test_is_json_so_that_it_can_travel(self, resolve: Any, outage: Any) -> None:
        outage()
        found = resolve(reason="the phones ring")
        assert json.loads(json.dumps(found)) == found
        assert found["reason"] == "the phones ring"


class TestAFormThatNarrowsIt:
    def test_travels_with_the_window(self, resolve: Any) -> None:
        found = resolve(form=EVENING | {"kinds": ["campaign"], "max_sends": 1, "leave_alone": ["103"]})
        assert Restriction.model_validate(found["restriction"]) == Restriction(
            kinds=("campaign",), max_sends=1, leave_alone=("103",)
        )
        assert json.loads(json.dumps(found)) == found

    def test_narrows_an_outage_too_and_no_night(self, resolve: Any, outage: Any) -> None:
        outage()
        assert resolve(kinds=["campaign"])["restriction"]["kinds"] == ["campaign"]
        assert not Restriction.model_validate(resolve(run_type=DagRunType.SCHEDULED)["restriction"])

    def test_narrows_the_dag_run_that_asks_once_more(self, resolve: Any, ledger: Ledger) -> None:
        """Else a campaign that was to be left alone would be asked about after all."""
        narrowed = Restriction(max_sends=1, leave_alone=("103",), roots=("campaign:103",))
        plan = save_plan(ledger, restriction=narrowed)
        ledger.save_follow_up(plan.hash, ["campaign:104"])
        found = resolve(follow_up=plan.hash, mode="ask")
        assert Restriction.model_validate(found["restriction"]) == narrowed


class TestALedgerThatNobodyVouchesFor:
    @pytest.mark.parametrize("mode", ["ask", "auto"])
    def test_allows_plans_only_and_the_log_says_how_to_adopt_it(
        self, resolve: Any, ledger: Ledger, outage: Any, caplog: pytest.LogCaptureFixture, mode: str
    ) -> None:
        outage()
        with ledger._write() as session:
            session.execute(text("UPDATE identity SET adopted_by = NULL, adopted_at = NULL"))
        assert resolve(mode=mode)["mode"] == "plan"
        assert "only proposes (mode plan)" in caplog.text
        assert 'python -m pro2_reconciliation adopt --why "..."' in caplog.text

    def test_may_be_acted_on_once_a_person_adopted_it(
        self, resolve: Any, ledger: Ledger, outage: Any
    ) -> None:
        outage()
        ledger.adopt("Ada", "it is the one")
        assert resolve(mode="ask")["mode"] == "ask"
