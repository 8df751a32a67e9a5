"""Long work says how far it is, in the log and in what the page shows, while it goes on."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.incident.drifting import Follows
from tests.incident.overview.looking import RUN, Looking

from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.progress import EVERY, RunProgress
from pro2_reconciliation.wire.exchange import Reply, Request


class Page:
    """Somebody who has the page open: looks before each request and after each wait. A request takes its time."""

    def __init__(self, looking: Looking, dag_run: str = RUN) -> None:
        self.looking, self.dag_run = looking, dag_run
        self.said: list[str] = []
        evening = looking.evening
        sleep = evening.clock.sleep
        for carrier in (evening.pro2, evening.dashboard):
            carrier.carry = self._slow(carrier.carry)  # type: ignore[method-assign]

        def slept(seconds: float) -> None:
            sleep(seconds)
            self.look()

        evening.clock.sleep = slept  # type: ignore[method-assign]

    def account(self) -> Account:
        evening = self.looking.evening
        evening.ledger().begin_run(
            self.looking.site.organization, self.dag_run, window=self.looking.window(), mode=Mode.ASK
        )
        told = RunProgress(evening.ledger(), self.looking.site.organization, self.dag_run, evening.clock)
        return evening.account(f"reconcile/{self.dag_run}/a_task on host-1", progress=told)

    def look(self) -> None:
        for run in self.looking.shown().runs:
            if run.dag_run == self.dag_run and run.progress and self.said[-1:] != [run.progress]:
                self.said.append(run.progress)

    def _slow(self, carry: object) -> object:
        def carried(request: Request) -> Reply:
            self.looking.evening.clock.at += EVERY
            self.look()
            return carry(request)  # type: ignore[operator,no-any-return]

        return carried


def test_an_inventory_says_how_many_campaigns_it_has_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looking = Looking(tmp_path, "evening-outage")
    looking.evening.end_outage()
    page = Page(looking)
    with caplog.at_level(logging.INFO, "pro2.reconcile"):
        take_inventory(page.account(), looking.window())
    read = [line for line in page.said if line.startswith("inventory: ") and "campaigns read" in line]
    assert len(read) > 5
    assert set(read) <= set(caplog.messages)


def test_a_drift_says_how_far_it_is_and_nothing_once_it_is_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    follows = Follows(tmp_path / "evening")
    looking = Looking.__new__(Looking)
    looking.evening, looking.site = follows.evening, follows.evening.site
    looking.put(looking.outage())
    page = Page(looking, "ask__1")
    with caplog.at_level(logging.INFO, "pro2.reconcile"):
        follows.ask("ask__1", account=page.account(), window=looking.window())
    drift = [line for line in page.said if line.startswith("drift: ")]
    assert any("pages of contacts with «" in line for line in drift)
    assert set(drift) <= set(caplog.messages)
    (run,) = [run for run in looking.shown().runs if run.dag_run == "ask__1"]
    assert run.progress == ""


def test_a_proof_that_waits_says_what_for(tmp_path: Path) -> None:
    looking = Looking(tmp_path, "evening-outage")
    page = Page(looking)
    looking.evening.end_outage()
    looking.evening.reconcile(account=page.account(), window=looking.window())
    assert any(line.startswith("«") and "no row of it yet" in line for line in page.said)
