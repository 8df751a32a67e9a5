"""Moments as minutes on the wall clock of a zone, and the times in which a job stood still.

In: moments or start times. Out: numbers that the schedules are looked for with, and moments again. It cannot fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from heapq import nlargest
from itertools import pairwise
from zoneinfo import ZoneInfo

from pro2_reconciliation.domain.localtime import after_gap, instants

_AFTER = timedelta(minutes=1)
_RESTS, _LONG_REST, _TWO_DAYS, _MOST_REST = 3, 3, timedelta(days=2), 0.25
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


def rests(starts: Sequence[datetime], end: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Times in which the job itself stood still, as if paused: few, and far longer than any other pause of its runs.

    ``starts`` in order of time; the last rest may reach to ``end``, that of the log.
    """
    gaps = [(after - before, before, after) for before, after in pairwise([*starts, end])]
    if len(gaps) < _RESTS * 4:
        return ()
    usual = nlargest(_RESTS + 1, (gap for gap, _, _ in gaps))[-1]
    least = max(_LONG_REST * usual, _TWO_DAYS)
    found = tuple((before + _AFTER, after) for gap, before, after in gaps if gap > least)
    rested = sum((after - begin for begin, after in found), timedelta(0))
    return found if rested <= _MOST_REST * (end - starts[0]) else ()
