"""A slow worker is not a dead one: stopped at a boundary, overtaken, woken: it neither sends nor writes."""

from __future__ import annotations

import os
from itertools import product

import pytest
from tests.chaos.crashing import stopped
from tests.chaos.scenarios import SCENARIOS, Boundary, Files, Scenario
from tests.chaos.test_crash_matrix import assert_once_and_not_lost

LONG = os.environ.get("CHAOS") == "long"
HELD = (Boundary.CLAIMED, Boundary.INTENDED, Boundary.CONNECTED, Boundary.LEFT, Boundary.ANSWERED)
"""Where the sleeper holds the step: awake again it has lost it, and the ledger says so."""
EARLY = SCENARIOS if LONG else tuple(one for one in SCENARIOS if one.name in ("send", "run now"))


@pytest.mark.parametrize(("scenario", "boundary"), list(product(SCENARIOS, Boundary)), ids=str)
def test_one_that_wakes_after_another_dag_run_was_through_does_nothing(
    scenario: Scenario, boundary: Boundary, stores: Files
) -> None:
    played = stopped(scenario, boundary, stores)
    assert_once_and_not_lost(scenario, boundary, played)
    if boundary in HELD:
        assert played.woke == "refused by the ledger"
    else:
        assert played.woke == f"saw {played.end}"


@pytest.mark.parametrize(
    ("scenario", "boundary"), list(product(EARLY, (Boundary.INTENDED, Boundary.CONNECTED))), ids=str
)
def test_one_that_wakes_while_the_other_still_waits_does_not_send_into_its_wait(
    scenario: Scenario, boundary: Boundary, stores: Files
) -> None:
    played = stopped(scenario, boundary, stores, early=True)
    assert played.woke == "refused by the ledger"
    assert_once_and_not_lost(scenario, boundary, played)
