"""Stands between Airflow and the sandbox: holds an answer back, refuses for a while, and can be pointed elsewhere.

What is held is the ANSWER: the request has arrived and its effect has happened, so whoever waits for it can be killed
in the middle of an act.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import psutil

LONGEST_HOLD = 120.0
HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass
class Held:
    """An answer that is kept back from the first request that matches ``pattern`` (of method, path and body)."""

    pattern: re.Pattern[str]
    client: int = 0
    """The port of the one who waits."""
    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float) -> None:
        assert self.arrived.wait(seconds), f"no request {self.pattern.pattern!r} came within {seconds:.0f} s"

    @property
    def pid(self) -> int:
        """The process that waits for this answer."""
        [pid] = {
            one.pid
            for one in psutil.net_connections("tcp")
            if one.laddr and one.laddr.port == self.client and one.pid
        } - {os.getpid()}
        return int(pid)

    def kill(self) -> int:
        """SIGKILL to the process that waits for this answer; its process id."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        return pid


class Relay:
    """``with Relay() as relay: relay.target = sandbox.url``; its own ``url`` stays the same all the time."""

    def __init__(self) -> None:
        self.target = ""
        self.carried: list[str] = []
        """Method, path and body of every request that was handed on, in order."""
        self.tokens: set[str] = set()
        """Every token that somebody showed."""
        self._held: list[Held] = []
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._open(0)
        assert self._server is not None
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        for held in self._held:
            held.released.set()
        self._close()

    @contextlib.contextmanager
    def holding(self, pattern: str) -> Iterator[Held]:
        """Keep back the answer of the first such request; let go at the end of the block."""
        held = Held(re.compile(pattern, re.DOTALL))
        with self._lock:
            self._held.append(held)
        try:
            yield held
        finally:
            held.released.set()

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens: connections are refused, so that nothing can have been sent."""
        self._close()
        try:
            yield
        finally:
            self._open(self.port)

    def _open(self, port: int) -> None:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle_one_request()

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                relay._carry(self)

            do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.socket.close()

    def _carry(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        told = f"{handler.command} {handler.path} {body.decode('utf-8', 'replace')}"
        with self._lock:
            self.carried.append(told)
            shown = (handler.headers.get(name) for name in ("Api-Token", "Authorization"))
            self.tokens |= {token.removeprefix("Bearer ") for token in shown if token}
            held = next((h for h in self._held if not h.arrived.is_set() and h.pattern.search(told)), None)
        target = urlsplit(self.target)
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in HOP_BY_HOP}
        onward = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
        try:
            onward.request(handler.command, handler.path, body or None, headers)
            answer = onward.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            handler.close_connection = True
            return
        finally:
            onward.close()
        if held is not None:
            held.client = handler.client_address[1]
            held.arrived.set()
            held.released.wait(LONGEST_HOLD)
        handler.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)
