"""One request budget for all processes of an account: one permit per 270 ms, below the 5 a second it allows.

Permits are rows of pyrate-limiter's SQLite bucket, guarded by its file lock: without the lock, processes
came within 3 ms of each other. The waiting is ours: the library's own loop kept the pace too, but gave one
process 33 of 34 permits, because it dates a try before its nap and a newcomer with a fresh time always
wins.

The store is one file per machine (``PRO2_RATE_STORE``, else in the temporary directory) with a table for each
account. Processes on other machines, or of users with another temporary directory, do not see it: give each a
longer ``pace_ms``, or one path they share on a local disk. If no permit comes within a minute, the request is
``NeverSent``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from pyrate_limiter import Rate, RateItem, SQLiteBucket

from pro2_reconciliation.domain.errors import ConfigurationError, NeverSent

ENV = "PRO2_RATE_STORE"
LONGEST_WAIT = 60.0
SHORTEST_NAP = 0.01


def store_path() -> Path:
    """The file of the permits: ``PRO2_RATE_STORE``, else one of this user in the temporary directory."""
    given = os.environ.get(ENV)
    if given:
        return Path(given).expanduser()
    return Path(tempfile.gettempdir()) / f"pro2-pace-{os.getuid()}" / "permits.sqlite"


class Pacer:
    """Gives permits for one account (``base_url``), one per ``pace_ms``.

    Safe across processes and threads.
    """

    def __init__(
        self,
        base_url: str,
        pace_ms: int,
        *,
        path: Path | None = None,
        longest_wait: float = LONGEST_WAIT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = "permits_" + hashlib.sha256(_account(base_url).encode()).hexdigest()[:16]
        self._rate = Rate(1, pace_ms)
        self._path = path or store_path()
        self._longest_wait = longest_wait
        self._sleep = sleep
        self._bucket: SQLiteBucket | None = None
        self._owner = 0

    def wait(self) -> None:
        """Return as soon as one request may leave; raises ``NeverSent`` after ``longest_wait`` seconds."""
        deadline = time.monotonic() + self._longest_wait
        while (nap := self._try()) > 0:
            self._check(deadline)
            self._sleep(nap)

    async def wait_async(self) -> None:
        """As :meth:`wait`, without blocking the event loop."""
        deadline = time.monotonic() + self._longest_wait
        while (nap := await asyncio.to_thread(self._try)) > 0:
            self._check(deadline)
            await asyncio.sleep(nap)

    def close(self) -> None:
        if self._bucket is not None and self._owner == os.getpid():
            self._bucket.close()  # type: ignore[no-untyped-call]
        self._bucket = None

    def _try(self) -> float:
        """Take a permit and return 0, or the seconds until the next is worth a try."""
        bucket = self._opened()
        try:
            with bucket.lock:
                now = int(bucket.now())  # type: ignore[no-untyped-call]
                if bucket.put(RateItem("request", now)):
                    bucket.leak(now)
                    return 0
                waiting = bucket.waiting(RateItem("request", now))
        except sqlite3.Error as error:
            raise NeverSent(f"the rate store {self._path} gave no permit: {error}") from error
        return max(int(waiting) / 1000, SHORTEST_NAP) if isinstance(waiting, int) else SHORTEST_NAP

    def _check(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise NeverSent(
                f"no permit within {self._longest_wait:g} s: too many processes share the account's rate, "
                f"or the clock was set back (then delete {self._path})"
            )

    def _opened(self) -> SQLiteBucket:
        # A SQLite connection must not cross a fork, and Airflow forks its task processes.
        if self._bucket is None or self._owner != os.getpid():
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._bucket = SQLiteBucket.init_from_file(
                    [self._rate], table=self._table, db_path=str(self._path), use_file_lock=True
                )
            except (OSError, sqlite3.Error) as error:
                raise ConfigurationError(
                    f"the rate store {self._path} cannot be used ({error}); set {ENV} to a local file"
                ) from error
            self._owner = os.getpid()
        return self._bucket


def _account(base_url: str) -> str:
    parts = urlsplit(base_url)
    return f"{(parts.hostname or '').lower()}:{parts.port or ''}"
