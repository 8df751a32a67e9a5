"""Pair due times with runs on the time line of each job, by index: which is nearest, and which came last before.

In: moments with the job that they belong to. Out: index of a due time to index of a run. What a pair means is for
``matching.py`` to say. Ties are settled by time and then by index, never by the order of the input. It cannot fail.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

_At = tuple[datetime, int, str]


def latest_before(
    dues: Iterable[_At], rows: Iterable[_At], fits: Callable[[int, datetime], bool] | None = None
) -> dict[int, int]:
    """Through time, each row takes the latest due time of its job that still waits; ``fits`` may refuse that one."""
    events = [(at, 0, index, job) for at, index, job in dues] + [
        (at, 1, index, job) for at, index, job in rows
    ]
    waiting: dict[str, list[int]] = defaultdict(list)
    found: dict[int, int] = {}
    for moment, is_row, index, job in sorted(events):
        stack = waiting[job]
        if not is_row:
            stack.append(index)
        elif stack and (fits is None or fits(stack[-1], moment)):
            found[stack.pop()] = index
    return found


def nearest_pairs(due_table: Any, run_table: Any) -> dict[int, int]:
    """Take the nearest free pair again and again.

    On the time line of a job the nearest pair always stands side by side (whatever stood between would be
    nearer, and no due time in between reaches less far), so only neighbours are compared; when a pair leaves,
    its two neighbours become neighbours of each other. Where the line has gaps that nothing reaches across, a
    due time and a row alone between two gaps are a pair at once, which is what most are.
    """
    import pandas as pd

    line = pd.concat([due_table.assign(run=0), run_table.assign(run=1)])
    line = line.sort_values(["job", "at", "run", "index"], ignore_index=True)
    far = line["job"].diff().ne(0) | line["at"].diff().gt(line["reach"].max())
    company = line.groupby(far.cumsum())["index"].transform("size")
    first = line[far & company.eq(2)]
    second = line.loc[first.index + 1].set_index(first.index)
    paired = first["run"].ne(second["run"]) & (second["at"] - first["at"]).le(first["reach"])
    first, second = first[paired], second[paired]
    began_late = first["run"].eq(0)
    dues = first["index"].where(began_late, second["index"]).tolist()
    taken = dict(zip(dues, second["index"].where(began_late, first["index"]).tolist(), strict=True))

    line = line[company.gt(2)]
    job, at = line["job"].tolist(), line["at"].tolist()
    run, index, reach = line["run"].tolist(), line["index"].tolist(), line["reach"].tolist()
    size = len(line)
    left, right = list(range(-1, size - 1)), list(range(1, size + 1))

    def pair(one: int, two: int) -> tuple[int, int, int, int] | None:
        if one < 0 or two >= size or run[one] == run[two] or job[one] != job[two]:
            return None
        distance = at[two] - at[one]
        if distance > reach[one]:
            return None
        return distance, at[one], one, two

    heap = [found for one in range(size - 1) if (found := pair(one, one + 1))]
    heapq.heapify(heap)
    gone = [False] * size
    while heap:
        _, _, one, two = heapq.heappop(heap)
        if gone[one] or gone[two]:
            continue
        gone[one] = gone[two] = True
        due, row = (two, one) if run[one] else (one, two)
        taken[index[due]] = index[row]
        before, after = left[one], right[two]
        if before >= 0:
            right[before] = after
        if after < size:
            left[after] = before
        if found := pair(before, after):
            heapq.heappush(heap, found)
    return taken
