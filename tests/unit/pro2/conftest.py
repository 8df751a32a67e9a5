"""Tasks without Airflow's processes: a context, a site folder, a ledger in a file, and the sandbox in process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from shutil import copyfile
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.sdk.bases.operator import ExecutorSafeguard
from tests.claims import every_action
from tests.incident.harness import INCIDENTS, Evening, MovableClock, approve_all

from pro2 import form
from pro2_reconciliation.domain.errors import LedgerUnavailable
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.restriction import UNRESTRICTED, Restriction
from pro2_reconciliation.domain.words import Choice, Mode, Service
from pro2_reconciliation.ledger import Ledger, State
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.reconcile import watch
from pro2_sandbox import load_incident

NOW = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
"""21:45 in Chicago, forty minutes after the outage of the examples."""
HOSTILE = "{{ conn.pro2.password }} <script>alert(1)</script>"
JOBS = """\
organization: playhouse
zone: America/Chicago
jobs:
  - {id: "j-201", name: Members sync, process_type: integrated_import, cron: "30 18 * * *", usual_minutes: 5}
"""
FORM = {key: param.value for key, param in form.params().items()}
"""What the form of ``reconcile`` posts when nobody fills anything in."""


@dataclass
class TaskInstance:
    """What a task sees of itself. ``xcoms``: task id to its value, or to the list of a mapped task's values; with a
    key, ``task_id.key``. ``states``: of other dag runs, by run id.
    """

    task_id: str = "a_task"
    map_index: int = -1
    run_id: str = "manual__1"
    dag_id: str = "reconcile"
    id: str = "00000000-0000-0000-0000-000000000001"
    xcoms: dict[str, Any] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)

    def get_dr_count(self, dag_id: str, run_ids: list[str], states: list[str] | None = None) -> int:
        known = [self.states[run_id] for run_id in run_ids if run_id in self.states]
        return sum(states is None or state in states for state in known)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[f"{self.task_id}.{key}"] = value

    def xcom_pull(self, task_ids: str, map_indexes: range | None = None, key: str = "") -> Any:
        found = self.xcoms.get(f"{task_ids}.{key}" if key else task_ids)
        if map_indexes is None:
            return found
        values = found or []
        return [values[index] if index < len(values) else None for index in map_indexes]


def make_context(
    params: Mapping[str, Any] | None = None,
    *,
    run_type: DagRunType = DagRunType.MANUAL,
    xcoms: dict[str, Any] | None = None,
    **of_task: Any,
) -> dict[str, Any]:
    """The parts of Airflow's context that our tasks read."""
    ti = TaskInstance(xcoms=xcoms or {}, **of_task)
    return {
        "params": {**FORM, **(params or {})},
        "dag_run": SimpleNamespace(run_id=ti.run_id, run_type=run_type),
        "dag": SimpleNamespace(dag_id=ti.dag_id),
        "ti": ti,
        "task_instance": ti,
    }


@pytest.fixture
def context() -> Callable[..., dict[str, Any]]:
    return make_context


