"""The organization's wall clock for a browser: when which offset and abbreviation begins.

A browser knows zones too, but calls most of them "GMT-6"; so the page says every time with the words that the rest of
the package uses (``domain.localtime``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from pro2_reconciliation.domain.localtime import find_zone, local

_STRIDE = timedelta(days=14)


def wall_clock(zone: str, moments: Iterable[datetime]) -> list[dict[str, Any]]:
    """The offsets of a zone in all years of these aware times: ``{"at", "minutes", "name"}``, oldest first.

    The first holds for everything before the second. Raises ``ConfigurationError`` for a zone nobody knows.
    """
    years = [moment.astimezone(UTC).year for moment in moments]
    return [dict(step) for step in _steps(zone, min(years) - 1, max(years) + 1)]


@lru_cache(maxsize=64)
def _steps(zone: str, first: int, last: int) -> tuple[dict[str, Any], ...]:
    at, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    found = [_step(at, zone)]
    while at < end:
        later = at + _STRIDE
        if _reading(later, zone) != _reading(at, zone):
            found.append(_step(_change(at, later, zone), zone))
        at = later
    return tuple(found)


def _change(low: datetime, high: datetime, zone: str) -> datetime:
    """The first second at which the clocks read otherwise than at ``low``."""
    before = _reading(low, zone)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if _reading(middle, zone) == before else (low, middle)
    return high.replace(microsecond=0)


def _step(at: datetime, zone: str) -> dict[str, Any]:
    minutes, name = _reading(at, zone)
    return {"at": at.isoformat(), "minutes": minutes, "name": name}


def _reading(at: datetime, zone: str) -> tuple[int, str]:
    offset = at.astimezone(find_zone(zone)).utcoffset() or timedelta()
    return round(offset / timedelta(minutes=1)), local(at, zone).rpartition(" ")[2]
