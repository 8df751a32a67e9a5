"""A recorded evening, planned again at a desk: the same plan, and what another policy would decide."""

from __future__ import annotations

import json
import re
import warnings
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tests.incident.harness import INCIDENTS, Evening, approve_all

from pro2_reconciliation.__main__ import main
from pro2_reconciliation.domain.config_words import read_yaml
from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.repair.clearing import automatic_choices
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.reconcile import watch
from pro2_reconciliation.repair.recording import ANSWERS, Recording, record_plan
from pro2_reconciliation.repair.replaying import _Player, load_recording, replay


def recorded(evening: Evening, run: str = "run-1", **changes: Any) -> tuple[Plan, Path]:
    """The plan of a dag run as it was made, and the recording that it left."""
    account = evening.account("run", **changes)
    inventory = take_inventory(account, evening.window())
    plan, recording = record_plan(account, inventory, watch(account, inventory), run=run)
    assert recording is not None
    path = evening.folder / f"{run}.recording.json"
    path.write_text(recording.model_dump_json())
    return plan, path


def told(plan: Plan) -> list[dict[str, Any]]:
    return [decision.model_dump(exclude={"observation"}) for decision in plan.decisions]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evening, Plan, Path]:
    evening = Evening(tmp_path_factory.mktemp("evening"))
    evening.end_outage()
    plan, path = recorded(evening)
    return evening, plan, path


def another_site(evening: Evening, folder: Path, policy: str, jobs: tuple[str, str] | None = None) -> Path:
    """The evening's configuration with more lines in its policy, or something else in its jobs."""
    site = copytree(evening.folder / "config", folder / "other")
    (site / "policy.yaml").write_text((site / "policy.yaml").read_text() + policy)
    if jobs:
        (site / "jobs.yaml").write_text((site / "jobs.yaml").read_text().replace(*jobs))
    return site


def strict(evening: Evening, folder: Path) -> Path:
    """A policy that leaves campaign 103 alone."""
    site = another_site(evening, folder, "")
    body = dict(read_yaml(site / "policy.yaml", needed=True))
    body["campaigns"] = [{"match": "103", "leave_alone": True}, *body["campaigns"]]
    (site / "policy.yaml").write_text(json.dumps(body))
    return site


def test_under_the_same_policy_the_recording_leads_to_the_same_plan(
    played: tuple[Evening, Plan, Path],
) -> None:
    evening, plan, path = played
    found = replay(load_recording(path), evening.site)
    assert told(found.plan) == told(plan)
    assert found.plan.hash == plan.hash
    assert found.missing == ()


