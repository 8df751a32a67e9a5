"""One request budget for all processes of an account: one permit per 270 ms, below the 5 a second it allows.

Where the permits are kept, and by which library, stands in :mod:`pro2.hooks.permits`; the waiting is ours. A waiter
asks, sleeps until the next permit is due and asks again, so nobody owns a place in a queue: a process that dies
while it waits costs no permit, and a Retry-After that one process was told holds all of them back at once.

How it fails: ``NeverSent`` if no permit comes within a minute or the store cannot be used now, ``ConfigurationError``
if it cannot be opened.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable

from asgiref.sync import sync_to_async

from pro2.hooks.permits import PermitError, Permits, open_permits
from pro2_reconciliation.domain.errors import NeverSent

log = logging.getLogger("pro2.pacing")
LONGEST_WAIT = 60.0
TOO_MANY = 429
"""The status whose Retry-After counts for every process of the account."""


class Pacer:
    """Gives permits for one account (``base_url``), one per ``pace_ms``.

    Safe across processes, hosts and threads. Nothing is opened before the first permit is asked for.
    """

    def __init__(
        self,
        base_url: str,
        pace_ms: int,
        *,
        opened_by: Callable[[str, int], Permits] = open_permits,
        longest_wait: float = LONGEST_WAIT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url = base_url
        self._pace_ms = pace_ms
        self._open = opened_by
        self._longest_wait = longest_wait
        self._sleep = sleep
        self._permits: Permits | None = None
        self._owner = 0

    def wait(self) -> None:
        """Return as soon as one request may leave; raises ``NeverSent`` after ``longest_wait`` seconds."""
        deadline = time.monotonic() + self._longest_wait
        tries = 0
        while (nap := self._try()) > 0:
            tries += 1
            self._sleep(min(nap + _behind(tries), self._left(deadline)))

    async def wait_async(self) -> None:
        """As :meth:`wait`, without blocking the event loop."""
        deadline = time.monotonic() + self._longest_wait
        # a triggerer looks connections up in this way only; what is open needs none
        await sync_to_async(self._opened)()
        tries = 0
        while (nap := await asyncio.to_thread(self._try)) > 0:
            tries += 1
            await asyncio.sleep(min(nap + _behind(tries), self._left(deadline)))

    def hold(self, seconds: float) -> None:
        """The service asked to wait so long: nobody sends before. What cannot be told is only logged."""
        try:
            self._opened().hold(seconds)
        except PermitError as error:
            log.warning("The other processes could not be told to wait %g s: %s", seconds, error)

    def close(self) -> None:
        if self._permits is not None and self._owner == os.getpid():
            self._permits.close()
        self._permits = None

    def _try(self) -> float:
        """Take a permit and return 0, or the seconds until the next is worth a try."""
        try:
            return self._opened().take()
        except PermitError as error:
            raise NeverSent(f"the rate store gave no permit: {error}") from error

    def _left(self, deadline: float) -> float:
        """Seconds until the deadline; raises ``NeverSent`` when there are none."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise NeverSent(
                f"no permit within {self._longest_wait:g} s: too many processes share the account's rate, or the "
                f"service asked all of them to wait; try again later (permits: {self._opened().where})"
            )
        return left

    def _opened(self) -> Permits:
        # A database connection must not cross a fork, and Airflow forks its task processes.
        if self._permits is None:
            self._permits = self._open(self._base_url, self._pace_ms)
        elif self._owner != os.getpid():
            self._permits.forget()
        self._owner = os.getpid()
        return self._permits


def _behind(tries: int) -> float:
    """Seconds by which a newcomer wakes after those who have waited longer, so that everybody's turn comes.

    All waiters are told the same moment. Whoever missed five permits wakes just then; the others a little later,
    which costs at most 3 % of the default pace.
    """
    return max(0.0, 0.010 - 0.002 * tries)
