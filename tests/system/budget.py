"""Six processes at full speed against the sandbox, and what the sandbox saw of them.

A module of its own, so that a fresh process can import it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

PROCESSES, SECONDS, PACE_MS = 6, 7.0, 270
WORKER = "pro2.hooks.pro2"


@contextlib.contextmanager
def served() -> Iterator[tuple[str, list[tuple[float, str]]]]:
    """A sandbox on a loopback port: its address, and its request log: (arrival in s, user agent)."""
    import uvicorn

    from pro2_sandbox import World, create_app, load_incident

    app = create_app(World(load_incident("feed-alone")))
    log: list[tuple[float, str]] = []

    async def logged(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            names = dict(scope["headers"])
            log.append((time.monotonic(), names.get(b"user-agent", b"").decode()))
        await app(scope, receive, send)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(logged, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}", log
    server.should_exit = True
    thread.join(timeout=10)


def rush(
    environment: dict[str, str], processes: int = PROCESSES, seconds: float = SECONDS
) -> list[list[int]]:
    """Let so many processes send reads as fast as they get permits; returns each one's HTTP statuses."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([WORKER])
    with context.Manager() as manager:
        gate = manager.Barrier(processes)
        with context.Pool(processes) as pool:
            waiting = [
                pool.apply_async(send, (environment, number, gate, seconds)) for number in range(processes)
            ]
            return [one.get(timeout=60) for one in waiting]


def send(environment: dict[str, str], number: int, gate: Any, seconds: float) -> list[int]:
    """The statuses of one process's requests over the connection ``pro2``."""
    from pro2.hooks.pro2 import Pro2Hook
    from pro2_reconciliation.wire.exchange import Request

    os.environ.update(environment)
    hook = Pro2Hook("pro2")
    hook.settings.http_options  # noqa: B018 (looked up before the start)
    hook.pacer._opened()  # type: ignore[union-attr]
    hook._shared_session().headers["User-Agent"] = f"process {number}"
    gate.wait(timeout=60)
    until, statuses = time.monotonic() + seconds, []
    while time.monotonic() < until:
        statuses.append(hook.carry(Request("GET", "/api/3/users/me")).status)
    return statuses


def connection(url: str, pace_ms: int = PACE_MS) -> str:
    """The connection ``pro2`` as an environment variable's value."""
    from pro2_sandbox import load_incident

    token = load_incident("feed-alone").tokens.api_token
    return json.dumps({"conn_type": "pro2", "host": url, "password": token, "extra": {"pace_ms": pace_ms}})


def most_in_a_second(times: list[float]) -> int:
    """The most arrivals in any sliding second."""
    times = sorted(times)
    return max(sum(1 for other in times[place:] if other - one < 1.0) for place, one in enumerate(times))
