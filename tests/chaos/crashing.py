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
import os
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
from tests.chaos.blows import PATIENCE, Blow, HitLedger, hit_the_wire
from tests.chaos.scenarios import (
    BY_HAND,
    SCENARIOS,
    Boundary,
    Files,
    Prepared,
    Scenario,
    prepared,
)
from tests.chaos.serving import serve
from tests.claims import every_action
from tests.incident.house import PRESSES

from pro2.hooks.factory import ports_from_connections
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Mode, Verb
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import Lane
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.manual import ManualAnswer
from pro2_reconciliation.repair.open_items import keep_open_items
from pro2_reconciliation.repair.reconcile import _step
from pro2_reconciliation.repair.report import make_report
from pro2_reconciliation.repair.step_result import StepResult
from pro2_reconciliation.repair.steps import LEASE_SECONDS

# ------------------------------------------------------------------------------------------ the actors' process


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
            return sum(
                len(s.moves) for a in every_action(ledger, self.house.site.organization) for s in a.steps
            )
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
            hit_the_wire(blow, wire)
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
            serve(house, listening)
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
