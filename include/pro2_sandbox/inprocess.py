"""Calls the sandbox without a socket: synchronous, and as fast as the code behind it.

For tests that run whole incidents in process. A lost connection is raised
(:class:`~pro2_sandbox.faults.ConnectionDropped`), a refused one too (:class:`~pro2_sandbox.faults.Refused`).
"""

from __future__ import annotations

import json as jsonlib
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.types import Message, Scope

from pro2_sandbox.app import TIMEOUT, Sandbox


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return jsonlib.loads(self.text)


class InProcess:
    """``InProcess(create_app(world)).call("GET", "/api/3/users/me", headers={...})``.

    ``timeout``: an answer that would take so many seconds or more is not waited for. No call takes real time.
    """

    def __init__(self, app: Sandbox, timeout: float = 20) -> None:
        self._app = app
        self._timeout = timeout
        self._one_at_a_time = threading.Lock()

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """One request. ``path`` starts with a slash; a query in it is kept and ``params`` come on top."""
        split = urlsplit(path)
        query = "&".join(part for part in (split.query, urlencode(dict(params or {}))) if part)
        sent = {key.lower(): value for key, value in (headers or {}).items()}
        body = b""
        if form is not None:
            body = urlencode(dict(form)).encode()
            sent["content-type"] = "application/x-www-form-urlencoded"
        elif json is not None:
            body = jsonlib.dumps(json).encode()
            sent["content-type"] = "application/json"
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method.upper(),
            "scheme": "http",
            "path": split.path,
            "raw_path": split.path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", b"sandbox"),
                *((key.encode(), value.encode()) for key, value in sent.items()),
            ],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 80),
            "extensions": {TIMEOUT: {"seconds": self._timeout}},
        }
        with self._one_at_a_time:  # callers may be threads, and a world is not
            return _at_once(self._exchange(scope, body))

    async def _exchange(self, scope: Scope, body: bytes) -> Answer:
        status, headers, parts = 0, {}, []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {key.decode().lower(): value.decode() for key, value in message.get("headers", [])}
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        return Answer(status, headers, b"".join(parts).decode("utf-8", "replace"))


def _at_once(exchange: Coroutine[Any, Any, Answer]) -> Answer:
    """Run it without an event loop: no handler of the sandbox ever waits, and a loop takes as long as the answer."""
    try:
        exchange.send(None)
    except StopIteration as done:
        answer: Answer = done.value
        return answer
    exchange.close()
    raise RuntimeError("a handler of the sandbox waited for something; in process nothing wakes it")
