"""The campaigns as they were: what a stale read shows. The last hour is kept; anything older is its oldest state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from pro2_sandbox.campaign import Campaign

KEPT = timedelta(hours=1)


class History:
    """States of all campaigns, in order of time; a state is kept only where something changed."""

    def __init__(self) -> None:
        self._states: list[tuple[datetime, dict[int, Campaign]]] = []

    def keep(self, at: datetime, campaigns: Mapping[int, Campaign]) -> None:
        last = self._states[-1][1] if self._states else {}
        if last.keys() == campaigns.keys() and all(
            vars(last[number]) == vars(one) for number, one in campaigns.items()
        ):
            return
        self._states.append((at, {number: replace(one) for number, one in campaigns.items()}))
        while len(self._states) > 1 and self._states[1][0] < at - KEPT:
            self._states.pop(0)

    def at(self, moment: datetime) -> dict[int, Campaign]:
        """Every campaign as it was at a moment; the oldest state kept if that is later."""
        found = self._states[0][1]
        for when, state in self._states:
            if when > moment:
                break
            found = state
        return found
