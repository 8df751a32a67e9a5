"""Until when a mutating request may leave: a process that was stopped for a while must not send when it wakes.

Whoever acts holds a lease on the step. Once the lease has run out somebody else may have read that nothing
happened, and sent the request himself; so the end of the lease goes with the request to the socket, and the last
thing before its first byte is a look at the clock. Two clocks: the wall clock, which goes on while a machine
sleeps, and the monotonic one, which cannot be set back. Either of them ends the time.

How it fails: :class:`TooLate`, before anything was sent. Without a deadline everything is in time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from pro2_reconciliation.domain.errors import TooLate


class Deadline:
    """``end`` and ``now`` (the wall clock) are aware times; ``monotonic`` gives seconds."""

    def __init__(
        self, end: datetime, now: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._monotonic = monotonic
        self.move(end)

    def move(self, end: datetime) -> None:
        """The lease was renewed: requests may leave until ``end``."""
        self._end = end
        self._ticks = self._monotonic() + (end - self._now()).total_seconds()

    @property
    def passed(self) -> bool:
        return self._now() >= self._end or self._monotonic() >= self._ticks


_CURRENT: ContextVar[Deadline | None] = ContextVar("deadline of mutating requests", default=None)


@contextmanager
def leaving_by(deadline: Deadline) -> Iterator[None]:
    """Mutating requests made inside (in this thread) leave before the deadline, or not at all."""
    token = _CURRENT.set(deadline)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def require_time(what: str) -> None:
    """Raise :class:`TooLate` if the deadline has passed; ``what`` names the request."""
    deadline = _CURRENT.get()
    if deadline is not None and deadline.passed:
        raise TooLate(
            f"{what} was not sent: the lease on its step has run out while it waited, and somebody else may be at it; "
            "the next try reads what happened before it sends anything"
        )
