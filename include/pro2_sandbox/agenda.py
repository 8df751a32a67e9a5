"""What will happen by itself, in order of time.

Nothing runs in the background: :class:`~pro2_sandbox.world.World` carries out what is due before it answers.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count


class Agenda:
    """Appointments. Two for the same moment happen in the order in which they were made."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = count()

    def at(self, moment: datetime, happen: Callable[[datetime], None]) -> None:
        """Have ``happen(moment)`` called as soon as the world's time has reached ``moment``."""
        heapq.heappush(self._heap, (moment, next(self._order), happen))

    def carry_out(self, until: datetime) -> None:
        """Everything due up to and including ``until``, also what it gives rise to."""
        while self._heap and self._heap[0][0] <= until:
            moment, _, happen = heapq.heappop(self._heap)
            happen(moment)
