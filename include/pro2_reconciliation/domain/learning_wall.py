"""Moments as minutes on the wall clock of a zone, and the times in which a job stood still.

In: moments or start times. Out: numbers that the schedules are looked for with, and moments again. It cannot fail.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pro2_reconciliation.domain.localtime import after_gap, instants

_RESTS, _LONG_REST, _TWO_DAYS, _MOST_REST = 3, 3.0, 2880.0, 0.25
"""A job rested at most three times, each time thrice as long as any other pause, and a quarter of the time in all."""
_EPOCH = datetime(1970, 1, 1)


def wall(moment: datetime, zone: ZoneInfo) -> float:
    """Minutes on the wall clock since 1970."""
    return (moment.astimezone(zone).replace(tzinfo=None) - _EPOCH).total_seconds() / 60


def instant(minutes: float, zone: ZoneInfo) -> datetime:
    """The moment of such minutes; of an hour that the clocks show twice the first."""
    naive = _EPOCH + timedelta(minutes=float(minutes))
    return min(instants(naive, zone), default=None) or after_gap(naive, zone)


def clocks_change(start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    """Whether the clocks of a zone change between two moments, be it there and back."""
    days = range((end - start).days + 2)
    return len({min(start + timedelta(days=n), end).astimezone(zone).utcoffset() for n in days}) > 1


def rests(starts: Any, low: float, high: float) -> list[tuple[float, float]]:
    """Times in which the job itself stood still, as if paused: few, and far longer than any other pause of its runs."""
    import numpy as np

    ends = np.append(starts[1:], high)
    gaps = ends - starts
    if len(gaps) < _RESTS * 4:
        return []
    usual = float(np.partition(gaps, -_RESTS - 1)[-_RESTS - 1])
    found = [
        (float(starts[at]) + usual, float(ends[at]))
        for at in np.flatnonzero(gaps > np.maximum(_LONG_REST * usual, _TWO_DAYS))
    ]
    return found if sum(end - start for start, end in found) <= _MOST_REST * (high - low) else []
