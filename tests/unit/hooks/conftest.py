"""A real server on loopback whose answers a test chooses, and connections that live in the environment."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Before Airflow is imported: it writes its configuration into its home.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))

import pytest

IMPATIENT = {"timeout": 0.4}
"""Extra of a connection whose server says nothing on purpose; on a busy machine others may take longer."""


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Server:
    """``answers`` are used in order, the last one again and again."""

    url: str = ""
    answers: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def will(self, *answers: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.answers[:] = answers


def reply(status: int = 200, body: Any = None, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with JSON, or with a text as it stands."""
    text = body if isinstance(body, str) else json.dumps({} if body is None else body)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Take the request and close the connection."""
    handler.close_connection = True


def half(handler: BaseHTTPRequestHandler) -> None:
    """Begin an answer and break off."""
    handler.send_response(200)
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"user":')
    handler.close_connection = True


@pytest.fixture
def answers() -> Iterator[Any]:
    """The ways to answer: ``reply``, ``silence``, ``hang_up``, ``half``."""
    over = threading.Event()

    def silent(handler: BaseHTTPRequestHandler) -> None:
        """Take the request and say nothing until the test is over."""
        over.wait(30)
        handler.close_connection = True

    class Answers:
        reply = staticmethod(reply)
        silence = staticmethod(silent)
        hang_up = staticmethod(hang_up)
        half = staticmethod(half)

    yield Answers
    over.set()


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server(answers=[reply()])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.seen.append(Seen(self.command, self.path, headers, body))
            answer = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            answer(self)

        do_GET = do_POST = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        state.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield state
        listening.shutdown()
        thread.join()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Define a connection; returns its id. Without pacing, and patient, unless a test says otherwise."""

    def build(conn_type: str, host: str, **parts: Any) -> str:
        extra = {"pace_ms": 0, "timeout": 5, **parts.pop("extra", {})}
        connection = {
            "conn_type": conn_type,
            "host": host,
            "password": "s3cret-token",
            "extra": extra,
            **parts,
        }
        monkeypatch.setenv("AIRFLOW_CONN_UNDER_TEST", json.dumps(connection))
        return "under_test"

    return build
