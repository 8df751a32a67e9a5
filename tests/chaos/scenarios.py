"""What the crash matrix crosses: the steps of every action, the boundaries of a step, and an evening up to a step."""

from __future__ import annotations

import contextlib
import functools
import mmap
import sqlite3
import struct
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.incident.harness import START, Evening, MovableClock
from tests.incident.house import PRESSES

from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Verb
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.actions import Lane
from pro2_reconciliation.repair.clearing import Cleared, clear
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.reconcile import _step, watch

INCIDENT = Path(__file__).with_name("crashing.yaml")


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
