"""A process that dies at any boundary of any step: another one goes on, nothing is done twice, nothing is lost."""

from __future__ import annotations

import os
from itertools import product

import pytest
from tests.chaos.crashing import Played, killed
from tests.chaos.scenarios import BY_HAND, RUNS, SCENARIOS, Boundary, Files, Scenario

from pro2_reconciliation.domain.words import Remedy

LONG = os.environ.get("CHAOS") == "long"
UNKNOWABLE = frozenset({Boundary.INTENDED, Boundary.CONNECTED})
"""The intent stands and the request did not leave: of a run nobody can tell that from one that did."""
PRESSED = (
    BY_HAND if LONG else tuple(one for one in BY_HAND if one.name in ("send, by hand", "run now, by hand"))
)


def assert_once_and_not_lost(scenario: Scenario, boundary: Boundary, played: Played) -> None:
    assert played.most <= 1, "it happened twice"
    assert played.mailed_twice == 0
    if scenario.verb in RUNS and boundary in UNKNOWABLE and not scenario.by_hand:
        assert (played.end, played.effects, played.open) == ("needs_human", 0, True)
        assert "absence proves nothing" in played.detail
        return
    assert played.end == "verified", played.detail
    assert played.most == 1, "it is called verified and did not happen"
    if scenario.remedy is Remedy.RESEND:
        assert played.missing == 0


@pytest.mark.parametrize(("scenario", "boundary"), list(product(SCENARIOS, Boundary)), ids=str)
def test_a_retry_goes_on_where_a_killed_process_was(
    scenario: Scenario, boundary: Boundary, stores: Files
) -> None:
    assert_once_and_not_lost(scenario, boundary, killed(scenario, boundary, stores))


@pytest.mark.parametrize(("scenario", "boundary"), list(product(PRESSED, Boundary)), ids=str)
def test_a_person_who_was_asked_by_a_killed_process_presses_once(
    scenario: Scenario, boundary: Boundary, stores: Files
) -> None:
    assert_once_and_not_lost(scenario, boundary, killed(scenario, boundary, stores))


@pytest.mark.parametrize("boundary", [Boundary.CLAIMED, Boundary.INTENDED, Boundary.LEFT], ids=str)
def test_a_retry_at_once_waits_until_the_lease_of_the_dead_one_ends(
    boundary: Boundary, stores: Files
) -> None:
    """Airflow tries again after seconds; the lease lasts three minutes."""
    assert_once_and_not_lost(SCENARIOS[2], boundary, killed(SCENARIOS[2], boundary, stores, lease=False))


@pytest.mark.skipif(not LONG, reason="the long form: CHAOS=long")
@pytest.mark.parametrize(("scenario", "boundary"), list(product(SCENARIOS, Boundary)), ids=str)
def test_another_dag_run_goes_on_where_a_killed_process_was(
    scenario: Scenario, boundary: Boundary, stores: Files
) -> None:
    assert_once_and_not_lost(
        scenario, boundary, killed(scenario, boundary, stores, retry="ask__2 on elsewhere")
    )