@pytest.fixture
def executable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow lets ``execute`` be called outside of its task runner only in its own test mode."""
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)


@pytest.fixture(scope="session")
def new_ledger(new_ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which nothing happened yet, and that a person adopted."""
    path = tmp_path_factory.mktemp("adopted") / "ledger.db"
    copyfile(new_ledger, path)
    made = Ledger.open(f"sqlite:///{path}", clock=lambda: NOW)
    made.adopt("operator", "first start")
    made.close()
    return path


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ledger(new_ledger: Path, tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """The ledger that the connection ``reconciliation_ledger`` names."""
    path = tmp_path / "site-ledger.db"
    copyfile(new_ledger, path)
    connection = {"conn_type": "sqlite", "host": str(path)}
    monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", json.dumps(connection))
    opened = Ledger.open(f"sqlite:///{path}", clock=lambda: datetime.now(UTC))
    yield opened
    opened.close()


@pytest.fixture
def site_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site's own files, where PRO2_RECONCILIATION_CONFIG says."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "jobs.yaml").write_text(JOBS)
    monkeypatch.setenv("PRO2_RECONCILIATION_CONFIG", str(folder))
    return folder


@pytest.fixture
def outage(ledger: Ledger) -> Callable[..., Outage]:
    """Put an outage into the ledger beside those that are there: 18:00 to 21:05 unless said otherwise."""

    def put(identity: str = "3f2a", **changes: Any) -> Outage:
        plain: dict[str, Any] = {
            "organization": "playhouse",
            "service": Service.SENDING,
            "start": datetime(2026, 11, 20, 0, 0, tzinfo=UTC),
            "end": datetime(2026, 11, 20, 3, 5, tzinfo=UTC),
            "state": OutageState.SETTLED,
        }
        made = Outage(**{"id": identity, **plain, **changes})
        ledger.replace_outages(
            made.organization, [*ledger.outages(made.organization), made], "put by the test"
        )
        return made

    return put


@cache
def incident(hostile: bool = False) -> Any:
    """Two campaigns that were due in the outage and never left, looked at every five minutes."""
    worked = load_incident(INCIDENTS / "worked-example.yaml")
    first = next(campaign for campaign in worked.campaigns if campaign.id == "103")
    second = first.model_copy(
        update={
            "id": "104",
            "name": HOSTILE if hostile else "Gala invitation",
            "subject": "Gala",
            "recipients": 900,
        }
    )
    policy = {**worked.policy, "poll_seconds": 300}
    return worked.model_copy(update={"campaigns": (first, second), "expected": (), "policy": policy})


@dataclass
class Playing:
    """An evening whose account is what every task opens, and the way through ``flow`` as the DAG goes it."""

    evening: Evening
    run_id: str = "outage__1__g1"
    mode: Mode = Mode.ASK
    outage_ids: tuple[str, ...] = ()
    known: Watched | None = None
    followed: list[str] = field(default_factory=list)
    restriction: Restriction = UNRESTRICTED

    @property
    def resolved(self) -> dict[str, Any]:
        return {
            "window": self.evening.window()
            .model_copy(update={"outage_ids": self.outage_ids})
            .model_dump(mode="json"),
            "mode": self.mode.value,
            "only": [],
            "parent": None,
            "reason": "a test",
            "restriction": self.restriction.model_dump(mode="json"),
        }

    @property
    def ledger(self) -> Ledger:
        return self.evening.ledger()

    def context(self, **more: Any) -> dict[str, Any]:
        return make_context(run_id=self.run_id, **more)

    def observed(self) -> dict[str, Any]:
        """The XComs up to ``build_plan``, as they arrive: what a trigger pushed is JSON text."""
        from pro2 import flow

        if self.known is not None:
            return dict(self.known.xcoms)
        places = flow.take_inventory(self.context(task_id="take_inventory"), self.resolved)
        inventory = self.ledger.inventory(self.run_id)
        found = watch(self.evening.account("watch"), inventory)
        xcoms: dict[str, Any] = {"take_inventory": places}
        for item in inventory.watch:
            xcoms.setdefault(item.sensor, []).append(found[item.key].model_dump_json())
        return xcoms

    def watched_items(self, kind: str) -> list[dict[str, Any]]:
        from pro2 import flow

        return flow.watched_items(self.context(), kind)

    def plan(self, xcoms: dict[str, Any] | None = None) -> Plan:
        from pro2 import flow

        if xcoms is None and self.known is not None:
            return self.known.plan
        made = flow.build_plan(
            self.context(task_id="build_plan", xcoms=xcoms or self.observed()), self.resolved
        )
        found = self.ledger.plan(made)
        assert found is not None
        return found

    def cleared(
        self, answer: Callable[[Plan], Mapping[str, Choice]] = approve_all, plan: Plan | None = None
    ) -> tuple[Plan, dict[str, Any]]:
        """Answered as ``answer`` says, with the guard alive."""
        from pro2 import flow

        plan = plan or self.plan()
        self.ledger.beat(GUARD)
        self.ledger.save_answers(plan.hash, dict(answer(plan)), "Ada")
        context = self.context(task_id="clear")
        self.followed = flow.clear(context, self.resolved, plan.hash)
        cleared = flow.cleared_in(context)
        assert cleared is not None
        return plan, cleared

    def advance(self, **time: float) -> None:
        self.evening.clock.at += timedelta(**time)


@dataclass
class Watched:
    """What an evening left behind when its sensors had ended and its plan was made."""

    ledger: Path
    xcoms: dict[str, Any]
    plan: Plan
    evening: Evening


def open_for_tasks(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every task open this evening's account, on one ledger that stays open."""
    ledger = evening.ledger()
    monkeypatch.setattr(evening, "ledger", lambda: ledger)
    tasks = ("flow", "detection", "guarding", "window", "reporting", "notifying")
    for module in ("pro2.accounts", "pro2.organization", *(f"pro2.{name}" for name in tasks)):
        monkeypatch.setattr(f"{module}.open_account", lambda who, **_: evening.account(who), raising=False)
        monkeypatch.setattr(f"{module}.open_ledger", lambda **_: evening.ledger(), raising=False)
        monkeypatch.setattr(f"{module}.open_witness", lambda: evening.witness, raising=False)
        monkeypatch.setattr(f"{module}.open_site", lambda: evening.site, raising=False)
    monkeypatch.setattr("pro2.operators.question.open_ledger", evening.ledger)


@pytest.fixture(scope="session")
def watched_evening(new_ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Watched]:
    """The evening up to its plan, played once: reading changes nothing but clock and ledger."""
    known: dict[bool, Watched] = {}

    def watched(hostile: bool) -> Watched:
        if hostile not in known:
            folder = tmp_path_factory.mktemp("evening")
            evening = Evening(folder, incident(hostile))
            copyfile(new_ledger, folder / "ledger.db")
            evening.end_outage()
            with pytest.MonkeyPatch.context() as patch:
                open_for_tasks(evening, patch)
                played = Playing(evening)
                xcoms = played.observed()
                plan = played.plan(xcoms)
                evening.ledger().close()
            known[hostile] = Watched(folder / "ledger.db", xcoms, plan, evening)
        return known[hostile]

    return watched


@pytest.fixture
def play(
    new_ledger: Path,
    watched_evening: Callable[[bool], Watched],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Playing]]:
    """Begin an evening and let every task open its account.

    With nothing said but the mode it begins where the plan was made. ``still``: the test changes nothing in Pro2,
    so the account may be the one that others look at too.
    """
    begun: list[Evening] = []

    def begin(*, hostile: bool = False, still: bool = False, mode: Mode = Mode.ASK, **how: Any) -> Playing:
        known = None if how else watched_evening(hostile)
        if known is None:
            evening = Evening(tmp_path, incident(hostile))
            copyfile(new_ledger, tmp_path / "ledger.db")
            evening.end_outage()
        else:
            evening = copy(known.evening) if still else Evening(tmp_path, incident(hostile))
            evening.folder = tmp_path
            copyfile(known.ledger, tmp_path / "ledger.db")
            evening.clock = MovableClock(known.evening.clock.at) if still else evening.clock
            evening.clock.at = known.evening.clock.at
        open_for_tasks(evening, monkeypatch)
        begun.append(evening)
        return Playing(evening, mode=mode, known=known, **how)

    yield begin
    for evening in begun:
        evening.ledger().close()


@pytest.fixture
def playing(play: Callable[..., Playing]) -> Playing:
    return play()


def end_stale(playing: Playing, item_key: str) -> None:
    """What becomes of an action when what was shown has changed."""
    ledger = playing.ledger
    action = next(a for a in every_action(ledger) if a.item_key == item_key)
    ledger.end_rest(action.id, State.STALE, who="test", why="changed")


@pytest.fixture
def slept(playing: Playing, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Waiting moves the evening's clock, and ours with it."""
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)
        playing.evening.clock.sleep(seconds)
        ours.shift(seconds)

    monkeypatch.setattr("pro2.triggers.watch.asyncio.sleep", sleep)
    with time_machine.travel(playing.ledger.inventory(playing.run_id).taken_at, tick=False) as ours:
        yield naps


def ledger_is_away(*_: Any, **named: Any) -> Any:
    raise LedgerUnavailable("the database was shut down")
