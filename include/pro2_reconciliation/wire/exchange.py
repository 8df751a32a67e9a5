"""Requests, replies, and the one table that says what a failure means.

The table is data: (verb kind, what happened) to an error class of :mod:`pro2_reconciliation.domain.errors`.
A read that fails can be repeated; a mutating request that may have landed is AMBIGUOUS and is never repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

from pro2_reconciliation.domain.errors import Ambiguous, Refused, Rejected, RequestError, Unreadable
from pro2_reconciliation.domain.oneline import one_line

T = TypeVar("T")
MAX_RETRY_AFTER = 60.0
_UNSTORABLE = re.compile(r"\\u(?:d[89a-f]|0000)", re.IGNORECASE)


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
        return _decoded(reply.text)
    except (ValueError, RecursionError):
        raise lost(
            f"{what} was answered {reply.status} without JSON ({reply.text[:60]!r}...)", status=reply.status
        ) from None


def _decoded(text: str) -> Any:
    """The JSON of a text. Half a surrogate pair and NUL, which no file and no database takes, become U+FFFD."""
    body = json.loads(text)
    return _storable(body) if _UNSTORABLE.search(text) else body


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list) else value


def explain(reply: Reply) -> str:
    """The sentence in an error body, on one line; ActiveCampaign has no common shape for it (domain facts 2.2)."""
    return " ".join(one_line(_sentence(reply), 300).split()) or "no reason given"


def _sentence(reply: Reply) -> str:
    try:
        body = _decoded(reply.text)
    except (ValueError, RecursionError):
        return reply.text[:1000]
    if not isinstance(body, dict):
        return str(body) if body else ""
    errors = body.get("errors")
    if not isinstance(body.get("message"), str) and isinstance(errors, list) and errors:
        return "; ".join(
            str(e.get("detail") or e.get("title") or e) if isinstance(e, dict) else str(e) for e in errors
        )
    said = (
        body[key] for key in ("message", "result_message", "Description") if isinstance(body.get(key), str)
    )
    return next(said, str(body) if body else "")
