"""Where notifications go in tests: a web hook and a mail server on loopback, real ones, that do as they are told."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """A web hook. ``status``: what it answers; ``silent``: it takes a request and says nothing until it may.

    ``arrived`` is set by each request.
    """

    port: int = 0
    status: int = 200
    silent: bool = False
    got: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    may: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.got]


@contextmanager
def hook() -> Iterator[Hook]:
    """A running web hook."""
    state = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.paths.append(self.path)
            state.got.append(json.loads(body))
            state.arrived.set()
            if state.silent:
                state.may.wait(30)
                return
            self.send_response(state.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        state.port = port
        yield state
        state.may.set()


@dataclass
class Mailbox:
    """A mail server. ``refuses``: it says no to every recipient."""

    port: int = 0
    refuses: bool = False
    got: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=airflow@example.org&to=ops@example.org&mode=insecure"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A running mail server: as much of SMTP as a client needs (RFC 5321, section 4.5.1)."""
    state = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            for raw in self.rfile:
                word = raw.strip().upper()
                if word.startswith(b"DATA"):
                    self._say("354 go on")
                    state.got.append(self._data())
                    self._say("250 taken")
                elif word.startswith(b"QUIT"):
                    self._say("221 bye")
                    return
                elif word.startswith(b"RCPT") and state.refuses:
                    self._say("550 nobody of that name")
                else:
                    self._say("250 ok")

        def _data(self) -> EmailMessage:
            lines = []
            for raw in self.rfile:
                if raw in (b".\r\n", b".\n"):
                    break
                lines.append(raw.removeprefix(b".") if raw.startswith(b"..") else raw)
            return email.message_from_bytes(b"".join(lines), policy=email.policy.default)  # type: ignore[return-value]

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True

    with _served(Server(("127.0.0.1", 0), Handler)) as port:
        state.port = port
        yield state


@contextmanager
def _served(server: Any) -> Iterator[int]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
