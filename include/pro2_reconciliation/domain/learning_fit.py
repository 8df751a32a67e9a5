"""The schedules that explain the runs of one job: one cron line for each span in which it did not change.

In: start times as minutes on the wall clock of one zone, the span in which the log is whole, and holes in it. A cron
line is minutes x hours x days, so each is found for itself: the minute by folding (``learning_fold``), the hours by
how many days have a run in them, the days by their pattern (``learning_days``). A job whose schedule changed is cut
where two schedules explain so much more than one that the cut pays. Out: :class:`Piece`s, each with what it
explains; ``trouble`` says why one is not to be believed. It cannot fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from itertools import pairwise
from math import comb, log
from typing import Any

from pro2_reconciliation.domain.learning_days import Calendar, Days, calendar, pattern_of
from pro2_reconciliation.domain.learning_fold import HOUR, NO, SPREADS, Fold, Habit, fold, periods

DAY = 24 * HOUR
SURE = 0.95
"""The least weight of minute, days and zone together that counts as known; what has less is only proposed."""
HELD = 0.7
"""The least share of its due times that a schedule must explain."""
_UNASKED = log(1e-5)
"""What a run costs that no due time explains: one in ten weeks, at any minute."""
_STOPS = (0.005, 0.02, 0.1, 0.3)
"""How often a job leaves out a due time after a run; the one that fits best counts."""
_STILL = (0.3, 0.95)
"""How often it also leaves out the next: single runs go missing, and so does all that an outage holds."""
_CHANGED = log(0.1)
"""How common a changed schedule is; each midnight may be the one."""
_CLEAR = 4.0
"""By how much (a log) one schedule or two must explain more to be the answer; between is doubt."""
_MOST_PIECES = 3


@dataclass(frozen=True)
class Seen:
    """Start times of one job (an array of wall minutes since 1970, in order) and where the log is whole: [low, high)
    without ``holes``.
    """

    starts: Any
    low: float
    high: float
    holes: tuple[tuple[float, float], ...] = ()
    habit: Habit = NO

    def part(self, low: float, high: float) -> Seen:
        first, last = self.starts.searchsorted([low, high])
        return replace(
            self, starts=self.starts[first:last], low=max(low, self.low), high=min(high, self.high)
        )


@dataclass(frozen=True)
class Piece:
    """One schedule in [low, high). ``weight`` is how well it explains the runs (a log, more is better).

    ``hits``: wall minutes of due times with a run; ``missed``: number of due times without one; ``unasked``: number of
    runs without a due time. ``doubt``: hours that are neither in nor out; ``perhaps_cut``: the wall minute at which
    it may have changed.
    """

    low: float
    high: float
    fold: Fold
    hours: tuple[int, ...]
    days: Days
    hits: Any
    missed: int
    unasked: int
    weight: float
    doubt: tuple[int, ...] = ()
    perhaps_cut: float | None = None

    @property
    def cron(self) -> str:
        return f"{self.fold.field} {_hour_field(self.hours)} {self.days.month} * {self.days.week}"

    @property
    def sure(self) -> float:
        """The weight of the minute and of the days together, 0 to 1."""
        return self.fold.sure * self.days.sure

    @cached_property
    def days_hit(self) -> int:
        """On how many days it ran as expected."""
        return len({int(one) // DAY for one in self.hits})

    @property
    def broken(self) -> str:
        """Why it does not explain the runs; empty where it does."""
        due = len(self.hits) + self.missed
        if not len(self.hits):
            return "its runs follow no schedule"
        if len(self.hits) < HELD * due or self.unasked > max(2, 0.25 * len(self.hits)):
            return (
                f"its runs follow no schedule: the best one explains {len(self.hits)} of {due} due times, and "
                f"{self.unasked} runs are outside of it"
            )
        if self.doubt:
            return (
                f"its hours are not clear: {', '.join(f'{hour:02}' for hour in self.doubt)} only now and then"
            )
        if self.perhaps_cut is not None:
            return f"its schedule may have changed about {date.fromordinal(_EPOCH + int(self.perhaps_cut // DAY))}"
        return ""

    @property
    def what_else(self) -> str:
        """What else may explain the runs as well, however unlikely."""
        if self.fold.sure <= self.days.sure:
            minutes = " or ".join(f"{n:02}" for n, _ in ((self.fold.minute, 0.0), *self.fold.others[:2]))
            return f"its minute is not clear, it may be {minutes} ({self.fold.sure:.0%} for the first)"
        other = self.days.others[0][0] if self.days.others else "on other days"
        return f"its days are not clear, they may be {self.days.words} ({self.days.sure:.0%}) or {other}"

    @property
    def trouble(self) -> str:
        """Why it is not to be believed; empty where it is."""
        return self.broken or ("" if self.sure >= SURE else self.what_else)


def pieces(seen: Seen, most: int = _MOST_PIECES) -> list[Piece]:
    """The schedules of one job, oldest first; at least one. ``seen`` has at least one start."""
    whole = fit(seen)
    if most == 1 or not _may_have_changed(seen, whole):
        return [whole]
    cut, gain, clear = _best_cut(seen, whole)
    if gain < _CLEAR:
        return [replace(whole, perhaps_cut=cut if clear and gain > -_CLEAR else None)]
    before, after = seen.part(seen.low, cut), seen.part(cut, seen.high)
    earlier = pieces(before, most - 1)
    return [*earlier, *pieces(after, most - len(earlier))]


def fit(seen: Seen) -> Piece:
    """The one schedule that explains most of the runs."""
    import numpy as np

    folds = [fold(seen.starts, period, seen.habit) for period in periods(seen.starts) or (HOUR,)]
    found = max(folds, key=lambda one: one.weight)
    period = found.period
    delay = np.mod(seen.starts - found.minute, period)
    on_time = delay <= found.spread + 0.5
    slots = np.unique((seen.starts - delay)[on_time].round().astype("int64"))
    strange = int((~on_time).sum())
    first, last = int(seen.low // DAY), int((seen.high - 1) // DAY)
    size = last - first + 1
    minutes = np.array([hour * HOUR + minute for hour in range(24) for minute in found.minutes])
    grid = np.arange(first, last + 1)[:, None] * DAY + minutes[None, :]
    known = (grid >= seen.low) & (grid < seen.high)
    for begin, end in seen.holes:
        known &= (grid < begin) | (grid >= end)
    ran = np.zeros(grid.shape, dtype=bool)
    slots = slots[(slots >= first * DAY) & (slots < (last + 1) * DAY)]
    each = len(found.minutes)
    of_day = np.mod(slots, DAY)
    ran[slots // DAY - first, of_day // HOUR * each + (of_day % HOUR - found.minute) // period] = True
    known |= ran
    hours, doubt = _hours(ran, known, each)
    columns = np.array([hour in hours for hour in range(24) for _ in range(each)])
    due_of_day = (known[:, columns]).sum(axis=1)
    ran_of_day = (ran[:, columns]).sum(axis=1)
    asked = due_of_day > 0
    active = ran_of_day[asked] >= 0.5 * due_of_day[asked]
    if not active.any():
        return Piece(seen.low, seen.high, found, hours, _NO_DAYS, slots[:0], 0, len(seen.starts), -np.inf)
    days = pattern_of(_calendar(first, last).part(asked), active)
    due = np.zeros(size, dtype=bool)
    due[np.flatnonzero(asked)[days.due]] = True
    expected = known & columns[None, :] & due[:, None]
    hits = grid[expected & ran]
    missed = int((expected & ~ran).sum())
    unasked = int(len(slots) - len(hits)) + strange
    weight = _kept(ran[expected]) - len(hits) * log(max(found.spread, 0.25)) + unasked * _UNASKED
    weight += days.prior + _hour_prior(hours) + found.prior - log(len(SPREADS))
    return Piece(seen.low, seen.high, found, hours, days, hits, missed, unasked, float(weight), doubt)


@lru_cache(maxsize=256)
def _calendar(first: int, last: int) -> Calendar:
    """The days from one to another, both counted from 1970."""
    import numpy as np

    return calendar(np.arange(first, last + 1) + _EPOCH)


def _kept(ran: Any) -> float:
    """How likely it is to run and to miss its due times in this order (a log)."""
    missed = ~ran
    gaps = int(missed[:1].sum() + (missed[1:] & ran[:-1]).sum())
    ends = int((ran[1:] & missed[:-1]).sum())
    hits, more = int(ran.sum()), int(missed.sum()) - gaps
    stops = max((hits - ends) * log(1 - q) + gaps * log(q) for q in _STOPS)
    return stops + max(more * log(still) + ends * log(1 - still) for still in _STILL)


_EPOCH = date(1970, 1, 1).toordinal()
_NO_DAYS = Days("*", "*", None, 0.0, 0.0)


def _hours(ran: Any, known: Any, each: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The hours that have a run on most of the days with any, and those of which that cannot be said."""
    import numpy as np

    days = ran.any(axis=1)
    shape = (int(days.sum()), 24, each)
    there, told = (
        ran[days].reshape(shape).any(axis=2).sum(axis=0),
        known[days].reshape(shape).any(axis=2).sum(axis=0),
    )
    share = there / np.maximum(told, 1)
    hours = tuple(int(hour) for hour in np.flatnonzero(share >= 0.5))
    doubt = tuple(int(n) for n in np.flatnonzero((share > 0.3) & (share < 0.6) & (there >= 2)))
    return hours or (int(np.argmax(there)),), doubt


