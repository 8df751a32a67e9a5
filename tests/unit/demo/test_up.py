"""``scripts/up`` tells where to look and how to log in, and then each thing that happens once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from pro2_sandbox import load_incident
from pro2_sandbox.demo import up
from pro2_sandbox.demo.airflow_runs import DETECT, RECONCILE
from pro2_sandbox.local.processes import LocalRunError

BEGUN = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
LIVE = load_incident("live-outage")
URL = "http://127.0.0.1:8080"


class Airflow:
    """As much of Airflow's API as is asked. ``runs``: dag run id to its state."""

    def __init__(self) -> None:
        self.runs: dict[str, str] = {}
        self.passes: list[str] = []
        self.pass_state = "success"
        self.asks: list[str] = []

    def dag_runs(self, dag_id: str) -> list[dict[str, Any]]:
        if dag_id == DETECT:
            return [{"dag_run_id": one, "state": self.pass_state} for one in self.passes]
        return [{"dag_run_id": run, "state": state} for run, state in self.runs.items()]

    def hitl_details(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        instance = {"task_id": "ask", "map_index": -1}
        return [{"subject": subject, "task_instance": instance} for subject in self.asks]

    def trigger(self, dag_id: str, run_id: str) -> None:
        self.passes.append(run_id)


class Now:
    def __init__(self) -> None:
        self.at = BEGUN

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def airflow() -> Airflow:
    return Airflow()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def teller(airflow: Airflow, now: Now) -> up.Teller:
    return up.Teller(airflow, LIVE, BEGUN, URL, now)  # type: ignore[arg-type]


def test_the_welcome_has_the_address_every_login_and_when_the_outage_is() -> None:
    passwords = {user: f"secret-of-{user}" for user in up.USERS}
    stage = SimpleNamespace(
        airflow=SimpleNamespace(url=URL, passwords=passwords, home=Path("up/airflow")),
        sandbox=SimpleNamespace(url="http://127.0.0.1:9"),
    )
    said = up.welcome(stage, LIVE, BEGUN)  # type: ignore[arg-type]
    assert f"Airflow  {URL}\n" in said
    for user, password in passwords.items():
        assert f"{user} " in said
        assert password in said
    assert "sending and dashboard down from Thu 19 Nov 18:01:30 until 18:04:00 CST" in said
    assert "until Ctrl-C" in said


def test_an_outage_that_does_not_end_says_so() -> None:
    assert up.timetable(load_incident("still-open"), BEGUN)[-1].endswith("and does not come back")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "http"], "'http' is not a port; give 1024 to 65535"),
        (["--port", "80"], "'80' is not a port"),
        (["--oops"], "unrecognized arguments: --oops"),
    ],
)
def test_a_mistake_in_the_command_is_said(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        up.parse(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_an_incident_that_is_not_there_ends_it_before_anything_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert up.main(["--root", str(tmp_path), "--incident", "nothing.yaml"]) == 1
    assert "nothing.yaml" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 0, "everything that was started has ended"),
        (LocalRunError("port 8080 cannot be used"), 1, "error after"),
    ],
)
def test_ctrl_c_is_a_good_end_and_what_does_not_come_up_is_not(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ends(*_: object) -> None:
        raise error

    monkeypatch.setattr(up, "stay", ends)
    assert up.main([]) == code
    assert said in "".join(capsys.readouterr())


class TestNews:
    def test_pro2_goes_down_and_comes_back(self, teller: up.Teller, now: Now) -> None:
        told = []
        for second in range(0, 300, 10):
            now.at = BEGUN + timedelta(seconds=second)
            told += teller.news()
        assert told == ["dashboard and sending: down", "dashboard and sending: back"]

    def test_a_dag_run_begins_asks_and_ends_each_told_once(self, teller: up.Teller, airflow: Airflow) -> None:
        airflow.runs["outage__1__g1"] = "running"
        airflow.asks = ["What may be done for 2 items?"]
        told = [*teller.news(), *teller.news()]
        airflow.runs["outage__1__g1"] = "success"
        began, asked, ended = [*told, *teller.news(), *teller.news()]
        assert began == f"{RECONCILE} began outage__1__g1: {URL}/dags/reconcile/runs/outage__1__g1"
        assert asked.startswith(f"Waits for an answer: What may be done for 2 items? {URL}/")
        assert ended == f"{RECONCILE} ended outage__1__g1: success"

    def test_detection_passes_again_until_the_outage_has_its_dag_run(
        self, teller: up.Teller, airflow: Airflow, now: Now
    ) -> None:
        for _ in range(7):
            teller.news()
            now.at += timedelta(seconds=5)
        assert airflow.passes == ["up__1", "up__2", "up__3"]
        airflow.runs["outage__1__g1"] = "running"
        now.at += timedelta(minutes=5)
        teller.news()
        assert len(airflow.passes) == 3

    def test_a_pass_that_is_not_over_is_waited_for(
        self, teller: up.Teller, airflow: Airflow, now: Now
    ) -> None:
        teller.news()
        airflow.pass_state = "running"
        now.at += timedelta(minutes=1)
        teller.news()
        assert airflow.passes == ["up__1"]


def test_an_airflow_that_is_busy_for_a_moment_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The loop goes on; only Ctrl-C or a dead process ends it."""
    said: list[str] = []
    looks = iter([requests.ConnectionError("busy"), ["something new"], KeyboardInterrupt()])

    class Stage:
        airflow = SimpleNamespace(api=Airflow, url=URL, passwords=dict.fromkeys(up.USERS, "x"), home=tmp_path)
        sandbox = SimpleNamespace(
            url=URL, get=lambda _: SimpleNamespace(json=lambda: {"t0": BEGUN.isoformat()})
        )

        def __enter__(self) -> Stage:
            return self

        def __exit__(self, *_: object) -> None:
            said.append("ended")

        def alive(self) -> None:
            pass

    def news(_: object) -> list[str]:
        found = next(looks)
        if isinstance(found, BaseException):
            raise found
        return found

    monkeypatch.setattr(up, "open_stage", lambda *_: Stage())
    monkeypatch.setattr(up, "Runs", lambda *_: SimpleNamespace(switch_on=lambda: None))
    monkeypatch.setattr(up.Teller, "news", news)
    monkeypatch.setattr(up.time, "sleep", lambda _: None)
    watch = SimpleNamespace(say=said.append)
    with pytest.raises(KeyboardInterrupt):
        up.stay(up.Options(tmp_path), watch)  # type: ignore[arg-type]
    assert said == ["something new", "ended"]
