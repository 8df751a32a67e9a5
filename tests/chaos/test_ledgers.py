"""Two ledgers, no ledger, an old one, a full disk, a locked database, no guard: nothing is sent that may not be.

The worked example is played task by task; something breaks at one place, each place in its turn. What is always true:
no patron gets a mail twice, the next dag run finds what was begun, and the sentence says what to do. The long form
(``CHAOS=long``) also breaks every write for good and twice, and puts every backup back before every task.
"""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.tasks import Night, new_ledger

from pro2_reconciliation.ledger import Ledger, Machine
from pro2_reconciliation.repair.report import End

LONG = os.environ.get("CHAOS") == "long"
WRITES = 19
"""Writing transactions of the tasks of the worked example, counted by ``test_every_write_is_broken_once``."""
TASKS = (
    "clear",
    "stop_campaign",
    "confirm_stop_campaign",
    "copy_campaign",
    "confirm_copy_campaign",
    "send_campaign",
    "confirm_send_campaign",
    "report",
)
BEFORE_THE_SEND = TASKS[:6]
SENT = "campaign_sent"


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_ledger(tmp_path_factory.mktemp("adopted"))


@pytest.fixture
def night(tmp_path: Path, adopted: Path) -> Night:
    return Night(tmp_path, adopted)


def end_of(report: Any) -> tuple[End, str]:
    row = next(row for row in report.rows if row.item_id == "103")
    return row.outcome, row.detail


def ended_well(report: Any) -> bool:
    """Verified, or found verified by the dag run after it (rule C0)."""
    row = next(row for row in report.rows if row.item_id == "103")
    return row.outcome is End.VERIFIED or (row.outcome is End.NONE and row.rule == "C0")


def nothing_twice_nothing_lost(night: Night, report: Any) -> None:
    truth = night.truth()
    assert truth["mailed_twice"] == [], night.said
    assert len(night.effects_of(SENT)) == 1, night.said
    assert truth["missing"] == [], night.said
    assert report is not None, night.said
    assert ended_well(report), (end_of(report), night.said)


# ------------------------------------------------------------------------------------ a write that cannot be made


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process is writing, for longer than anybody waits."""
    other = sqlite3.connect(file, timeout=5, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def full(file: Path) -> Iterator[None]:
    """The operating system gives this process no more room in any file (SIGXFSZ is ignored by Python)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


FAULTS = {"locked": locked, "full": full}


class Breaking:
    """Makes the ``first`` of the tasks' writes fail, and as many after it as ``times`` says."""

    def __init__(self, night: Night, fault: str, first: int, times: int) -> None:
        self.night, self.fault, self.broken = night, FAULTS[fault], range(first, first + times)
        self.count = 0
        self.failed: list[str] = []
        self.sent_before = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write, this = Ledger._write, self

        @contextmanager
        def breaking(ledger: Ledger) -> Iterator[Any]:
            if getattr(ledger, "of_guard", False):
                with write(ledger) as session:
                    yield session
                return
            number, this.count = this.count, this.count + 1
            if number not in this.broken:
                with write(ledger) as session:
                    yield session
                return
            if not this.failed:
                this.sent_before = len(this.night.effects_of(SENT))
            this.failed.append(f"write {number}")
            with this.fault(this.night.file), write(ledger) as session:
                yield session

        monkeypatch.setattr(Ledger, "_write", breaking)
        opened = self.night.account

        def account(owner: str = "test", **changes: Any) -> Any:
            found = opened(owner, **changes)
            found.ledger.of_guard = owner == "guard"
            return found

        monkeypatch.setattr(self.night, "account", account)


CELLS = [(fault, n, 1) for fault in FAULTS for n in range(WRITES)]
LONG_CELLS = [(fault, n, times) for fault in FAULTS for n in range(WRITES) for times in (2, 10_000)]