def _may_have_changed(seen: Seen, whole: Piece) -> bool:
    """Whether a second schedule is worth looking for: runs or due times are left over, or the delay jumps."""
    few = max(1.0, 0.01 * len(whole.hits))
    if whole.missed > few or whole.unasked > few or whole.trouble:
        return len(seen.starts) >= 4
    third = len(seen.starts) // 3
    if third < 3:
        return False
    period = whole.fold.period
    first, last = (
        fold(seen.starts[:third], period, seen.habit),
        fold(seen.starts[-third:], period, seen.habit),
    )
    return first.minute != last.minute and min(first.sure, last.sure) > 0.5


def _best_cut(seen: Seen, whole: Piece) -> tuple[float, float, bool]:
    """The hour at which a cut explains most, how much more (a log) than no cut, that it is rare counted in, and whether
    both schedules are clear.
    """
    tried: dict[float, float] = {}

    def gain(cut: float) -> float:
        if cut not in tried:
            before, after = seen.part(seen.low, cut), seen.part(cut, seen.high)
            if len(before.starts) < 2 or len(after.starts) < 2:
                tried[cut] = float("-inf")
            else:
                one, other = fit(before), fit(after)
                alike = one.cron == other.cron
                tried[cut] = float("-inf") if alike else one.weight + other.weight - whole.weight
        return tried[cut]

    hours = range(int(seen.low // HOUR) + 1, int(seen.high // HOUR) + 1)
    midnights = [float(hour * HOUR) for hour in hours if hour % 24 == 0]
    if not midnights:
        return seen.low, float("-inf"), False
    step = max(1, len(midnights) // 12)
    best = max(midnights[::step], key=gain)
    while step > 1:
        step = max(1, step // 3)
        at = midnights.index(best)
        best = max(midnights[max(0, at - 3 * step) : at + 3 * step + 1 : step], key=gain)
    rare = _CHANGED - log(len(midnights))
    if gain(best) + rare < -2 * _CLEAR:
        return best, gain(best) + rare, False
    for step in (4 * HOUR, HOUR):
        near = (best + step * n for n in range(-5, 6))
        best = max([best, *(one for one in near if seen.low < one < seen.high)], key=gain)
    clear = not any(fit(seen.part(*part)).trouble for part in ((seen.low, best), (best, seen.high)))
    return best, gain(best) + rare, clear


def _hour_field(hours: Sequence[int]) -> str:
    if len(hours) == 24:
        return "*"
    if len(hours) > 2 and hours[-1] - hours[0] == len(hours) - 1:
        return f"{hours[0]}-{hours[-1]}"
    return ",".join(map(str, hours))


def _hour_prior(hours: Sequence[int]) -> float:
    size = len(hours)
    if size == 24:
        return log(0.3)
    if size == 1:
        return log(0.5 / 24)
    gaps = {other - one for one, other in pairwise(hours)}
    if len(gaps) == 1:
        return log(0.15 / 200)
    return log(0.05) - log(comb(24, size))
