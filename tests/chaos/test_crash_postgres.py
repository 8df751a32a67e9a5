"""The crash matrix with the ledger on a real PostgreSQL: leases, intents and moves survive a dead process there too.

A step that sends is hit at every boundary, and put to sleep where it holds the step; ``CHAOS=long`` plays every
step of every action. The server is the embedded one of ``tests/system``; each cell has a database of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from tests.chaos.crashing import killed, stopped
from tests.chaos.scenarios import SCENARIOS, Boundary, Scenario
from tests.chaos.test_crash_matrix import assert_once_and_not_lost
from tests.system import postgres

LONG = os.environ.get("CHAOS") == "long"
SEND = next(one for one in SCENARIOS if one.name == "send")
HIT = SCENARIOS if LONG else (SEND,)
ASLEEP = tuple(Boundary) if LONG else (Boundary.CLAIMED, Boundary.CONNECTED, Boundary.LEFT)


class Databases:
    """Ledgers in databases of one server: one to prepare a scenario in, and a copy of it for each cell."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._number = 0

    def new(self, template: str = "template0") -> str:
        self._number += 1
        name = f"cell_{self._number}"
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE {template};")
        return str(self._server.get_uri(name))

    def copy(self, url: str) -> str:
        return self.new(url.partition("?")[0].rpartition("/")[2])


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    server = postgres.start(tmp_path_factory.mktemp("pg"))
    yield Databases(server)
    server.cleanup()


@pytest.mark.parametrize(("scenario", "boundary"), list(product(HIT, Boundary)), ids=str)
def test_a_retry_goes_on_where_a_killed_process_was(
    scenario: Scenario, boundary: Boundary, stores: Databases
) -> None:
    assert_once_and_not_lost(scenario, boundary, killed(scenario, boundary, stores))


@pytest.mark.parametrize(("scenario", "boundary"), list(product(HIT, ASLEEP)), ids=str)
def test_one_that_wakes_after_another_dag_run_was_through_does_nothing(
    scenario: Scenario, boundary: Boundary, stores: Databases
) -> None:
    played = stopped(scenario, boundary, stores)
    assert_once_and_not_lost(scenario, boundary, played)
    assert played.woke == (
        f"saw {played.end}"
        if boundary in (Boundary.BEFORE_CLAIM, Boundary.RECORDED)
        else "refused by the ledger"
    )
