"""Several processes at once: one wins, the others see it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from tests.unit.ledger import racers

from pro2_reconciliation.ledger import Ledger

pytestmark = pytest.mark.system
RACERS, ACTIONS = 6, 50


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


def test_each_action_is_written_once_and_claimed_once(url):
    results = racers.race(racers.register_and_claim, url, RACERS, ACTIONS)
    won = list(chain.from_iterable(steps for _, steps in results))
    assert len(won) == len(set(won)) == ACTIONS
    assert sum(written for written, _ in results) == ACTIONS
    ledger = Ledger.open(url, clock=racers.now)
    assert len(ledger.actions("playhouse")) == ACTIONS


def test_several_processes_open_an_empty_file_at_once(url):
    assert len(set(racers.race(racers.open_together, url, 4))) == 1