@pytest.mark.parametrize(("fault", "first", "times"), CELLS + (LONG_CELLS if LONG else []))
def test_a_write_that_fails_sends_nothing_and_loses_nothing(
    night: Night, monkeypatch: pytest.MonkeyPatch, fault: str, first: int, times: int
) -> None:
    breaking = Breaking(night, fault, first, times)
    breaking.install(monkeypatch)
    report = night.dag_run("outage__1__g1")
    assert breaking.failed, f"there is no write {first}"
    told = [sentence for sentence in night.said if "cannot be used now" in sentence]
    assert all("Nothing was written; look whether the database is up" in one for one in told)
    assert told or breaking.count > first  # a release that fails is made good by the end of its lease
    assert len(night.effects_of(SENT)) <= 1
    breaking.broken = range(0)

    nothing_twice_nothing_lost(night, settled(night, report))


def settled(night: Night, report: Any = None) -> Any:
    """``report`` where it ended well, else that of the dag runs after it: as many as it takes, three at most."""
    for number in range(3):
        if report is not None and ended_well(report):
            break
        report = night.next_dag_run(f"ask__{number}")
    return report


def test_every_write_is_broken_once(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking = Breaking(night, "locked", 10_000, 0)
    breaking.install(monkeypatch)
    report = night.dag_run("outage__1__g1")
    nothing_twice_nothing_lost(night, report)
    assert breaking.count == WRITES


# --------------------------------------------------------------------------- another ledger under the next task


def backup(night: Night) -> Path:
    """A consistent copy, as ``sqlite3 ledger.db '.backup ...'`` makes it."""
    copy = night.folder / "backup.db"
    with sqlite3.connect(night.file) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    return copy


def remove(night: Night) -> None:
    for file in night.folder.glob("ledger.db*"):
        file.unlink()


def vanished(night: Night) -> None:
    remove(night)


def empty(night: Night) -> None:
    """As the next detection pass begins one."""
    remove(night)
    Ledger.open(f"sqlite:///{night.file}", clock=night.clock.now).close()


def of_a_second_host(night: Night) -> None:
    """The second host has a file of its own, which somebody adopted there long ago."""
    remove(night)
    shutil.copyfile(new_ledger_of_another_host(night), night.file)


def new_ledger_of_another_host(night: Night) -> Path:
    path = night.folder / "host-2.db"
    other = Ledger.open(f"sqlite:///{path}", clock=lambda: night.window().start)
    other.adopt("operator", "first start of host 2")
    other.close()
    return path


def copied_to_a_second_host(night: Night) -> None:
    """The very file, but the task runs elsewhere."""


OTHERS: dict[str, tuple[Callable[[Night], None], str]] = {
    "vanished": (vanished, "There is no ledger at"),
    "empty": (empty, "is not in this ledger; run reconcile again"),
    "second host": (of_a_second_host, "is not in this ledger; run reconcile again"),
    "copied": (copied_to_a_second_host, "a file serves one host only"),
}


def swap(night: Night, monkeypatch: pytest.MonkeyPatch, kind: str, task: str) -> dict[str, Any]:
    """Put another ledger under ``task`` and all that follow; what was there is kept in "right.db"."""
    seen: dict[str, Any] = {}

    def before(name: str) -> None:
        if name == task:
            shutil.copyfile(backup(night), night.folder / "right.db")
            seen["effects"] = len(night.effects())
            if kind == "copied":
                monkeypatch.setattr(Machine, "this", classmethod(lambda cls: cls("host-2", "boot-2")))
            OTHERS[kind][0](night)

    night.before = before
    return seen


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("task", TASKS if LONG else ("clear", "copy_campaign", "send_campaign"))
def test_under_another_ledger_nothing_is_done_and_the_right_one_goes_on(
    night: Night, monkeypatch: pytest.MonkeyPatch, kind: str, task: str
) -> None:
    with monkeypatch.context() as patch:
        seen = swap(night, patch, kind, task)
        report = night.dag_run("outage__1__g1")
    if report is not None:
        night.said.append(end_of(report)[1])
    assert len(night.effects()) == seen["effects"], "something was done under another ledger"
    if kind == "copied" and task in ("stop_campaign", "copy_campaign", "send_campaign"):
        assert any(one.startswith(f"{task}: gated: ") for one in night.said), (
            "the gate stands before the intent"
        )
    if task in BEFORE_THE_SEND:
        assert any(OTHERS[kind][1] in sentence for sentence in night.said), night.said
        assert night.effects_of(SENT) == []

    remove(night)
    shutil.copyfile(night.folder / "right.db", night.file)
    nothing_twice_nothing_lost(night, settled(night))


@pytest.mark.parametrize("kind", ["empty", "second host"])
def test_a_dag_run_that_begins_on_another_ledger_only_proposes_and_names_both(
    night: Night, kind: str
) -> None:
    right = night.ledger().identity.uuid
    night.guard()  # lets the witness know
    OTHERS[kind][0](night)

    report = night.dag_run("manual__1")

    end, why = end_of(report)
    assert end is End.NOT_NOW
    assert f"knows the ledger {right}" in why
    assert 'python -m pro2_reconciliation adopt --why "..."' in why
    assert night.effects() == []


BACKUPS = [(taken, task) for n, taken in enumerate(TASKS) for task in TASKS[n + 1 :]]


@pytest.mark.parametrize(
    ("taken", "task"),
    BACKUPS
    if LONG
    else [("clear", "send_campaign"), ("send_campaign", "report"), ("copy_campaign", "report")],
)
def test_a_backup_that_is_put_back_between_two_tasks_sends_nothing_again(
    night: Night, taken: str, task: str
) -> None:
    """Also if a person adopts it: what was done since is found in Pro2, and blocks."""

    def before(name: str) -> None:
        if name == taken:
            shutil.copyfile(backup(night), night.folder / "old.db")
        if name == task:
            night.guard()
            remove(night)
            shutil.copyfile(night.folder / "old.db", night.file)

    night.before = before
    night.dag_run("outage__1__g1")
    sent = len(night.effects_of(SENT))
    assert sent <= 1

    end, why = end_of(night.next_dag_run("manual__2"))
    assert len(night.effects_of(SENT)) == sent
    assert night.truth()["mailed_twice"] == []
    if end is End.NOT_NOW:
        assert "is older than what was done, a restored backup" in why
    else:  # the guard looked before the backup came back, or Pro2 itself tells
        assert end is (End.NONE if sent else End.NEEDS_HUMAN)

    night.clock.sleep(60)
    night.ledger().adopt("Ada", "the newer one is lost; I looked")
    report = settled(night)
    assert report is not None
    truth = night.truth()
    assert truth["mailed_twice"] == []
    assert len(night.effects_of(SENT)) <= 1
    # not sent is never silent: it is sent by now, or stands in the report with a person
    assert truth["missing"] == [] or end_of(report)[0] in (End.NEEDS_HUMAN, End.STALE)


# ------------------------------------------------------------------------------------------------------- no guard


@pytest.mark.parametrize("task", BEFORE_THE_SEND if LONG else ("clear", "send_campaign"))
def test_with_a_dead_guard_nothing_is_sent_and_the_next_dag_run_goes_on(night: Night, task: str) -> None:
    def before(name: str) -> None:
        if name == task:
            night.guarded = False
        if name == "send_campaign":
            night.clock.sleep(night.site.policy.guard_heartbeat_seconds + 60)

    night.before = before
    night.dag_run("outage__1__g1")
    assert night.effects_of(SENT) == []
    assert any("guard_repairs last passed" in sentence for sentence in night.said)

    night.guarded = True
    nothing_twice_nothing_lost(night, settled(night))


def test_a_witness_that_cannot_be_reached_sends_nothing_until_it_can(night: Night) -> None:
    def before(name: str) -> None:
        if name == "send_campaign":
            night.witness.away = True

    night.before = before
    night.dag_run("outage__1__g1")
    assert night.effects_of(SENT) == []
    assert any("the witness of the test cannot be read" in sentence for sentence in night.said)

    night.witness.away = False
    nothing_twice_nothing_lost(night, settled(night))


def test_a_witness_that_goes_away_between_intent_and_request_is_known_to_have_stopped_it(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    intend = Ledger.intend

    def and_then(ledger: Ledger, claim: Any, **given: Any) -> Any:
        action = ledger.action(ledger.step(claim.step_id).action_id)
        night.witness.away = action is not None and action.latest[-1].id == claim.step_id
        return intend(ledger, claim, **given)

    monkeypatch.setattr(Ledger, "intend", and_then)
    night.dag_run("outage__1__g1")
    assert night.effects_of(SENT) == []
    with suppress(AttributeError):
        monkeypatch.undo()
    night.witness.away = False
    nothing_twice_nothing_lost(night, settled(night))
