"""How this account writes its answers: JSON, numbers as text, times with the organization's offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import JSONResponse

T = TypeVar("T")
DOWN = "<html><head><title>503</title></head><body><h1>We are having some issues</h1></body></html>"


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(body, status_code=status, headers=dict(headers or {}))


def offset_time(moment: datetime | None, zone: ZoneInfo) -> str | None:
    """``2031-03-04T09:30:00-06:00``, whole seconds."""
    return None if moment is None else moment.astimezone(zone).isoformat(timespec="seconds")


def utc_time(moment: datetime | None) -> str | None:
    """``2031-03-04T15:30:00.000Z``."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def read_time(text: str, zone: ZoneInfo) -> datetime:
    """An ISO time; one without an offset is meant in ``zone``. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text.strip().replace(" ", "T", 1) if "T" not in text else text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def whole(text: str | None, default: int, least: int = 0, most: int | None = None) -> int:
    """A whole number from a query, kept within its bounds; anything else is the default."""
    try:
        value = int(text) if text is not None else default
    except ValueError:
        value = default
    value = max(least, value)
    return value if most is None else min(value, most)


def cut(request: Request, found: Sequence[T]) -> list[T]:
    """The part of a listing that ``limit`` (20, at most 100) and ``offset`` ask for."""
    query = request.query_params
    start = whole(query.get("offset"), 0)
    return list(found[start : start + whole(query.get("limit"), 20, 1, 100)])


def orders(request: Request) -> list[tuple[str, bool]]:
    """``orders[sdate]=DESC`` as (field, descending), in the order of the query."""
    return [
        (key[7:-1], value.upper() == "DESC")
        for key, value in request.query_params.multi_items()
        if key.startswith("orders[") and key.endswith("]")
    ]
