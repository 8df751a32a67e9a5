"""On which days a job is due, as the two day fields of a cron line, and how sure that is.

In: dates with whether the job ran then. Every pattern that a scheduler offers (each day, working days, some weekdays,
days of the month, the last of the month, the second Tuesday) is weighed by the days that it explains, those on which
it expected a run that is not there, and how common it is. Out: the best and the next best. It cannot fail.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import comb, exp, log
from typing import Any

NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MISSING = (0.01, 0.03, 0.1, 0.25)
"""Shares of its due times that a job may leave out; the one that fits best counts."""
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
        return (
            sum(_is_due("*", self.week, date(2024, 1, 1 + n)) for n in range(7)) if self.month == "*" else 1
        )

    @property
    def words(self) -> str:
        return in_words(self.month, self.week)


def in_words(month: str, week: str) -> str:
    """The pattern for people: "each day", "on MON,THU", "on day 1 of the month"."""
    if month != "*":
        return "on the last day of the month" if month == "L" else f"on day {month} of the month"
    return "each day" if week == "*" else f"on {week}"


def best_days(dates: Sequence[date], ran: Any) -> Days:
    """The pattern of the days on which it ran. ``ran``: an array of bools, one for each date, at least one true."""
    import numpy as np

    seen = [(one, bool(there)) for one, there in zip(dates, ran, strict=True)]
    active = sum(there for _, there in seen)
    weighed: dict[tuple[str, str], tuple[float, float]] = {}
    for month, week, prior, hits, asked in _patterns(seen):
        missed = asked - hits
        fit = max(hits * log(1 - q) + missed * log(q) for q in _MISSING)
        weighed.setdefault((month, week), (fit + (active - hits) * _UNASKED + prior, prior))
    top = max(weight for weight, _ in weighed.values())
    total = sum(exp(weight - top) for weight, _ in weighed.values())
    order = sorted(weighed, key=lambda key: -weighed[key][0])
    shares = {key: exp(weighed[key][0] - top) / total for key in order}
    best = order[0]
    others = tuple((in_words(*key), shares[key]) for key in order[1:3])
    due = np.array([_is_due(*best, one) for one in dates])
    return Days(*best, due, shares[best], weighed[best][1], others)


def _is_due(month: str, week: str, one: date) -> bool:
    """Whether a day fits the two fields, as far as this module writes them."""
    if month == "L":
        return one.day == monthrange(one.year, one.month)[1]
    if month != "*":
        return one.day in {int(day) for day in month.split(",")}
    name, _, place = week.partition("#")
    if place:
        return one.weekday() == NAMES.index(name) and (one.day - 1) // 7 == int(place) - 1
    first, _, last = week.partition("-")
    if last:
        return NAMES.index(first) <= one.weekday() <= NAMES.index(last)
    return week == "*" or NAMES[one.weekday()] in week.split(",")


def _patterns(seen: Sequence[tuple[date, bool]]) -> Iterator[tuple[str, str, float, int, int]]:
    """Fields, log of how common it is, and how many of its days have a run, of how many."""
    of_week, of_month = [[0, 0] for _ in NAMES], {n: [0, 0] for n in range(1, 32)}
    places: dict[tuple[int, int], list[int]] = {}
    last = [0, 0]
    for one, there in seen:
        counted = [of_week[one.weekday()], of_month[one.day]]
        counted.append(places.setdefault((one.weekday(), (one.day - 1) // 7), [0, 0]))
        if one.day >= 28 and one.day == monthrange(one.year, one.month)[1]:
            counted.append(last)
        for count in counted:
            count[0] += there
            count[1] += 1
    often = frozenset(n for n, (hits, asked) in enumerate(of_week) if asked and 2 * hits >= asked)
    some = frozenset(n for n, (hits, _) in enumerate(of_week) if hits)
    for chosen in _near(often, some):
        hits, asked = (sum(of_week[n][at] for n in chosen) for at in (0, 1))
        yield "*", _week_field(chosen), _week_prior(chosen), hits, asked
    days = [n for n, (hits, asked) in of_month.items() if asked and hits and 2 * hits >= asked]
    if 0 < len(days) <= 4:
        field = ",".join(map(str, days))
        yield (
            field,
            "*",
            _month_prior(days),
            sum(of_month[n][0] for n in days),
            sum(of_month[n][1] for n in days),
        )
    if last[0]:
        yield "L", "*", log(0.01), last[0], last[1]
    ran_at = [(place, count) for place, count in places.items() if count[0]]
    if len(ran_at) == 1:
        ((weekday, place), (hits, asked)) = ran_at[0]
        yield "*", f"{NAMES[weekday]}#{place + 1}", log(0.02 / 35), hits, asked


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
