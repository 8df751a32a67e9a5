"""The crash matrix: real processes that die, or stop and wake, at every boundary of every step of every action.

A cell: the sandbox with its truth is served by a process of its own over a real socket; the actor, another process,
carries out the lanes over the real hooks and a real ledger, and kills (or stops) itself at one boundary of one step;
then a second process goes on, to the report. Nothing in the product knows of it: the actor wraps its own ledger and
connections. Time is shared memory that only the acting process moves, so that leases run out without waiting.

``python -m tests.chaos.crashing`` plays every cell and prints the tables of docs/reliability.md.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import mmap
import os
import select
import shutil
import signal
import socket
import sqlite3
import struct
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from tests.incident.harness import START, Evening, MovableClock
from tests.incident.house import PRESSES

from pro2.hooks import punctual
from pro2.hooks.factory import ports_from_connections
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Verb
from pro2_reconciliation.ledger import Claim, Ledger, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import Lane
from pro2_reconciliation.repair.clearing import Cleared, clear
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.manual import ManualAnswer
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.reconcile import _step, watch
from pro2_reconciliation.repair.report import keep_open_items, make_report
from pro2_reconciliation.repair.step_result import StepResult
from pro2_reconciliation.repair.steps import LEASE_SECONDS

INCIDENT = Path(__file__).with_name("crashing.yaml")
PATIENCE = 60.0
"""Real seconds that a process of a cell may take before the cell fails."""


class Boundary(StrEnum):
    """Where the actor dies. ``CONNECTED``: the socket stands, and the next thing would be the first byte."""

    BEFORE_CLAIM = "before the claim"
    CLAIMED = "after the claim"
    INTENDED = "after the intent"
    CONNECTED = "before the first byte"
    LEFT = "after the request left"
    ANSWERED = "after the answer"
    RECORDED = "after the record"


@dataclass(frozen=True)
class Scenario:
    """One step of one action. ``by_hand``: a person is asked to press it."""

    name: str
    item: str
    choice: Choice
    remedy: Remedy
    verb: Verb
    effect: str
    by_hand: bool = False

    def __str__(self) -> str:
        return self.name


RESEND = ("103", Choice.RESEND, Remedy.RESEND)
SCENARIOS = (
    Scenario("stop of a resend", *RESEND, Verb.STOP_CAMPAIGN, "campaign_stopped"),
    Scenario("copy", *RESEND, Verb.COPY_CAMPAIGN, "campaign_copied"),
    Scenario("send", *RESEND, Verb.SEND_CAMPAIGN, "campaign_sent"),
    Scenario("hold back", "103", Choice.HOLD_BACK, Remedy.HOLD_BACK, Verb.STOP_CAMPAIGN, "campaign_stopped"),
    Scenario("stop run", "j-hanging", Choice.REPROCESS, Remedy.REPEAT_IMPORT, Verb.STOP_RUN, "job_stopped"),
    Scenario("run now", "j-trigger", Choice.REPROCESS, Remedy.RUN_NOW, Verb.RUN_NOW, "run_now"),
    Scenario(
        "repeat import",
        "j-import",
        Choice.REPROCESS,
        Remedy.REPEAT_IMPORT,
        Verb.REPEAT_IMPORT,
        "repeat_import",
    ),
    Scenario("import list", "j-sync", Choice.REPROCESS, Remedy.DATA_SYNC, Verb.IMPORT_LIST, "import"),
    Scenario("add tag", "j-sync", Choice.ADD_TAG, Remedy.ADD_TAG, Verb.ADD_TAG, "tag_added"),
    Scenario("remove tag", "j-sync", Choice.REMOVE_TAG, Remedy.REMOVE_TAG, Verb.REMOVE_TAG, "tag_removed"),
)
BY_HAND = tuple(
    replace(one, name=f"{one.name}, by hand", by_hand=True)
    for one in SCENARIOS
    if one.verb in PRESSES and one.remedy is not Remedy.HOLD_BACK
)
RUNS = frozenset({Verb.RUN_NOW, Verb.REPEAT_IMPORT, Verb.IMPORT_LIST})
"""Verbs of which nothing proves that they did not happen."""


class SharedClock(MovableClock):
    """A clock in shared memory: whoever sleeps moves it for all processes of a cell."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)
        super().__init__(START)

    @property
    def at(self) -> datetime:
        (micros,) = struct.unpack("q", self._memory[:8])
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)

    @at.setter
    def at(self, value: datetime) -> None:
        passed = value - datetime(1970, 1, 1, tzinfo=UTC)
        self._memory[:8] = struct.pack("q", passed // timedelta(microseconds=1))


class Files:
    """Ledgers in SQLite files: one to prepare a scenario in, and a copy of it for each cell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0

    def new(self) -> str:
        self._number += 1
        return f"sqlite:///{self.folder}/{self._number}.db"

    def copy(self, url: str) -> str:
        made = self.new()
        with (
            contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as old,
            contextlib.closing(sqlite3.connect(made.removeprefix("sqlite:///"))) as new,
        ):
            old.backup(new)
        return made


class Prepared(Evening):
    """A scenario up to its step: plan made, answered and cleared, everything before the step done and proven."""

    def __init__(self, scenario: Scenario, stores: Any) -> None:
        folder = Path(tempfile.mkdtemp(prefix="crash-"))
        self.stores, self.url, self.scenario = stores, stores.new(), scenario
        self._kept: Ledger | None = None
        super().__init__(folder, INCIDENT, SharedClock())
        self.end_outage()
        only, parent = (), None
        if scenario.verb in (Verb.ADD_TAG, Verb.REMOVE_TAG):
            first, _ = self.reconcile(
                answer=lambda plan: {self._mine(plan, Remedy.DATA_SYNC).key: Choice.REPROCESS}
            )
            only, parent = (self._mine(first, Remedy.DATA_SYNC).key,), first.hash
        self.plan = self._planned(only, parent)
        self.cleared = self._cleared()
        self._steps_before()
        self.started = self.clock.at
        self.ledger().close()
        self._kept = None

    def ledger(self) -> Ledger:
        if self._kept is None:
            self._kept = Ledger.open(self.url, clock=self.clock.now)
            if self._kept.identity.adopted_at is None:
                self._kept.adopt("operator", "first start")
        return self._kept

    @property
    def manual(self) -> frozenset[Verb]:
        return frozenset(PRESSES) if self.scenario.by_hand else frozenset()

    @property
    def decision(self) -> Decision:
        return self._mine(self.plan, self.scenario.remedy)

    def _mine(self, plan: Plan, remedy: Remedy) -> Decision:
        wanted = Remedy.RESEND if remedy is Remedy.HOLD_BACK else remedy
        return next(
            d
            for d in plan.decisions
            if d.remedy is wanted and d.item_id.partition("@")[0] == self.scenario.item
        )

    def _planned(self, only: tuple[str, ...], parent: str | None) -> Plan:
        account = self.account("run-1 on here")
        inventory = take_inventory(account, self.window(), only=only)
        plan = build_plan(account, inventory, watch(account, inventory), run="run-1", parent=parent)
        account.ledger.save_plan(plan, "run-1")
        chosen = {self._mine(plan, self.scenario.remedy).key: self.scenario.choice}
        account.ledger.save_answers(plan.hash, chosen, "kim")
        return plan

    def _cleared(self) -> Cleared:
        account = self.account("run-1 on here", manual=self.manual)
        return clear(account, self.plan, Mode.ASK, who="run-1")

    def _steps_before(self) -> None:
        """Whoever presses the steps before the one that is tested: we do, it is nothing to them."""
        account = self.account("run-1 on here")
        for lane in Lane:
            for step in self.cleared.of(lane):
                if step.verb is self.scenario.verb:
                    return
                account.ledger.beat(GUARD)
                _step(account, self.plan, step, None)


@functools.cache
def prepared(scenario: Scenario, stores: Any) -> Prepared:
    return Prepared(scenario, stores)


# ------------------------------------------------------------------------------------------ the sandbox's process


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    evening: Evening

    def _any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = "form" in (self.headers.get("Content-Type") or "")
        path = urlsplit(self.path)
        answer = self.evening.sandbox.call(
            self.command,
            path.path,
            params=dict(parse_qsl(path.query, keep_blank_values=True)),
            headers={k: v for k, v in self.headers.items() if k.lower() in ("api-token", "authorization")},
            form=dict(parse_qsl(raw, keep_blank_values=True)) if form else None,
            json=json.loads(raw) if raw and not form else None,
        )
        body = answer.text.encode()
        head = f"HTTP/1.1 {answer.status} x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with contextlib.suppress(ConnectionError):
            self.wfile.write(head.encode() + body)

    do_GET = do_POST = do_DELETE = do_PUT = _any

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, *_: Any) -> None:
        """An actor that died in the middle of a request is what is being tested."""


# ------------------------------------------------------------------------------------------ the actors' process


@dataclass
class Blow:
    """Where an actor hits itself, and with what; once."""

    boundary: Boundary
    verb: Verb
    with_signal: int
    armed: bool = True

    def at(self, boundary: Boundary, verb: Verb | None = None) -> None:
        if self.armed and boundary is self.boundary and verb in (None, self.verb):
            self.armed = False
            os.kill(os.getpid(), self.with_signal)


class HitLedger:
    """The ledger with the blow around it."""

    def __init__(self, ledger: Ledger, blow: Blow, wire: list[bool]) -> None:
        self._ledger, self._blow, self._wire = ledger, blow, wire

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def _verb(self, step_id: int) -> Verb:
        return self._ledger.step(step_id).verb

    def claim(self, step_id: int, *given: Any, **named: Any) -> Claim | None:
        self._blow.at(Boundary.BEFORE_CLAIM, self._verb(step_id))
        claim = self._ledger.claim(step_id, *given, **named)
        if claim is not None:
            self._blow.at(Boundary.CLAIMED, self._verb(step_id))
        return claim

    def intend(self, claim: Claim, **named: Any) -> StepRecord:
        step = self._ledger.intend(claim, **named)
        self._blow.at(Boundary.INTENDED, step.verb)
        self._wire[:] = [step.verb is self._blow.verb]
        return step

    def move(self, step_id: int, to: State, **named: Any) -> StepRecord:
        verb = self._verb(step_id)
        if to is State.DONE:
            self._blow.at(Boundary.ANSWERED, verb)
        step = self._ledger.move(step_id, to, **named)
        if to is State.DONE:
            self._blow.at(Boundary.RECORDED, verb)
        return step


def _hit_the_wire(blow: Blow, wire: list[bool]) -> None:
    """Die with the socket open and nothing said, or when the answer has begun to arrive and is not read."""
    for kind in (punctual._Connection, punctual._SecureConnection):
        connect, getresponse = kind.connect, kind.getresponse

        def connected(self: Any, connect: Any = connect) -> None:
            connect(self)
            if any(wire):
                blow.at(Boundary.CONNECTED)

        def answering(self: Any, getresponse: Any = getresponse) -> Any:
            if any(wire) and blow.boundary is Boundary.LEFT:
                select.select([self.sock], [], [], PATIENCE)
                blow.at(Boundary.LEFT)
            return getresponse(self)

        kind.connect, kind.getresponse = connected, answering  # type: ignore[method-assign]


@dataclass
class Person:
    """Does in Pro2 what the step says, unless it is done already, as it says too."""

    house: Prepared
    call: Callable[[str, str, Any], Any]
    blow: Blow | None

    def __call__(self, asked: StepResult) -> ManualAnswer:
        mine = self.blow is not None and asked.verb is self.blow.verb
        if self.blow is not None and mine:
            self.blow.at(Boundary.CONNECTED)  # told, and nothing pressed
        if not self._pressed(asked.verb):
            self.call("POST", "/sandbox/people", self._deed(asked))
        if self.blow is not None and mine:
            self.blow.at(Boundary.LEFT)
        return ManualAnswer.DONE

    def _pressed(self, verb: Verb) -> bool:
        kind = next(one.effect for one in SCENARIOS if one.verb is verb)
        effects = self.call("GET", "/sandbox/effects", None)["effects"]
        return any(e["kind"] == kind and e["by"] == "person" for e in effects)

    def _deed(self, asked: StepResult) -> dict[str, str]:
        item = self.house.scenario.item
        deed = {"does": PRESSES[asked.verb], "item": item}
        if asked.verb is Verb.SEND_CAMPAIGN:
            effects = self.call("GET", "/sandbox/effects", None)["effects"]
            deed["item"] = next(e["detail"]["copy"] for e in effects if e["kind"] == "campaign_copied")
        if asked.verb is Verb.IMPORT_LIST:
            job = self.house.site.jobs_by_id[item]
            deed |= {"item": str(job.tessitura_list), "tag": str(self.house.decision.tag)}
        return deed


@dataclass
class Cell:
    """One cell while it is played. Processes are forked from this one; each leaves its words in a file."""

    house: Prepared
    url: str
    port: int
    folder: Path
    server: int
    spent: list[int] = field(default_factory=list)

    def fork(self, owner: str, blow: Blow | None = None, *, press: bool = True) -> int:
        """An actor that carries out the lanes and makes the report."""
        pid = _fork()
        if pid:
            self.spent.append(pid)
            return pid
        try:
            told = self._act(owner, blow, press)
        except LedgerError as error:
            told = {"refused": str(error)}
        except BaseException:
            told = {"broken": traceback.format_exc()}
        try:
            (self.folder / f"{os.getpid()}.json").write_text(json.dumps(told))
        finally:
            os._exit(0)

    def told(self, pid: int) -> dict[str, Any]:
        """What an actor said in the end; nothing if it was killed."""
        file = self.folder / f"{pid}.json"
        words: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        assert "broken" not in words, words["broken"]
        return words

    def wait(self, pid: int, stopped: bool = False) -> int:
        """Until a process ended, or stopped itself; its status as ``waitpid`` gives it."""
        signal.signal(signal.SIGALRM, _too_slow)
        signal.alarm(int(PATIENCE))
        try:
            _, status = os.waitpid(pid, os.WUNTRACED if stopped else 0)
        finally:
            signal.alarm(0)
        return status

    def call(self, method: str, path: str, body: Any = None) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method, f"http://127.0.0.1:{self.port}{path}", json=body, timeout=PATIENCE
            )
        return answer.json()

    def effects(self) -> list[dict[str, Any]]:
        """What we, or the person whom we asked, did of this scenario's kind."""
        listed = self.call("GET", "/sandbox/effects")["effects"]
        return [e for e in listed if e["kind"] == self.house.scenario.effect and e["by"] in ("us", "person")]

    def moves(self) -> int:
        ledger = Ledger.open(self.url, clock=self.house.clock.now)
        try:
            return sum(len(s.moves) for a in ledger.actions(self.house.site.organization) for s in a.steps)
        finally:
            ledger.close()

    def _act(self, owner: str, blow: Blow | None, press: bool) -> dict[str, Any]:
        account = self._account(owner, blow)
        person = Person(self.house, self.call, blow) if press else None
        for lane in Lane:
            for step in self.house.cleared.of(lane):
                _step(account, self.house.plan, step, person)
        report = make_report(account, self.house.plan, Mode.ASK, not_now=self.house.cleared.not_now)
        keep_open_items(account, self.house.plan, report)
        (row,) = [row for row in report.rows if row.key == self.house.decision.key]
        kept = [one.item_key for one in account.ledger.open_items(account.organization)]
        return {
            "end": row.outcome.value,
            "detail": row.detail,
            "steps": list(row.steps),
            "open": row.key in kept,
        }

    def _account(self, owner: str, blow: Blow | None) -> Account:
        clock, house = self.house.clock, self.house
        base, tokens = f"http://127.0.0.1:{self.port}", house.incident.tokens
        extra = {"read_only": False, "pace_ms": 0, "timeout": 20}
        user, password = tokens.tessitura_user, tokens.tessitura_password
        for name, kind, host, more in (
            ("PRO2", "pro2", base, {"password": tokens.api_token}),
            ("PRO2_DASHBOARD", "pro2_dashboard", base, {"password": tokens.dashboard_token}),
            ("TESSITURA", "tessitura", base, {"login": user, "password": password}),
        ):
            given = {"conn_type": kind, "host": host, "extra": extra | {"organization": "playhouse"}, **more}
            os.environ[f"AIRFLOW_CONN_{name}"] = json.dumps(given)
        campaigns, contacts, dashboard, lists = ports_from_connections(
            "pro2", "pro2_dashboard", "tessitura", sleep=clock.sleep
        )
        ledger: Any = Ledger.open(self.url, clock=clock.now)
        ledger.beat(GUARD)
        clock._called = clock.at
        clock.every_minute = functools.partial(ledger.beat, GUARD)  # the guard passes, whoever acts
        if blow is not None:
            wire: list[bool] = []
            ledger = HitLedger(ledger, blow, wire)
            _hit_the_wire(blow, wire)
        return Account(
            site=house.site,
            campaigns=campaigns,
            contacts=contacts,
            dashboard=dashboard,
            lists=lists,
            ledger=ledger,
            clock=clock,
            owner=owner,
            manual=house.manual,
        )


def _fork() -> int:
    """As ``os.fork``. The child collects no garbage: that would copy the whole heap of the parent."""
    gc.freeze()
    pid = os.fork()
    if pid:
        gc.unfreeze()
    else:
        gc.disable()
    return pid


def _too_slow(*_: Any) -> None:
    raise TimeoutError(f"a process of the cell took longer than {PATIENCE:g} s")


@contextlib.contextmanager
def cell(scenario: Scenario, stores: Any) -> Iterator[Cell]:
    """A fresh copy of the scenario's world and ledger, served; every process of it is gone afterwards."""
    house = prepared(scenario, stores)
    house.clock.at = house.started
    folder = Path(tempfile.mkdtemp(prefix="cell-"))
    listening = socket.create_server(("127.0.0.1", 0), backlog=32)
    port = listening.getsockname()[1]
    server = _fork()
    if not server:
        try:
            _serve(house, listening)
        finally:
            os._exit(1)
    listening.close()
    opened = Cell(house, stores.copy(house.url), port, folder, server)
    try:
        yield opened
    finally:
        for pid in (*opened.spent, server):
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        shutil.rmtree(folder, ignore_errors=True)


def _serve(house: Prepared, listening: socket.socket) -> None:
    server = _Server(
        ("127.0.0.1", 0), type("Handler", (_Handler,), {"evening": house}), bind_and_activate=False
    )
    server.socket.close()
    server.socket = listening
    server.serve_forever(poll_interval=60)


# ------------------------------------------------------------------------------------------ what is played


@dataclass(frozen=True)
class Played:
    """How a cell ended: the report's end, how often the effect happened, who was mailed twice, what never arrived."""

    end: str
    detail: str
    open: bool
    effects: int
    most: int
    mailed_twice: int
    missing: int
    woke: str = ""

    @property
    def short(self) -> str:
        return "needs a person" if self.end == "needs_human" else self.end


def killed(
    scenario: Scenario, boundary: Boundary, stores: Any, *, retry: str = "run-1 on there", lease: bool = True
) -> Played:
    """SIGKILL at the boundary, then ``retry`` goes on: at once (``lease`` False: it waits), or after the lease."""
    with cell(scenario, stores) as one:
        blow = Blow(boundary, scenario.verb, signal.SIGKILL)
        status = one.wait(one.fork("run-1 on here", blow))
        assert os.WIFSIGNALED(status), "it lived on: nothing hit it there"
        assert os.WTERMSIG(status) == signal.SIGKILL
        if lease:
            one.house.clock.at += timedelta(seconds=LEASE_SECONDS + 1)
        return _ended(one, one.fork(retry))


def stopped(
    scenario: Scenario, boundary: Boundary, stores: Any, *, retry: str = "run-2 on there", early: bool = False
) -> Played:
    """SIGSTOP at the boundary; another dag run takes over to the end; SIGCONT: it must not send and not write.

    ``early``: it wakes as soon as the other one has taken over, while that one still waits.
    """
    with cell(scenario, stores) as one:
        first = one.fork("run-1 on here", Blow(boundary, scenario.verb, signal.SIGSTOP))
        assert os.WIFSTOPPED(one.wait(first, stopped=True)), "it lived on: nothing hit it there"
        one.house.clock.at += timedelta(seconds=LEASE_SECONDS + 1)
        if early:
            second = one.fork(retry, Blow(Boundary.CLAIMED, scenario.verb, signal.SIGSTOP))
            assert os.WIFSTOPPED(one.wait(second, stopped=True))
            woke = _wake(one, first)
            os.kill(second, signal.SIGCONT)
            return replace(_ended(one, second), woke=woke)
        ended = _ended(one, one.fork(retry))
        woke = _wake(one, first)
        assert _ended(one) == replace(ended, end="", detail="", open=False), "it acted after it woke"
        return replace(ended, woke=woke)


def _wake(one: Cell, pid: int) -> str:
    """Let the sleeper go on to its end; what became of it, in a word. It has neither sent nor written anything."""
    effects, moves = one.effects(), one.moves()
    os.kill(pid, signal.SIGCONT)
    one.wait(pid)
    assert one.effects() == effects, "it sent after it woke"
    assert one.moves() == moves, "it wrote after it woke"
    told = one.told(pid)
    return "refused by the ledger" if "refused" in told else f"saw {told['end']}"


def _ended(one: Cell, actor: int | None = None) -> Played:
    told: dict[str, Any] = {"end": "", "detail": "", "open": False}
    if actor is not None:
        one.wait(actor)
        told = one.told(actor)
        assert "refused" not in told, told
    found = one.effects()
    each = Counter(json.dumps(e["detail"].get("contact")) for e in found)
    truth = one.call("GET", "/sandbox/truth")
    return Played(
        end=told["end"],
        detail=told["detail"],
        open=told["open"],
        effects=len(found),
        most=max(each.values(), default=0),
        mailed_twice=len(truth["mailed_twice"]),
        missing=len(truth["missing"]),
    )


def table(played: dict[tuple[Scenario, Boundary], Played]) -> str:
    """Rows of steps, columns of boundaries: the end, and how often the effect happened."""
    rows = [
        "| step | " + " | ".join(b.value for b in Boundary) + " |",
        "| --- " * (len(Boundary) + 1) + "|",
    ]
    for scenario in dict.fromkeys(key[0] for key in played):
        cells = [played.get((scenario, boundary)) for boundary in Boundary]
        rows.append(
            f"| {scenario.name} | " + " | ".join(f"{c.short}, {c.most}" if c else "" for c in cells) + " |"
        )
    return "\n".join(rows)


def main() -> None:
    """Play everything and print it."""
    stores = Files(Path(tempfile.mkdtemp(prefix="ledgers-")))
    for name, how, scenarios in (
        ("SIGKILL, then another process of the same dag run", killed, SCENARIOS + BY_HAND),
        ("SIGSTOP, another dag run to the end, then SIGCONT", stopped, SCENARIOS),
    ):
        played = {(s, b): how(s, b, stores) for s in scenarios for b in Boundary}
        sys.stdout.write(f"{name}\n\n{table(played)}\n\n")


if __name__ == "__main__":
    main()
