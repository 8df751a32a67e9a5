"""Several processes at once: one wins, the others see it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from tests.claims import every_action
from tests.unit.ledger import racers

from pro2_reconciliation.domain.words import Remedy
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
    assert len(every_action(ledger)) == ACTIONS


def test_several_processes_open_an_empty_file_at_once(url):
    assert len(set(racers.race(racers.open_together, url, 4))) == 1


def test_people_who_adopt_at_once_begin_an_epoch_each_and_all_are_remembered(url: str) -> None:
    Ledger.open(url, clock=racers.now).close()
    epochs = racers.race(racers.adopt_together, url, RACERS)
    assert sorted(epochs) == list(range(2, RACERS + 2))
    ledger = Ledger.open(url, clock=racers.now)
    told = ledger.adoptions()
    assert [one.epoch for one in told] == sorted(epochs)
    assert {one.who for one in told} == {f"racer {number}" for number in range(RACERS)}
    assert (ledger.identity.epoch, ledger.identity.adopted_by) == (told[-1].epoch, told[-1].who)
    ledger.close()


def test_people_who_ask_for_a_repeat_at_once_get_one_generation(url: str) -> None:
    racers.one_that_failed(url)
    allowed = racers.race(racers.repeat_together, url, RACERS)
    ledger = Ledger.open(url, clock=racers.now)
    (again,) = ledger.repeats("playhouse")
    assert set(allowed) == {(2, again.who)}
    assert ledger.next_generation("playhouse", "campaign:1", Remedy.HOLD_BACK) == 2
    ledger.close()
