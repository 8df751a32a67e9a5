"""Requests, replies, and the one table that says what a failure means.

The table is data: (verb kind, what happened) to an error class of :mod:`pro2_reconciliation.domain.errors`.
A read that fails can be repeated; a mutating request that may have landed is AMBIGUOUS and is never repeated.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

from pro2_reconciliation.domain.errors import Ambiguous, Refused, Rejected, RequestError, Unreadable

T = TypeVar("T")
MAX_RETRY_AFTER = 60.0


@dataclass(frozen=True)
class Request:
    """One HTTP request relative to the connection's base URL. ``mutating`` decides what a failure means."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None
    mutating: bool = False


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str


Exchange = Generator[Request, Reply, T]
"""An operation as data: yields requests, is sent replies, returns its result."""


class Transport(Protocol):
    """Carries one request. Raises ``NeverSent`` when no byte left, ``Ambiguous`` (mutating) or ``Unreadable``
    (read) when the answer got lost; a reply of any status is returned, not raised."""

    def carry(self, request: Request) -> Reply: ...


def drive(exchange: Exchange[T], carry: Callable[[Request], Reply]) -> T:
    """Run an exchange over a synchronous transport."""
    try:
        request = next(exchange)
        while True:
            try:
                reply = carry(request)
            except RequestError as error:
                request = exchange.throw(error)
            else:
                request = exchange.send(reply)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


async def adrive(exchange: Exchange[T], carry: Callable[[Request], Awaitable[Reply]]) -> T:
    """Run an exchange over an asynchronous transport."""
    try:
        request = next(exchange)
        while True:
            try:
                reply = await carry(request)
            except RequestError as error:
                request = exchange.throw(error)
            else:
                request = exchange.send(reply)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Seconds to wait, from ``Retry-After`` as seconds or HTTP date, clamped to 0..60.

    1 where it is absent.
    """
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "").strip()
    if not value:
        return 1.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - (now or datetime.now(UTC))).total_seconds()
        except (ValueError, TypeError):
            return 1.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def read_json(request: Request, reply: Reply) -> Any:
    """The JSON of a reply, or the error that the status, the body and the verb amount to.

    Raises ``Refused`` (429; 503 to a read), ``Rejected`` (other 4xx), ``Ambiguous`` (mutating: 5xx, no JSON)
    or ``Unreadable`` (read: 5xx, no JSON).
    """
    what = f"{request.method} {request.path}"
    lost: type[RequestError] = Ambiguous if request.mutating else Unreadable
    if reply.status == 429 or (reply.status == 503 and not request.mutating):
        raise Refused(
            f"{what} was refused with {reply.status}; try again later",
            status=reply.status,
            retry_after=retry_after(reply.headers),
        )
    if 400 <= reply.status < 500:
        raise Rejected(f"{what} was rejected with {reply.status}: {explain(reply)}", status=reply.status)
    if reply.status >= 300:
        raise lost(f"{what} was answered {reply.status}; it is not known what happened", status=reply.status)
    try:
        return json.loads(reply.text)
    except (ValueError, RecursionError):
        raise lost(
            f"{what} was answered {reply.status} without JSON ({reply.text[:60]!r}...)", status=reply.status
        ) from None


def explain(reply: Reply) -> str:
    """The sentence in an error body; ActiveCampaign has no common shape for it (domain facts 2.2)."""
    try:
        body = json.loads(reply.text)
    except (ValueError, RecursionError):
        return " ".join(reply.text.split())[:200] or "no reason given"
    if isinstance(body, dict):
        if isinstance(body.get("message"), str):
            return str(body["message"])
        errors = body.get("errors")
        if isinstance(errors, list) and errors:
            return "; ".join(
                e if isinstance(e, str) else str(e.get("detail") or e.get("title") or e) for e in errors
            )
        if isinstance(body.get("result_message"), str):
            return str(body["result_message"])
        if isinstance(body.get("Description"), str):
            return str(body["Description"])
    return str(body)[:200] if body else "no reason given"
