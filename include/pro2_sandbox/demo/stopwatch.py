"""Seconds since the start, in front of each line, and how long each stage took."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator


class TooLate(RuntimeError):
    """The time that was given is over; the message says what it was spent on."""


class Stopwatch:
    """``clock`` is for tests. ``limit`` is in seconds from now."""

    def __init__(self, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin = clock()
        self.limit = limit
        self.stages: list[tuple[str, float]] = []

    @property
    def elapsed(self) -> float:
        return self._clock() - self._begin

    @property
    def left(self) -> float:
        return max(self.limit - self.elapsed, 0.0)

    def say(self, text: str) -> None:
        print(f"[{self.elapsed:4.0f} s] {text}", flush=True)

    def check(self, doing: str) -> None:
        """Raises ``TooLate`` when the limit is over."""
        if not self.left:
            raise TooLate(f"{doing} was not over after {self.limit:.0f} s (--timeout). {self.summary()}")

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = self._clock()
        try:
            yield
        finally:
            self.stages.append((name, self._clock() - begin))

    def summary(self) -> str:
        parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.stages)
        return f"Stages: {parts}; {self.elapsed:.0f} s in all"
