"""Requests, replies, and the one table that says what a failure means.

:data:`MEANINGS` is the table: what became of a request, and whether it reads or changes something, to an error class
of :mod:`pro2_reconciliation.domain.errors`. A read that fails can be repeated; a mutating request that may have
landed is AMBIGUOUS and is never repeated. What is not in the table counts as lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from math import isnan
from typing import Any, Protocol, TypeVar

from pro2_reconciliation.domain.errors import (
    Ambiguous,
    NeverSent,
    Refused,
    Rejected,
    RequestError,
    Unreadable,
)
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


class Fate(StrEnum):
    """What became of a request that has no status to go by."""

    UNSENT = "no byte of it left"
    LOST = "no answer came, or none that was whole"
    NONSENSE = "its answer is not what was due"


@dataclass(frozen=True)
class Meaning:
    """One row: ``of`` a fate, or a range of statuses; None: no error. The first row that fits counts."""

    of: Fate | range
    read: type[RequestError] | None
    mutating: type[RequestError] | None


MEANINGS = (
    Meaning(Fate.UNSENT, NeverSent, NeverSent),
    Meaning(Fate.LOST, Unreadable, Ambiguous),
    Meaning(Fate.NONSENSE, Unreadable, Ambiguous),
    Meaning(range(200, 300), None, None),
    # a gateway's word for "it took too long", and the service behind it may still be at it
    Meaning(range(408, 409), Unreadable, Ambiguous),
    Meaning(range(429, 430), Refused, Refused),
    Meaning(range(400, 500), Rejected, Rejected),
    # said by a service that is down, and by a proxy whose service was at it
    Meaning(range(503, 504), Refused, Ambiguous),
)


def meaning(what: Fate | int, *, mutating: bool) -> type[RequestError] | None:
    """The error class of a fate or a status, by verb; None for a success."""
    for row in MEANINGS:
        if what in row.of if isinstance(row.of, range) else what is row.of:
            return row.mutating if mutating else row.read
    return meaning(Fate.LOST, mutating=mutating)


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

    1 where it is absent or means nothing. A date counts from the answer's own ``Date`` where there is one: the two
    clocks need not agree. ``now``: ours, aware.
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    value = given.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        until = _http_date(value)
        if until is None:
            return 1.0
        asked = _http_date(given.get("date", "")) or now or datetime.now(UTC)
        seconds = (until - asked).total_seconds()
    return 1.0 if isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _http_date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)  # "-0000" says UTC and nothing of the place


def read_json(request: Request, reply: Reply) -> Any:
    """The JSON of a reply, or the error that the status, the body and the verb amount to (:data:`MEANINGS`).

    Raises ``Refused``, ``Rejected``, ``Ambiguous`` (mutating) or ``Unreadable`` (read).
    """
    what = f"{request.method} {request.path}"
    error = meaning(reply.status, mutating=request.mutating)
    if error is None:
        try:
            return _decoded(reply.text)
        except (ValueError, RecursionError):
            lost = meaning(Fate.NONSENSE, mutating=request.mutating) or RequestError
            raise lost(
                f"{what} was answered {reply.status} without JSON ({reply.text[:60]!r}...)",
                status=reply.status,
            ) from None
    if issubclass(error, Refused):
        raise error(
            f"{what} was refused with {reply.status}; try again later",
            status=reply.status,
            retry_after=retry_after(reply.headers),
        )
    if issubclass(error, Rejected):
        raise error(f"{what} was rejected with {reply.status}: {explain(reply)}", status=reply.status)
    raise error(f"{what} was answered {reply.status}; it is not known what happened", status=reply.status)


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
