"""The sandbox as an ASGI application.

Order for every request: let the world catch up with its clock, look for a fault, look at the gate, answer. Faults
stand outermost, because a lost connection must not pass through anything that would turn it into an answer.
In process, lost connections surface as :class:`~pro2_sandbox.faults.ConnectionDropped`.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from pro2_sandbox import (
    api_activecampaign,
    api_contacts,
    api_dashboard,
    api_sandbox,
    api_status,
    api_tessitura,
    api_v1,
)
from pro2_sandbox.answers import DOWN, answer
from pro2_sandbox.faults import ConnectionDropped, Kind, Refused
from pro2_sandbox.gate import too_many, turned_away
from pro2_sandbox.world import World


class Sandbox(FastAPI):
    """A FastAPI application with the world behind it and the faults in front of it."""

    world: World

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        world = self.world
        world.advance()
        path = str(scope["path"])
        body = await _whole_body(receive)
        kind = None if path.startswith("/sandbox") else self._fault(scope, path, body)
        instead = _instead(kind, world)
        if instead is None:
            instead = turned_away(world, path, Headers(scope=scope))
        replay = _Replay(body, receive)
        if instead is not None:
            await instead(scope, replay, send)
        elif kind is None:
            await super().__call__(scope, replay, _with_limits(world, path, send))
        else:
            await self._spoiled(kind, scope, replay, send)

    def _fault(self, scope: Scope, path: str, body: bytes) -> Kind | None:
        query = scope["query_string"].decode("latin-1")
        fields = dict(parse_qsl(query)) | dict(parse_qsl(body.decode("utf-8", "replace")))
        return self.world.faults.take(scope["method"], path, fields.get("api_action"))

    async def _spoiled(self, kind: Kind, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the effect happen, then spoil the answer."""
        answered = _Kept()
        await super().__call__(scope, receive, answered)
        if kind == "timeout_after":
            raise ConnectionDropped(f"{scope['method']} {scope['path']}: no answer came")
        if kind == "error_after":
            reply: Response = HTMLResponse("<h1>Internal Server Error</h1>", 500)
        elif kind == "html":
            reply = HTMLResponse(DOWN, 200)
        else:
            half = answered.body[: max(1, len(answered.body) // 2)]
            reply = Response(half, answered.status, media_type="application/json")
        await reply(scope, receive, send)


def create_app(world: World) -> Sandbox:
    """The application over a world. The world's clock is the only time it knows."""
    app = Sandbox(title="Pro2 sandbox", description=__doc__ or "", version="1")
    app.world = world
    for part in (
        api_activecampaign,
        api_contacts,
        api_v1,
        api_dashboard,
        api_tessitura,
        api_status,
        api_sandbox,
    ):
        app.include_router(part.router(world))
    return app


def _instead(kind: Kind | None, world: World) -> Response | None:
    """The answer of a fault that keeps the effect from happening; None where the request goes on."""
    match kind:
        case "refuse":
            raise Refused("the sandbox refuses this connection")
        case "timeout_before":
            raise ConnectionDropped("no answer came")
        case "429":
            return too_many(1, world.limit.headers())
        case "403":
            return answer({"message": "You do not have permission to use this API"}, 403)
        case _:
            return None


async def _whole_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


class _Replay:
    """Gives the body that was read to whoever asks for it next."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Kept:
    """Keeps an answer instead of sending it."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")


def _with_limits(world: World, path: str, send: Send) -> Send:
    """Adds the rate limit's headers to the answers of the sending side."""
    if not path.startswith(("/api/3", "/admin")):
        return send

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(world.limit.headers())
        await send(message)

    return sending
