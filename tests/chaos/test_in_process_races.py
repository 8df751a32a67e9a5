"""Nightly, detection's and a manual dag run over the same window at once: each effect happens once.

Three dag runs, each in a thread of its own, take turns: only the one that has the turn runs, and before every request
and every write of the ledger a seeded choice hands it on. A wait is a place in the common time: when all wait, the
clock moves to whoever wakes first. So a seed is one interleaving, the same on every machine.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from tests.chaos.oracle import judge
from tests.chaos.playing import Life, Stage
from tests.chaos.test_people import BASE, CAMPAIGN, JOBS
from tests.incident.harness import MovableClock

from pro2_reconciliation.domain.words import Mode
from pro2_sandbox import build_incident

SEEDS = 300 if os.environ.get("CHAOS") == "long" else 30
RUNS = {"scheduled__1": Mode.PLAN, "outage__1__g1": Mode.ASK, "manual__1": Mode.ASK}
"""The nightly proposes; detection's dag run and a person's form both act."""
PATIENCE = 120.0
"""Real seconds after which a turn that nobody takes is a failure of this scheduler."""


class Turns:
    """Hands one turn around among the actors. ``pass_on`` may be called by the actor that has it."""

    def __init__(self, clock: MovableClock, chance: Random) -> None:
        self.clock, self.chance = clock, chance
        self._wakes: dict[str, float] = {}
        self._at = threading.Condition()
        self._turn = ""
        self.passed = 0

    def join(self, name: str) -> None:
        self._wakes[name] = 0.0

    def begin(self) -> None:
        with self._at:
            self._choose()

    def wait_for(self, name: str) -> None:
        with self._at:
            if not self._at.wait_for(lambda: self._turn == name, PATIENCE):
                raise AssertionError(f"{name} never got its turn; {self._turn!r} has it")

    def pass_on(self, name: str, seconds: float = 0.0) -> None:
        """Give the turn away and come back when it is ours again, ``seconds`` of the clock later at the earliest."""
        with self._at:
            self._wakes[name] = self._now() + seconds
            self._choose()
        self.wait_for(name)

    def leave(self, name: str) -> None:
        with self._at:
            del self._wakes[name]
            self._choose()

    def _now(self) -> float:
        return self.clock.now().timestamp()

    def _choose(self) -> None:
        self.passed += 1
        if not self._wakes:
            self._turn = ""
        else:
            awake = sorted(name for name, at in self._wakes.items() if at <= self._now())
            if not awake:
                first = min(self._wakes.values())
                MovableClock.sleep(self.clock, first - self._now())  # the guard passes meanwhile
                awake = sorted(name for name, at in self._wakes.items() if at <= self._now())
            self._turn = self.chance.choice(awake)
        self._at.notify_all()


class ActorsClock(MovableClock):
    """The common time as one actor knows it: to sleep is to give the turn away."""

    def __init__(self, common: MovableClock, turns: Turns, name: str) -> None:
        super().__init__(common.at)
        self.common, self.turns, self.name = common, turns, name

    def now(self) -> datetime:
        return self.common.now()

    def sleep(self, seconds: float) -> None:
        self.turns.pass_on(self.name, max(seconds, 0.001))


def race(folder: Path, seed: int) -> tuple[Stage, Turns]:
    """All of ``RUNS`` at once. What goes wrong in a thread is raised here."""
    incident = build_incident({**BASE, "name": "race", "campaigns": [CAMPAIGN], "jobs": JOBS})
    stage = Stage(folder, incident)
    stage.end_outage()
    stage.keep_snapshot()
    turns = Turns(stage.clock, Random(seed))
    failed: list[BaseException] = []

    def act(name: str, mode: Mode) -> None:
        turns.wait_for(name)
        try:
            life = Life(turn=lambda: turns.pass_on(name))
            stage.dag_run(name, mode, life=life, clock=ActorsClock(stage.clock, turns, name))
        except BaseException as error:
            failed.append(error)
        finally:
            turns.leave(name)

    threads = [threading.Thread(target=act, args=one, daemon=True) for one in RUNS.items()]
    for name in RUNS:
        turns.join(name)
    for thread in threads:
        thread.start()
    turns.begin()
    for thread in threads:
        thread.join(PATIENCE)
    assert not failed, failed
    stage.dag_run("scheduled__2")
    return stage, turns


@pytest.mark.parametrize("seed", range(SEEDS))
def test_dag_runs_at_once_have_each_effect_once(tmp_path: Path, seed: int) -> None:
    stage, turns = race(tmp_path, seed)

    assert turns.passed > 100
    assert judge(stage).faults == []
    ours = Counter(one.effect.kind for one in stage.stamped if one.effect.by == "us")
    once = ("campaign_stopped", "campaign_copied", "campaign_sent", "repeat_import", "run_now")
    assert {kind: ours[kind] for kind in once} == dict.fromkeys(once, 1)
    assert stage.world.effects.mailed_twice() == []


def test_an_interleaving_is_the_same_every_time(tmp_path: Path) -> None:
    def told(folder: Path) -> list[object]:
        stage, _ = race(folder, 1)
        return [(one.owner, one.request.method, one.request.path) for one in stage.wire.carried]

    assert told(tmp_path / "a") == told(tmp_path / "b")
