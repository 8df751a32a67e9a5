"""At which minute the runs of a job are due, when each of them starts a little after it.

In: start times as minutes on a wall clock. Folded by a period (an hour, or 15 minutes) all runs of a schedule lie
behind one minute. Each whole minute is weighed: delays spread evenly up to some longest one, one run in twenty may be
anything (late, pressed by hand), people prefer round minutes, and the jobs of one log are about as late as each other
(``habit``). Out: the minute that weighs most, and how much the others weigh. It cannot fail; with few or strange runs
no minute weighs much more than the others.

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
"""The longest delays that are weighed, in minutes: in steps that divide one, so that no minute fits better by chance."""
NO_HABIT = tuple(1 / spread / sum(1 / one for one in SPREADS) for spread in SPREADS)
"""Nothing is known of other jobs: as likely between one minute and two as between four and eight."""
_BLUR = 0.4
"""How far the delays of other jobs tell of this one: by a factor of about e to this."""
_OWN_WAY = 3.0
"""Of so many jobs more than are known, each has a delay of its own."""


@dataclass(frozen=True)
class Fold:
    """Due at ``minute`` of each ``period`` (minutes), runs starting up to ``spread`` minutes later.

    ``sure`` is the weight of the minute, 0 to 1; ``others`` are the next best with theirs. ``prior`` is how common such
    a minute is (a log).
    """

    period: int
    minute: int
    spread: float
    sure: float
    prior: float
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


def habit_of(spreads: Iterable[float]) -> tuple[float, ...]:
    """How likely each longest delay is, where those of other jobs of the same log are known."""
    found = [_OWN_WAY * one for one in NO_HABIT]
    for other in spreads:
        bumps = [exp(-((log(spread / other) / _BLUR) ** 2)) / spread for spread in SPREADS]
        found = [one + bump / sum(bumps) for one, bump in zip(found, bumps, strict=True)]
    return tuple(one / sum(found) for one in found)


def fold(starts: Any, period: int, habit: tuple[float, ...] = NO_HABIT) -> Fold:
    """The minute of a period behind which the starts lie. ``starts``: an array of minutes, at least one."""
    import numpy as np

    points = np.sort(np.mod(starts, period))
    around = np.concatenate([points, points + period])
    minutes, spreads = np.arange(period), np.array([one for one in SPREADS if one <= 0.9 * period])
    first = np.searchsorted(around, minutes, side="left")
    inside = np.searchsorted(around, minutes[:, None] + spreads[None, :], side="right") - first[:, None]
    strange = _STRANGE / period
    weight = inside * np.log((1 - _STRANGE) / spreads + strange) + (len(points) - inside) * np.log(strange)
    weight += np.log(habit[: len(spreads)])
    total = np.logaddexp.reduce(weight, axis=1) + np.log(_liked(period))
    share = np.exp(total - np.logaddexp.reduce(total))
    order = np.argsort(-share, kind="stable")
    best = int(order[0])
    return Fold(
        period,
        best,
        float(spreads[int(np.argmax(weight[best]))]),
        float(share[best]),
        float(np.log(_liked(period)[best])),
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
def _liked(period: int) -> Any:
    """How likely each minute is before anything was seen."""
    import numpy as np

    if period < HOUR:
        return np.array([0.8, *[0.2 / (period - 1)] * (period - 1)])
    found = np.full(HOUR, 0.26 / 48)
    found[5::5] = 0.02
    found[10::10] = 0.03
    found[[15, 45]] = 0.06
    found[30] = 0.12
    found[0] = 0.30
    return found / found.sum()
