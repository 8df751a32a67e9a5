"""At which minute the runs of a job are due, when each of them starts a little after it.

In: start times as minutes on a wall clock. Folded by a period (an hour, or 15 minutes) all runs of a schedule lie
behind one minute. Each whole minute is weighed: delays spread evenly up to some longest one, one run in twenty may be
anything (late, pressed by hand), people prefer round minutes, and the jobs of one log are about as late as each other
(:class:`Habit`). Out: the minute that weighs most, and how much the others weigh. It cannot fail; with few or strange
runs no minute weighs much more than the others.

What it cannot see: a dashboard that starts everything a fixed while late looks like a later schedule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, log
from typing import Any

HOUR = 60
STEPS = (30, 20, 15, 12, 10, 6, 5, 4, 3, 2)
"""Minutes between the runs of a job that is due several times an hour: what ``*/n`` can say."""
_STRANGE = 0.05
SPREADS = tuple(quarters / 4 for quarters in range(1, 49))
"""The longest delays that are weighed, in minutes: in steps that divide one, so that none fits better by chance."""
NO_HABIT = tuple(1 / spread / sum(1 / one for one in SPREADS) for spread in SPREADS)
"""Nothing is known of other jobs: as likely between one minute and two as between four and eight."""
_BLUR = 0.4
"""How far the delays of other jobs tell of this one: by a factor of about e to this."""
_KNOWN = 2.0
"""How many jobs the usual shares are worth, until the log's own say more: organizations differ."""
_OWN_WAY = 3.0
"""Of so many jobs more than are known, each has a delay of its own."""


@dataclass(frozen=True)
class Fold:
    """Due at ``minute`` of each ``period`` (minutes), runs starting up to ``spread`` minutes later.

    ``sure`` is the weight of the minute, 0 to 1; ``others`` are the next best with theirs. ``prior`` is how common such
    a minute is, ``weight`` how well it explains the starts (logs).
    """

    period: int
    minute: int
    spread: float
    sure: float
    prior: float
    weight: float
    others: tuple[tuple[int, float], ...] = ()

    @property
    def minutes(self) -> tuple[int, ...]:
        """The minutes of an hour at which it is due."""
        return tuple(range(self.minute, HOUR, self.period))

    @property
    def field(self) -> str:
        """The minute field of its cron line."""
        if self.period < HOUR and self.minute == 0:
            return f"*/{self.period}"
        return ",".join(map(str, self.minutes))


@dataclass(frozen=True)
class Habit:
    """What the clear jobs of a log tell of its others: ``late`` is how likely each of ``SPREADS`` is, ``quarters`` and
    ``fives`` how many of their minutes are at a quarter of an hour, or at another multiple of five; ``odd`` the others.
    ``elsewhere`` is the share of jobs that go by UTC and not by the zone of the organization.
    """

    late: tuple[float, ...] = NO_HABIT
    quarters: int = 0
    fives: int = 0
    odd: int = 0
    elsewhere: float = 0.05


NO = Habit()


def habit_of(folds: Iterable[Fold], elsewhere: int = 0, zones: int = 0) -> Habit:
    """The habit of a log, from jobs whose schedule many runs make clear; the zone of ``zones`` of them is known, and
    ``elsewhere`` of those go by UTC.
    """
    clear = [*folds]
    minutes = [one.minute for one in clear if one.period == HOUR]
    quarters = sum(one % 15 == 0 for one in minutes)
    fives = sum(one % 5 == 0 for one in minutes) - quarters
    late = _late(one.spread for one in clear)
    share = (_KNOWN * NO.elsewhere + elsewhere) / (_KNOWN + zones)
    return Habit(late, quarters, fives, len(minutes) - quarters - fives, share)


def _late(spreads: Iterable[float]) -> tuple[float, ...]:
    """How likely each longest delay is, where those of other jobs are known."""
    found = [_OWN_WAY * one for one in NO_HABIT]
    for other in spreads:
        bumps = [exp(-((log(spread / other) / _BLUR) ** 2)) / spread for spread in SPREADS]
        found = [one + bump / sum(bumps) for one, bump in zip(found, bumps, strict=True)]
    return tuple(one / sum(found) for one in found)


def fold(starts: Any, period: int, habit: Habit = NO) -> Fold:
    """The minute of a period behind which the starts lie. ``starts``: an array of minutes, at least one."""
    import numpy as np

    points = np.sort(np.mod(starts, period))
    around = np.concatenate([points, points + period])
    minutes, spreads = np.arange(period), np.array([one for one in SPREADS if one <= 0.9 * period])
    first = np.searchsorted(around, minutes, side="left")
    inside = np.searchsorted(around, minutes[:, None] + spreads[None, :], side="right") - first[:, None]
    strange = _STRANGE / period
    weight = inside * np.log((1 - _STRANGE) / spreads + strange) + (len(points) - inside) * np.log(strange)
    weight += np.log(habit.late[: len(spreads)])
    total = np.logaddexp.reduce(weight, axis=1) + np.log(_liked(period, habit))
    share = np.exp(total - np.logaddexp.reduce(total))
    order = np.argsort(-share, kind="stable")
    best = int(order[0])
    return Fold(
        period,
        best,
        float(spreads[int(np.argmax(weight[best]))]),
        float(share[best]),
        float(np.log(_liked(period, habit)[best])),
        float(total[best]),
        tuple((int(one), float(share[one])) for one in order[1:4]),
    )


def periods(starts: Sequence[float] | Any) -> tuple[int, ...]:
    """The periods that the distance between runs allows: an hour, or steps of fewer minutes."""
    import numpy as np

    gaps = np.diff(starts)
    usual = float(np.median(gaps)) if len(gaps) else float(HOUR)
    if usual > 0.75 * HOUR:
        return (HOUR,)
    return tuple(step for step in STEPS if 0.7 * usual <= step <= 1.4 * usual)


@cache
def _liked(period: int, habit: Habit) -> Any:
    """How likely each minute is before the job's own runs are seen."""
    import numpy as np

    if period < HOUR:
        return np.array([0.8, *[0.2 / (period - 1)] * (period - 1)])
    known = habit.quarters + habit.fives + habit.odd + _KNOWN
    quarters, fives, odd = (
        (_KNOWN * usual + seen) / known
        for usual, seen in ((0.54, habit.quarters), (0.20, habit.fives), (0.26, habit.odd))
    )
    found = np.full(HOUR, odd / 48)
    found[::5] = fives / 8
    found[[15, 45]] = quarters * 0.12
    found[30] = quarters * 0.24
    found[0] = quarters * 0.52
    return found
