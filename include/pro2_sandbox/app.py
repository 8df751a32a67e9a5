"""The sandbox as an ASGI application.

Order for every request: let late requests land and the world catch up with its clock, look for a fault, look at the
gate, answer. Faults stand outermost, because a lost connection must not pass through anything that would turn it
into an answer.
In process, lost connections surface as :class:`~pro2_sandbox.faults.ConnectionDropped`.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
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
from pro2_sandbox.faults import ConnectionDropped, Fault, Refused
from pro2_sandbox.gate import too_many, turned_away
from pro2_sandbox.world import World

TIMEOUT = "pro2_sandbox.timeout"
"""Extension of the scope: a client in process, which waits ``seconds`` for an answer but takes no real time."""


@dataclass(frozen=True)
class _Late:
    """A request that lands after its client has given up."""

    at: datetime
    scope: Scope
    body: bytes


class Sandbox(FastAPI):
    """A FastAPI application with the world behind it and the faults in front of it."""

    world: World
    _late: list[_Late]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        world = self.world
        await self._land()
        world.advance()
        path = str(scope["path"])
        body = await _whole_body(receive)
        fault = None if path.startswith("/sandbox") else self._fault(scope, path, body)
        if fault is not None and fault.behaviour.effect in ("none", "late"):
            if fault.behaviour.effect == "late":
                self._late.append(_Late(world.now + timedelta(seconds=fault.delay), dict(scope), body))
            await _spoiled(fault, world, None, scope, _Replay(body, receive), send)
            return
        instead = turned_away(world, path, Headers(scope=scope))
        if instead is not None:
            await instead(scope, _Replay(body, receive), send)
        elif fault is None:
            await super().__call__(scope, _Replay(body, receive), _with_limits(world, path, send))
        else:
            await self._delivered(fault, scope, body, receive, send)

    def _fault(self, scope: Scope, path: str, body: bytes) -> Fault | None:
        query = scope["query_string"].decode("latin-1")
        fields = dict(parse_qsl(query)) | dict(parse_qsl(body.decode("utf-8", "replace")))
        return self.world.faults.take(scope["method"], path, fields.get("api_action"))

    async def _delivered(self, fault: Fault, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Let the effect happen, then spoil the answer."""
        for _ in range(2 if fault.behaviour.effect == "twice" else 1):
            answered = _Kept()
            with self.world.as_of(fault.delay) if fault.behaviour.on == "read" else nullcontext():
                await super().__call__(scope, _Replay(body, receive), answered)
        await _spoiled(fault, self.world, answered, scope, _Replay(body, receive), send)

    async def _land(self) -> None:
        """Requests that were late arrive by now, each at its own time."""
        for late in sorted(self._late, key=lambda one: one.at):
            if self.world.advance(late.at) < late.at:
                return
            self._late.remove(late)
            if turned_away(self.world, str(late.scope["path"]), Headers(scope=late.scope)) is None:
                await super().__call__(late.scope, _Replay(late.body, _never), _Kept())


def create_app(world: World) -> Sandbox:
    """The application over a world. The world's clock is the only time it knows."""
    app = Sandbox(title="Pro2 sandbox", description=__doc__ or "", version="1")
    app.world = world
    app._late = []
    for part in (
        api_activecampaign,
        api_contacts,
        api_v1,
        api_dashboard,
        api_tessitura,
        api_status,
        api_sandbox,
    ):
        app.router.routes.extend(part.router(world).routes)  # include_router would build each route again
    return app


async def _spoiled(
    fault: Fault, world: World, answered: _Kept | None, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer as the fault says; ``answered`` is what would have been answered, None where nothing happened."""
    seconds = fault.delay
    half = answered.body[: max(1, len(answered.body) // 2)] if answered else b""
    match fault.behaviour.reply:
        case "refused":
            raise Refused("the sandbox refuses this connection")
        case "dropped":
            raise ConnectionDropped(f"{scope['method']} {scope['path']}: no answer came")
        case "slow":
            await _wait(seconds, scope)
            reply = _same(answered)
        case "error":
            reply = HTMLResponse("<h1>Internal Server Error</h1>", fault.status or 500)
        case "html":
            reply = HTMLResponse(DOWN, 200)
        case "half":
            reply = Response(half, answered.status if answered else 200, media_type="application/json")
        case "too_many":
            reply = too_many(f"{seconds:g}", world.limit.headers())
        case "too_many_date":
            dates = {"Date": format_datetime(world.now, usegmt=True)}
            until = format_datetime(world.now + timedelta(seconds=seconds), usegmt=True)
            reply = too_many(until, {**world.limit.headers(), **dates})
        case "forbidden":
            reply = answer({"message": "You do not have permission to use this API"}, 403)
        case "usual":
            reply = _same(answered)
    await reply(scope, receive, send)


def _same(answered: _Kept | None) -> Response:
    kept = answered or _Kept()
    return Response(kept.body, kept.status, media_type="application/json")


async def _wait(seconds: float, scope: Scope) -> None:
    """An answer that takes its time; a client in process waits no real time, and not for ever."""
    client = (scope.get("extensions") or {}).get(TIMEOUT)
    if client is None:
        await asyncio.sleep(seconds)
    elif seconds >= client["seconds"]:
        raise ConnectionDropped(
            f"{scope['method']} {scope['path']}: no answer within {client['seconds']:g} s"
        )


async def _never() -> Message:
    return {"type": "http.disconnect"}


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
