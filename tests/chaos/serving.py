"""The sandbox of one evening as a real HTTP server over a socket, in the process that calls ``serve``."""

from __future__ import annotations

import contextlib
import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.incident.harness import Evening


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    evening: Evening

    def _any(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = "form" in (self.headers.get("Content-Type") or "")
        path = urlsplit(self.path)
        answer = self.evening.sandbox.call(
            self.command,
            path.path,
            params=dict(parse_qsl(path.query, keep_blank_values=True)),
            headers={k: v for k, v in self.headers.items() if k.lower() in ("api-token", "authorization")},
            form=dict(parse_qsl(raw, keep_blank_values=True)) if form else None,
            json=json.loads(raw) if raw and not form else None,
        )
        body = answer.text.encode()
        head = f"HTTP/1.1 {answer.status} x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with contextlib.suppress(ConnectionError):
            self.wfile.write(head.encode() + body)

    do_GET = do_POST = do_DELETE = do_PUT = _any

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, *_: Any) -> None:
        """An actor that died in the middle of a request is what is being tested."""


def serve(house: Evening, listening: socket.socket) -> None:
    """Answer for ever what comes to the socket."""
    server = _Server(
        ("127.0.0.1", 0), type("Handler", (_Handler,), {"evening": house}), bind_and_activate=False
    )
    server.socket.close()
    server.socket = listening
    server.serve_forever(poll_interval=60)
