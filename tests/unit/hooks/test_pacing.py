"""One budget for all processes: measured with real processes, and with real waits kept short."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pro2.hooks import permits
from pro2.hooks.asynchronous import Pro2AsyncHook
from pro2.hooks.pacing import Pacer
from pro2.hooks.permits import CONNECTION, ENV, DatabasePermits, PermitError, store_url
from pro2.hooks.pro2 import Pro2Hook
from pro2_reconciliation.domain.errors import ConfigurationError, NeverSent
from pro2_reconciliation.wire.exchange import Request

URL = "https://account.example"
Open = Callable[..., DatabasePermits]
TAKE = """
import sys, time
from functools import partial
from pro2.hooks.pacing import Pacer
from pro2.hooks.permits import DatabasePermits
pacer = Pacer(sys.argv[1], int(sys.argv[2]), opened_by=partial(DatabasePermits, sys.argv[3]))
for _ in range(int(sys.argv[4])):
    pacer.wait()
    print(time.time_ns() // 1_000_000, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Open:
    """Opens the permits of one file, as every process of a host does."""
    return partial(DatabasePermits, f"sqlite:///{tmp_path}/permits.db")


def test_two_processes_together_keep_the_pace(tmp_path: Path) -> None:
    pace_ms, each = 60, 12
    url = f"sqlite:///{tmp_path}/permits.db"
    command = [sys.executable, "-c", TAKE, URL, str(pace_ms), url, str(each)]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)
    ]
    times = sorted(int(line) for one in running for line in one.communicate(timeout=60)[0].split())
    assert len(times) == 2 * each
    # A permit is dated before it is printed, so a gap may look a little shorter; the whole span may not.
    assert times[-1] - times[0] >= (2 * each - 1) * pace_ms * 0.95
    assert sum(1 for gap in map(int.__sub__, times[1:], times) if gap < pace_ms / 2) <= 1


def test_threads_and_a_loop_share_the_budget_too(store: Open) -> None:
    pacer = Pacer(URL, 40, opened_by=store)

    async def run() -> None:
        await asyncio.gather(*(pacer.wait_async() for _ in range(6)))

    began = time.monotonic()
    asyncio.run(run())
    pacer.close()
    assert time.monotonic() - began >= 5 * 0.040


def test_accounts_do_not_slow_each_other(store: Open) -> None:
    assert store("https://one.example", 60_000).take() == 0
    assert store("https://two.example", 60_000).take() == 0
    assert store("https://ONE.example/api", 60_000).take() > 0, "one host is one account"


def test_a_request_that_gets_no_permit_was_never_sent(store: Open) -> None:
    store(URL, 60_000).take()
    late = Pacer(URL, 60_000, opened_by=store, longest_wait=0, sleep=lambda _: None)
    with pytest.raises(NeverSent, match=r"no permit within 0 s.*permits\.db"):
        late.wait()
    with pytest.raises(NeverSent, match="no permit"):
        asyncio.run(late.wait_async())


T0 = 2_000_000_000.0


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.at = T0

    def __call__(self) -> float:
        return self.at


def test_a_permit_comes_every_pace_and_never_earlier(store: Open) -> None:
    clock = Clock()
    taken = store(URL, 270, clock=clock)
    given = []
    for hundredth in range(400):
        clock.at = T0 + hundredth / 100
        if taken.take() == 0:
            given.append(hundredth)
    assert {later - one for one, later in itertools.pairwise(given)} <= {27, 28}


def test_the_wait_that_is_told_is_the_one_that_is_needed(store: Open) -> None:
    clock = Clock()
    taken = store(URL, 270, clock=clock)
    taken.take()
    clock.at += 0.1
    wait = taken.take()
    assert wait == pytest.approx(0.17, abs=0.001)
    clock.at += wait
    assert taken.take() == 0


def test_a_retry_after_holds_every_process_back(store: Open) -> None:
    clock = Clock()
    one, other = store(URL, 270, clock=clock), store(URL, 270, clock=clock)
    one.hold(7)
    assert other.take() == pytest.approx(7, abs=0.001)
    other.hold(2)
    assert one.take() == pytest.approx(7, abs=0.001), "a shorter one does not shorten it"
    clock.at += 7
    assert (other.take(), one.take() > 0) == (0, True)


def test_nobody_is_held_back_for_longer_than_a_minute(store: Open) -> None:
    taken = store(URL, 270, clock=Clock())
    taken.hold(86_400)
    assert taken.take() <= 60


@pytest.mark.parametrize("back", [3600, 86_400 * 365])
def test_a_clock_that_is_set_back_does_not_stop_everything(store: Open, back: float) -> None:
    clock = Clock()
    taken = store(URL, 270, clock=clock)
    taken.take()
    clock.at -= back
    assert taken.take() == 0
    assert taken.take() == pytest.approx(0.27, abs=0.001)


HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
held.execute("UPDATE request_permit SET next_at = 9e18")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_killed_with_the_lock_in_its_hand_blocks_nobody(
    store: Open, tmp_path: Path
) -> None:
    taken = store(URL, 1)
    taken.take()
    command = [sys.executable, "-c", HOLD, str(tmp_path / "permits.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            sqlite3.connect(tmp_path / "permits.db", timeout=0).execute("BEGIN IMMEDIATE")
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=10)
    assert taken.take() == 0


def test_a_forked_process_opens_connections_of_its_own(store: Open) -> None:
    pacer = Pacer(URL, 1, opened_by=store)
    pacer.wait()
    child = os.fork()
    if not child:  # pragma: no cover
        pacer.wait()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    pacer.wait()
    pacer.close()


def test_a_store_that_cannot_be_used_now_gives_no_permit(
    store: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pacer = Pacer(URL, 270, opened_by=store)
    pacer.wait()
    sqlite3.connect(tmp_path / "permits.db").execute("DROP TABLE request_permit")
    with pytest.raises(NeverSent, match=r"rate store gave no permit: .*permits\.db: no such table"):
        pacer.wait()
    pacer.hold(1)  # the request that it belongs to was answered
    assert "could not be told to wait 1 s" in caplog.text


class TestWhereThePermitsAre:
    @pytest.fixture(autouse=True)
    def nothing_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(ENV, raising=False)

    def test_beside_a_ledger_that_is_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", "sqlite:////data/ledger.db")
        assert store_url() == "sqlite:////data/ledger_permits.db"

    def test_in_a_ledger_on_postgresql(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", "postgres://airflow:pw@db/ledger")
        assert store_url() == "postgresql://airflow:pw@db/ledger"

    def test_in_the_file_that_the_environment_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", "postgres://airflow:pw@db/ledger")
        monkeypatch.setenv(ENV, "~/x.sqlite")
        assert store_url() == f"sqlite:///{Path.home()}/x.sqlite"

    def test_in_redis_where_there_is_such_a_connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", "redis://127.0.0.1:6399/2")
        monkeypatch.setattr("redis.retry.sleep", lambda seconds: None)  # its client tries again after seconds
        opened = permits.open_permits(URL, 270)
        assert isinstance(opened, permits.RedisPermits)
        with pytest.raises(PermitError, match=CONNECTION):
            opened.take()

    def test_a_connection_of_another_type_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", "mysql://db/x")
        with pytest.raises(ConfigurationError, match="type 'mysql'"):
            permits.open_permits(URL, 270)

    def test_a_file_that_cannot_be_written_is_a_matter_of_configuration(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv(ENV, str(tmp_path / "file" / "p.sqlite"))
        with pytest.raises(ConfigurationError, match=ENV):
            Pacer(URL, 270).wait()


def test_a_hook_asks_for_a_permit_before_each_request(server: Any, connect: Any, mocker: Any) -> None:
    pacer = mocker.Mock(spec=Pacer)
    hook = Pro2Hook(connect("pro2", server.url), pacer=pacer)
    hook.carry(Request("GET", "x"))
    hook.carry(Request("GET", "x"))
    assert pacer.wait.call_count == 2
    pacer.wait.side_effect = NeverSent("no permit")
    with pytest.raises(NeverSent):
        hook.carry(Request("GET", "x"))
    assert len(server.seen) == 2


def test_what_a_429_says_is_said_to_all(server: Any, answers: Any, connect: Any, store: Open) -> None:
    server.will(answers.reply(429, {}, Retry_After="9"))
    hook = Pro2Hook(connect("pro2", server.url), pacer=Pacer(server.url, 10, opened_by=store))
    assert hook.carry(Request("GET", "x")).status == 429
    assert store(server.url, 10).take() == pytest.approx(9, abs=0.5)

    async def read() -> int:
        pacer = Pacer("https://other.example", 10, opened_by=store)
        async with Pro2AsyncHook(connect("pro2", server.url), pacer=pacer) as hook:
            return (await hook.acarry(Request("GET", "x"))).status

    assert asyncio.run(read()) == 429
    assert store("https://other.example", 10).take() == pytest.approx(9, abs=0.5)


def test_a_hook_paces_itself_unless_its_connection_says_zero(
    server: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(ENV, str(tmp_path / "p.sqlite"))
    hook = Pro2Hook(connect("pro2", server.url, extra={"pace_ms": 100}))
    began = time.monotonic()
    for _ in range(3):
        hook.carry(Request("GET", "x"))
    assert time.monotonic() - began >= 0.2
    quick = Pro2Hook(connect("pro2", server.url))
    quick.carry(Request("GET", "x"))
    assert quick.pacer is None