def test_after_a_repair_own_actions_and_the_drift_are_in_the_recording_too(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    evening.reconcile(answer=approve_all)
    plan, path = recorded(evening, "run-2")
    assert {"C0", "R0", "R14"} <= {decision.rule for decision in plan.decisions}
    assert load_recording(path).holders
    found = replay(load_recording(path), evening.site)
    assert told(found.plan) == told(plan)
    assert found.plan.hash == plan.hash


@pytest.mark.parametrize("name", ["half-synced", "restored", "trigger-kinds"])
def test_other_incidents_lead_to_their_plan_too_before_and_after_the_repair(
    name: str, tmp_path: Path
) -> None:
    evening = Evening(tmp_path, INCIDENTS / f"{name}.yaml")
    evening.end_outage()
    for run in ("run-1", "run-2"):
        plan, path = recorded(evening, run)
        found = replay(load_recording(path), evening.site)
        assert told(found.plan) == told(plan)
        assert found.missing == ()
        evening.reconcile(answer=approve_all)


def test_a_read_that_failed_fails_again(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    account = evening.account("run")
    dashboard = account.dashboard

    class NoConsole:
        failing = False

        def __getattr__(self, name: str) -> Any:
            return getattr(dashboard, name)

        def console(self) -> Any:
            if self.failing:
                raise Unreadable("the Console is a page of HTML")
            return dashboard.console()

    port = NoConsole()
    account = evening.account("run", dashboard=port)
    inventory = take_inventory(account, evening.window())
    seen = watch(account, inventory)
    port.failing = True
    plan, recording = record_plan(account, inventory, seen)
    assert recording is not None
    (failed,) = [read.failure for read in recording.reads if read.failure]
    assert (failed.kind, failed.said) == ("Unreadable", "the Console is a page of HTML")
    again = replay(Recording.model_validate_json(recording.model_dump_json()), evening.site)
    assert told(again.plan) == told(plan)


def test_what_a_detection_pass_saw_is_in_the_recording(
    played: tuple[Evening, Plan, Path], tmp_path: Path
) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    evening.ledger().add_snapshot(evening.site.organization, {"campaigns": [], "occurrences": []})
    plan, path = recorded(evening)
    left, before = plan.decision("campaign:104"), played[1].decision("campaign:104")
    assert left is not None
    assert before is not None
    assert left.remedy is not before.remedy
    assert told(replay(load_recording(path), evening.site).plan) == told(plan)


def test_the_clock_and_the_lists_go_on_as_the_reads_did(played: tuple[Evening, Plan, Path]) -> None:
    recording = load_recording(played[2])
    later = recording.began + timedelta(minutes=5)
    reads = [
        read.model_copy(update={"at": later}) if read.call == "console" else read for read in recording.reads
    ]
    player = _Player(recording.model_copy(update={"reads": tuple(reads)}))
    assert player.now() == recording.began
    player.console()
    assert player.now() == later
    player.scheduled_since(recording.inventory.window.start)
    assert player.now() == later

    newer = player.newer_than(recording.inventory.floor_id)
    assert newer
    assert [one.id for one in player.newer_than(newer[0].id)] == [
        one.id for one in newer if int(one.id) > int(newer[0].id)
    ]
    assert player.missing == []
    player.newer_than("1")
    assert player.missing == [f"campaigns between 1 and {recording.inventory.floor_id}"]


def test_a_recording_that_cannot_be_kept_stops_no_plan(
    played: tuple[Evening, Plan, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    evening, plan, path = played
    kept = load_recording(path)
    account = evening.account("run")
    monkeypatch.setitem(ANSWERS, "scheduled_since", TypeAdapter(int))
    with warnings.catch_warnings(action="error"):
        made, recording = record_plan(account, kept.inventory, kept.observations, run=plan.run)
    assert recording is None
    assert [d.key for d in made.decisions] == [d.key for d in plan.decisions]
    assert "This plan could not be recorded" in caplog.text


def test_a_recording_holds_no_address_no_contact_and_no_secret(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    evening.reconcile(answer=approve_all)
    _, path = recorded(evening, "run-2")
    text = path.read_text()
    assert re.findall(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", text) == []
    tokens = evening.incident.tokens
    for secret in (tokens.api_token, tokens.dashboard_token, tokens.tessitura_password):
        assert secret not in text
    body = json.loads(text)
    assert all(read["answer"] is None for read in body["reads"] if read["call"] == "holders")
    assert {key for group in body["holders"] for key in group} == {"tags", "contacts"}


def test_a_campaign_that_the_changed_policy_does_not_list_is_in_the_recorded_list(
    played: tuple[Evening, Plan, Path],
) -> None:
    evening, plan, path = played
    policy = evening.site.policy.model_copy(update={"lead_hours": 0})
    found = replay(load_recording(path), evening.site.model_copy(update={"policy": policy}))
    assert found.missing == ()
    assert told(found.plan) == told(plan)


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "overdue_grace_seconds": st.sampled_from([0, 60, 7200]),
        "send_by_hours": st.sampled_from([0.5, 2, 48]),
        "lead_hours": st.sampled_from([0, 1, 6, 40]),
        "min_sending_recipients": st.sampled_from([0, 50, 10**6]),
        "predictive_sending": st.sampled_from(["never", "unknown"]),
        "partly_sent_flat_seconds": st.sampled_from([0, 9000]),
        "next_occurrence_wait_minutes": st.sampled_from([0, 600]),
        "missed_sync_wait_hours": st.sampled_from([0, 24]),
        "read_gap_seconds": st.sampled_from([0, 9000]),
    },
)


@given(CHANGES)
@example({"lead_hours": 0})
@example({"lead_hours": 40})
@settings(max_examples=5, deadline=None)
def test_under_another_policy_the_recording_leads_to_the_plan_that_the_world_leads_to(
    played: tuple[Evening, Plan, Path], changes: dict[str, Any]
) -> None:
    evening, plan, path = played
    kept = load_recording(path)
    policy = type(evening.site.policy).model_validate({**evening.site.policy.model_dump(), **changes})
    site = evening.site.model_copy(update={"policy": policy})
    real = build_plan(evening.account("run", site=site), kept.inventory, kept.observations, run=plan.run)
    found = replay(kept, site)
    if found.missing:
        asked = {decision.key: len(decision.choices) for decision in real.decisions}
        assert all(len(one.choices) <= asked[one.key] for one in found.plan.decisions)
    else:
        assert told(found.plan) == told(real)


class TestTheCommand:
    def test_shows_every_item_with_rule_decision_and_reason(
        self, played: tuple[Evening, Plan, Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, plan, path = played
        assert main(["plan", str(path), "--config", str(evening.folder / "config")]) == 0
        shown = capsys.readouterr().out
        for decision in plan.decisions:
            (line,) = [
                x for x in shown.splitlines() if f" {decision.item_id} " in x and decision.kind.value in x
            ]
            assert decision.rule in line
            assert decision.remedy.value in line
        assert "Nothing is asked and nothing is done" in shown

    def test_shows_what_another_policy_would_decide_differently(
        self, played: tuple[Evening, Plan, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, plan, path = played
        here, there = str(evening.folder / "config"), str(strict(evening, tmp_path))
        assert main(["plan", str(path), "--config", here, "--against", there]) == 0
        shown = capsys.readouterr().out
        before = plan.decision("campaign:103")
        assert before is not None
        assert before.asks
        assert "1 item would be decided differently" in shown
        tail = shown.partition("would be decided differently")[2]
        assert f"here   {before.rule}" in tail
        assert "(campaign:103)" in tail
        assert "send by Fri 20 Nov 04:05 CST" in tail
        assert "asked" not in tail.partition("there  ")[2]

    def test_of_the_same_policy_says_that_nothing_differs(
        self, played: tuple[Evening, Plan, Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, _, path = played
        here = str(evening.folder / "config")
        assert main(["--config", here, "plan", str(path), "--against", here]) == 0
        assert f"0 items would be decided differently with {here}\n" in capsys.readouterr().out

    def test_speaks_json(
        self, played: tuple[Evening, Plan, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, plan, path = played
        here, there = str(evening.folder / "config"), str(strict(evening, tmp_path))
        assert main(["plan", str(path), "--config", here, "--against", there, "--json"]) == 0
        body = json.loads(capsys.readouterr().out)
        assert [one["key"] for one in body["decisions"]] == [one.key for one in plan.decisions]
        assert body["against"]["different"] == ["campaign:103"]

    def test_says_what_a_policy_asks_that_the_recording_does_not_hold(
        self, played: tuple[Evening, Plan, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, _, path = played
        site = another_site(evening, tmp_path, "\nlead_hours: 40\n")
        assert main(["plan", str(path), "--config", str(site)]) == 0
        assert "The recording does not hold campaigns due before" in capsys.readouterr().out

    def test_refuses_what_is_no_recording(
        self, played: tuple[Evening, Plan, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        here = str(played[0].folder / "config")
        (tmp_path / "a.json").write_text("{}")
        for name, said in (
            ("a.json", "is no recording that this version reads (organization: Field required)"),
            ("nothing.json", "cannot be read"),
        ):
            assert main(["plan", str(tmp_path / name), "--config", here]) == 2
            told = capsys.readouterr().err
            assert said in told
            assert "name a .recording.json from the folder of the reports" in told

    def test_refuses_a_site_that_does_not_fit(
        self, played: tuple[Evening, Plan, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, _, path = played
        name = evening.site.organization
        job = load_recording(path).inventory.occurrences[0].job_id
        other = another_site(evening, tmp_path, "", (f"organization: {name}", "organization: opera"))
        assert main(["plan", str(path), "--config", str(other)]) == 2
        assert "and the configuration of 'opera'" in capsys.readouterr().err
        without = another_site(evening, tmp_path / "2", "", (job, "j-gone"))
        assert main(["plan", str(path), "--config", str(without)]) == 2
        assert f"occurrences of job {job!r}, which jobs.yaml does not name" in capsys.readouterr().err

    def test_in_mode_auto_marks_what_would_run_by_itself(
        self, played: tuple[Evening, Plan, Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, plan, path = played
        here = ["plan", str(path), "--config", str(evening.folder / "config")]
        by_itself = set(automatic_choices(plan))
        assert by_itself
        for mode, wanted in (("auto", by_itself), ("ask", set()), ("plan", set())):
            assert main([*here, "--mode", mode, "--json"]) == 0
            body = json.loads(capsys.readouterr().out)
            assert {one["key"] for one in body["decisions"] if one["by_itself"]} == wanted
        main([*here, "--mode", "auto"])
        assert capsys.readouterr().out.count("runs by itself") == len(by_itself)
        main([*here, "--mode", "plan"])
        assert "keep watching" not in capsys.readouterr().out

    def test_says_whether_it_is_the_plan_that_was_made_then(
        self, played: tuple[Evening, Plan, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, _, path = played
        main(["plan", str(path), "--config", str(evening.folder / "config")])
        assert "not the plan that was made then" not in capsys.readouterr().out
        main(["plan", str(path), "--config", str(strict(evening, tmp_path))])
        assert "This is not the plan that was made then" in capsys.readouterr().out

    def test_takes_the_name_that_the_log_gives_and_says_where_it_cannot(
        self, played: tuple[Evening, Plan, Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, _, path = played
        here = ["--config", str(evening.folder / "config")]
        assert main(["plan", path.as_uri(), *here]) == 0
        capsys.readouterr()
        assert main(["plan", "s3://bucket/reports/a.recording.json", *here]) == 2
        assert "is not on this machine; copy it here and name the copy" in capsys.readouterr().err

    def test_refuses_an_answer_that_this_version_does_not_read(
        self, played: tuple[Evening, Plan, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        evening, _, path = played
        body = json.loads(path.read_text())
        listed = next(read for read in body["reads"] if read["call"] == "scheduled_since")
        del listed["answer"][0]["name"]
        (tmp_path / "old.json").write_text(json.dumps(body))
        assert main(["plan", str(tmp_path / "old.json"), "--config", str(evening.folder / "config")]) == 2
        assert "is no recording that this version reads (0.name: Field required)" in capsys.readouterr().err
