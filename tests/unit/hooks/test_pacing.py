"""One budget for all processes: measured with real processes, and with real waits kept short."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pro2.hooks.pacing import ENV, Pacer, store_path
from pro2.hooks.pro2 import Pro2Hook
from pro2_reconciliation.domain.errors import ConfigurationError, NeverSent
from pro2_reconciliation.wire.exchange import Request

URL = "https://account.example"
TAKE = """
import sys, time
from pathlib import Path
from pro2.hooks.pacing import Pacer
pacer = Pacer(sys.argv[1], int(sys.argv[2]), path=Path(sys.argv[3]))
for _ in range(int(sys.argv[4])):
    pacer.wait()
    print(time.time_ns() // 1_000_000, flush=True)
"""


def test_two_processes_together_keep_the_pace(tmp_path: Path) -> None:
    pace_ms, each = 60, 12
    command = [sys.executable, "-c", TAKE, URL, str(pace_ms), str(tmp_path / "p.sqlite"), str(each)]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)
    ]
    times = sorted(int(line) for one in running for line in one.communicate(timeout=60)[0].split())
    assert len(times) == 2 * each
    # A permit is dated before it is printed, so a gap may look a little shorter; the whole span may not.
    assert times[-1] - times[0] >= (2 * each - 1) * pace_ms * 0.95
    assert sum(1 for gap in map(int.__sub__, times[1:], times) if gap < pace_ms / 2) <= 1


def test_threads_and_a_loop_share_the_budget_too(tmp_path: Path) -> None:
    pacer = Pacer(URL, 40, path=tmp_path / "p.sqlite")

    async def run() -> None:
        await asyncio.gather(*(pacer.wait_async() for _ in range(6)))

    began = time.monotonic()
    asyncio.run(run())
    pacer.close()
    assert time.monotonic() - began >= 5 * 0.040


def test_accounts_do_not_slow_each_other(tmp_path: Path) -> None:
    Pacer("https://one.example", 60_000, path=tmp_path / "p.sqlite").wait()
    Pacer("https://two.example", 60_000, path=tmp_path / "p.sqlite", longest_wait=0).wait()


def test_a_request_that_gets_no_permit_was_never_sent(tmp_path: Path) -> None:
    Pacer(URL, 60_000, path=tmp_path / "p.sqlite").wait()
    late = Pacer(URL, 60_000, path=tmp_path / "p.sqlite", longest_wait=0, sleep=lambda _: None)
    with pytest.raises(NeverSent, match="no permit"):
        late.wait()
    with pytest.raises(NeverSent, match="no permit"):
        asyncio.run(late.wait_async())


def test_a_store_that_cannot_be_written_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=ENV):
        Pacer(URL, 270, path=tmp_path / "file" / "p.sqlite").wait()


def test_the_store_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ENV, str(tmp_path / "x.sqlite"))
    assert store_path() == tmp_path / "x.sqlite"
    monkeypatch.delenv(ENV)
    assert store_path().name == "permits.sqlite"


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
