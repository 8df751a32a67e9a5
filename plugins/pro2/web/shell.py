"""What goes around every answer: headers that leave a browser no choice, and a sentence instead of a traceback.

An unexpected error is logged by the API server with an id; the answer names that id and nothing else.
"""

from __future__ import annotations

import json
import logging
from secrets import token_hex

from pro2.web.lazy import Asgi, Message, Receive, Send

log = logging.getLogger("pro2.web")
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Shell:
    """A middleware of the page's app. A header that an answer brings itself is left as it is."""

    def __init__(self, app: Asgi) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                added = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in names]
                message = {**message, "headers": [*given, *added]}
            await send(message)

        try:
            await self.app(scope, receive, dressed)
        except Exception:
            number = token_hex(4)
            log.exception("Error %s of the page Outages, %s %r", number, scope["method"], scope["path"])
            if begun:
                raise
            await _say(dressed, number)


async def _say(send: Send, number: str) -> None:
    sentence = f"something went wrong that nobody expected; the log of Airflow's API server knows it as error {number}"
    body = json.dumps({"detail": sentence, "error": number}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
