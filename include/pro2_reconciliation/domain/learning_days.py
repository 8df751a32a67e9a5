"""On which days a job is due, as the two day fields of a cron line, and how sure that is.

In: days (a :class:`Calendar`) with whether the job ran then. Every pattern that a scheduler offers (each day, working
days, some weekdays, days of the month, the last of the month, the second Tuesday) is weighed by the days that it
explains, those on which it expected a run that is not there, and how common it is. Out: the best and the next best. It
cannot fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import comb, exp, log
from typing import Any

NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MISSING = (0.01, 0.03, 0.1, 0.25)
"""Shares of its due times that a job may leave out; the one that fits best counts."""
_EPOCH = date(1970, 1, 1).toordinal()
_UNASKED = log(0.005)
"""What a day costs on which the job ran though the pattern does not say so."""


@dataclass(frozen=True)
class Days:
    """``month`` and ``week`` are fields 3 and 5 of a cron line; ``sure`` is the weight of the pattern, 0 to 1."""

    month: str
    week: str
    due: Any
    sure: float
    prior: float
    others: tuple[tuple[str, float], ...] = ()

    @property
    def often(self) -> int:
        """On how many days of a week it is due; one for a schedule of the month."""
        if self.month != "*" or "#" in self.week:
            return 1
        first, _, last = self.week.partition("-")
        if last:
            return NAMES.index(last) - NAMES.index(first) + 1
        return len(NAMES) if self.week == "*" else len(self.week.split(","))

    @property
    def words(self) -> str:
        return in_words(self.month, self.week)


def in_words(month: str, week: str) -> str:
    """The pattern for people: "each day", "on MON,THU", "on day 1 of the month"."""
    if month != "*":
        return "on the last day of the month" if month == "L" else f"on day {month} of the month"
    return "each day" if week == "*" else f"on {week}"


@dataclass(frozen=True)
class Calendar:
    """Days in order, as arrays: weekday (0 is Monday), day of the month, and whether it is the last of it."""

    weekday: Any
    day: Any
    last: Any

    def part(self, chosen: Any) -> Calendar:
        return Calendar(self.weekday[chosen], self.day[chosen], self.last[chosen])

    def due(self, month: str, week: str) -> Any:
        """Which days fit the two fields, as far as this module writes them."""
        import numpy as np

        if month == "L":
            return self.last
        if month != "*":
            return np.isin(self.day, [int(day) for day in month.split(",")])
        name, _, place = week.partition("#")
        if place:
            return (self.weekday == NAMES.index(name)) & ((self.day - 1) // 7 == int(place) - 1)
        first, _, last = week.partition("-")
        if last:
            return (self.weekday >= NAMES.index(first)) & (self.weekday <= NAMES.index(last))
        names = NAMES if week == "*" else week.split(",")
        return np.isin(self.weekday, [NAMES.index(name) for name in names])


def calendar(ordinals: Any) -> Calendar:
    """The days with these ordinals (1 is 1 January of the year 1), an array."""
    import numpy as np

    days = (ordinals - _EPOCH).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    last = (days + 1).astype("datetime64[M]") != months
    return Calendar(
        (ordinals - 1) % 7, (days - months.astype("datetime64[D]")).astype("int64") + 1, np.array(last)
    )


def pattern_of(days: Calendar, ran: Any) -> Days:
    """The pattern of the days on which it ran; ``ran`` has at least one true."""
    active = int(ran.sum())
    weighed: dict[tuple[str, str], tuple[float, float]] = {}
    for month, week, prior, hits, asked in _patterns(days, ran):
        missed = asked - hits
        fit = max(hits * log(1 - q) + missed * log(q) for q in _MISSING)
        weighed.setdefault((month, week), (fit + (active - hits) * _UNASKED + prior, prior))
    top = max(weight for weight, _ in weighed.values())
    total = sum(exp(weight - top) for weight, _ in weighed.values())
    order = sorted(weighed, key=lambda key: -weighed[key][0])
    shares = {key: exp(weighed[key][0] - top) / total for key in order}
    best = order[0]
    others = tuple((in_words(*key), shares[key]) for key in order[1:3])
    return Days(*best, days.due(*best), shares[best], weighed[best][1], others)


def _patterns(days: Calendar, ran: Any) -> Iterator[tuple[str, str, float, int, int]]:
    """Fields, log of how common it is, and how many of its days have a run, of how many."""
    import numpy as np

    def counted(of: Any, size: int) -> list[tuple[int, int]]:
        hits, asked = np.bincount(of[ran], minlength=size), np.bincount(of, minlength=size)
        return [*zip(hits.tolist(), asked.tolist(), strict=True)]

    of_week, of_month = counted(days.weekday, 7), counted(days.day, 32)
    often = frozenset(n for n, (hits, asked) in enumerate(of_week) if asked and 2 * hits >= asked)
    some = frozenset(n for n, (hits, _) in enumerate(of_week) if hits)
    for chosen in _near(often, some):
        hits, asked = (sum(of_week[n][at] for n in chosen) for at in (0, 1))
        yield "*", _week_field(chosen), _week_prior(chosen), hits, asked
    numbers = [n for n, (hits, asked) in enumerate(of_month) if hits and 2 * hits >= asked]
    if 0 < len(numbers) <= 4:
        hits, asked = (sum(of_month[n][at] for n in numbers) for at in (0, 1))
        yield ",".join(map(str, numbers)), "*", _month_prior(numbers), hits, asked
    at_end = int((days.last & ran).sum())
    if at_end:
        yield "L", "*", log(0.01), at_end, int(days.last.sum())
    places = counted(days.weekday * 5 + (days.day - 1) // 7, 35)
    ran_at = [place for place, (hits, _) in enumerate(places) if hits]
    if len(ran_at) == 1:
        weekday, place = divmod(ran_at[0], 5)
        yield "*", f"{NAMES[weekday]}#{place + 1}", log(0.02 / 35), *places[ran_at[0]]


def _month_prior(days: Sequence[int]) -> float:
    if days == [1]:
        return log(0.04)
    return log(0.06 / 31) if len(days) == 1 else log(0.005 / comb(31, len(days)))


def _near(often: frozenset[int], some: frozenset[int]) -> set[frozenset[int]]:
    """Sets of weekdays that may be meant: the usual ones, those that were seen, and each with one day changed."""
    changed = [frozenset[int](), *(frozenset((n,)) for n in range(7))]
    found = {base ^ one for base in {often, some} for one in changed}
    return {one for one in found | {frozenset(range(7)), frozenset(range(5))} if one}


def _week_prior(chosen: frozenset[int]) -> float:
    size = len(chosen)
    if size == 7:
        return log(0.4)
    if chosen == frozenset(range(5)):
        return log(0.2)
    if size == 1:
        return log(0.15 / 7)
    if size == 2:
        return log(0.08 / 21)
    return log(0.04 / comb(7, size) / 4)


def _week_field(chosen: frozenset[int]) -> str:
    if len(chosen) == 7:
        return "*"
    days = sorted(chosen)
    # a range may not end with SUN, which cron counts as the first day
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1 and days[-1] < NAMES.index("SUN"):
        return f"{NAMES[days[0]]}-{NAMES[days[-1]]}"
    return ",".join(NAMES[n] for n in days)
