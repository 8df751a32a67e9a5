"""How far long work is: said now and then, in the log and for the page, and never a reason to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from tests.incident.drifting import Follows
from tests.incident.harness import Evening, MovableClock

from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.progress import EVERY, RunProgress, unharmed

RUN = "outage__1__g1"


class Listening:
    """Hears everything."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def ledger(open_ledger: Callable[[Callable[[], datetime]], Ledger], clock: MovableClock) -> Ledger:
    opened = open_ledger(clock.now)
    opened.begin_run("playhouse", RUN, window=Window(start=clock.now(), end=clock.now()), mode=Mode.PLAN)
    return opened


@pytest.fixture
def progress(ledger: Ledger, clock: MovableClock) -> RunProgress:
    return RunProgress(ledger, "playhouse", RUN, clock)


def noted(ledger: Ledger) -> str:
    run = ledger.run("playhouse", RUN)
    assert run is not None
    return run.progress


class TestItIsSaid:
    def test_not_at_all_where_the_work_is_short(self, progress: RunProgress, ledger: Ledger) -> None:
        progress.say("inventory: 1 of 2 campaigns read")
        progress.say("")
        assert noted(ledger) == ""

    def test_every_few_seconds_and_not_more_often(
        self,
        progress: RunProgress,
        ledger: Ledger,
        clock: MovableClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        with caplog.at_level(logging.INFO, "pro2.reconcile"):
            for number in range(100):
                clock.sleep(1)
                progress.say(f"inventory: {number} of 100 campaigns read")
        assert noted(ledger) == "inventory: 99 of 100 campaigns read"
        assert len(caplog.records) == 100 / EVERY.total_seconds()

    def test_at_once_that_it_is_over(
        self, progress: RunProgress, ledger: Ledger, clock: MovableClock
    ) -> None:
        clock.sleep(10)
        progress.say("drift: 4 pages read")
        progress.say("")
        assert noted(ledger) == ""

    def test_on_one_line(self, progress: RunProgress, ledger: Ledger, clock: MovableClock) -> None:
        clock.sleep(10)
        progress.say("drift of «a\nb\x1b[31m»")
        assert noted(ledger) == "drift of «a b [31m»"


def test_what_cannot_be_written_stops_nothing(
    progress: RunProgress, ledger: Ledger, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    Path(ledger.address.removeprefix("sqlite:///")).unlink()
    clock.sleep(10)
    progress.say("drift: 4 pages read")
    with unharmed():
        ledger.note_run("playhouse", RUN, progress="x")
    assert caplog.text.count("could not be noted for the page") == 2


def test_an_inventory_says_how_many_campaigns_it_has_read(tmp_path: Path) -> None:
    evening, listening = Evening(tmp_path), Listening()
    evening.end_outage()
    take_inventory(evening.account("inventory", progress=listening), evening.window())
    read = [line for line in listening.said if "campaigns read" in line]
    assert read[0] == f"inventory: 1 of {len(read)} campaigns read"
    assert read[-1] == f"inventory: {len(read)} of {len(read)} campaigns read"
    assert "Activity Log" in listening.said[-1] or "automations" in listening.said[-1]


def test_an_import_and_its_drift_say_how_far_they_are(tmp_path: Path) -> None:
    follows, listening = Follows(tmp_path), Listening()
    account = follows.evening.account
    follows.evening.account = lambda owner="test", **more: account(owner, progress=listening, **more)  # type: ignore[method-assign]
    follows.ask("ask__0", answer=lambda plan: {})
    assert "drift: 0 pages of contacts with «Donors» read" in listening.said


def test_a_proof_that_waits_says_what_for(tmp_path: Path) -> None:
    evening, listening = Evening(tmp_path), Listening()
    evening.end_outage()
    evening.reconcile(account=evening.account("run-1", progress=listening))
    assert any(line.startswith("«") and "no row of it yet" in line for line in listening.said)
