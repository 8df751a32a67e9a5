"""How far long work is: said now and then, in the log and for the page, and never a reason to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from tests.incident.harness import MovableClock

from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.progress import EVERY, RunProgress, unharmed

RUN = "outage__1__g1"


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
