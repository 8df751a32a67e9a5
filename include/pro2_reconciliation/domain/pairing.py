"""Pair due times with runs on the time line of ONE job, by position: which is nearest, and which came last before.

In: the moments of the due times and of the runs, each oldest first. Out: position of a due time to position of a run.
What a pair means is for ``matching.py`` to say. Ties are settled by time and then by position. It cannot fail.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

_DUE, _RUN = 0, 1
_Point = tuple[datetime, int, int]
"""When, whether a due time or a run, and its position."""


def latest_before(
    dues: Iterable[tuple[datetime, int]],
    runs: Iterable[tuple[datetime, int]],
    fits: Callable[[int, datetime], bool] | None = None,
) -> dict[int, int]:
    """Through time, each run takes the latest due time that still waits; ``fits`` may refuse that one."""
    waiting: list[int] = []
    found: dict[int, int] = {}
    for moment, kind, position in sorted(
        [*((at, _DUE, position) for at, position in dues), *((at, _RUN, position) for at, position in runs)]
    ):
        if kind == _DUE:
            waiting.append(position)
        elif waiting and (fits is None or fits(waiting[-1], moment)):
            found[waiting.pop()] = position
    return found


def nearest_pairs(
    dues: Sequence[datetime], reaches: Sequence[timedelta], runs: Sequence[datetime], early: timedelta
) -> dict[int, int]:
    """Take the nearest free pair again and again: a run at most ``early`` before its due time, and at most that one's
    reach after it.

    The line falls apart where nothing reaches across a gap. A due time and a run alone between two gaps are a pair at
    once, which is what most are.
    """
    line = [(at, _DUE, position) for position, at in enumerate(dues)]
    line += [(at, _RUN, position) for position, at in enumerate(runs)]
    line.sort()

    def apart(one: _Point, two: _Point) -> timedelta | None:
        """How far apart two neighbours are; None if they are no pair."""
        at, kind, position = one
        then, other, _ = two
        distance = then - at
        if kind == other or distance > (early if kind == _RUN else reaches[position]):
            return None
        return distance

    furthest = max([early, *reaches])
    gaps = [place for place, (one, two) in enumerate(pairwise(line), 1) if two[0] - one[0] > furthest]
    taken: dict[int, int] = {}
    for first, after in pairwise([0, *gaps, len(line)]):
        if after - first == 2:
            one, two = line[first:after]
            if apart(one, two) is not None:
                _take(one, two, taken)
        elif after - first > 2:
            _pair_up(line[first:after], apart, taken)
    return taken


def _pair_up(
    line: Sequence[_Point], apart: Callable[[_Point, _Point], timedelta | None], taken: dict[int, int]
) -> None:
    """The nearest pair always stands side by side (whatever stood between would be nearer, and no due time in between
    reaches less far), so only neighbours are compared; when a pair leaves, its two neighbours become neighbours.
    """
    size = len(line)
    nearest = [
        (distance, place, place + 1)
        for place in range(size - 1)
        if (distance := apart(line[place], line[place + 1])) is not None
    ]
    heapq.heapify(nearest)
    left, right = list(range(-1, size - 1)), list(range(1, size + 1))
    gone = [False] * size
    while nearest:
        _, one, two = heapq.heappop(nearest)
        if gone[one] or gone[two]:
            continue
        gone[one] = gone[two] = True
        _take(line[one], line[two], taken)
        before, after = left[one], right[two]
        if before >= 0:
            right[before] = after
        if after < size:
            left[after] = before
        if before >= 0 and after < size and (distance := apart(line[before], line[after])) is not None:
            heapq.heappush(nearest, (distance, before, after))


def _take(one: _Point, two: _Point, taken: dict[int, int]) -> None:
    due, run = (two, one) if one[1] == _RUN else (one, two)
    taken[due[2]] = run[2]
