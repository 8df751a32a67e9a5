"""The site and the ledger that this API server shows, opened once and kept.

Opening a ledger looks whether its tables are up to date, which is too slow for every request. One whose file was
replaced, or whose connection changed, is opened anew. Fails as ``pro2.accounts`` does, in a sentence.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pro2 import accounts
from pro2.organization import current, open_site

if TYPE_CHECKING:
    from pro2_reconciliation.domain.config import Site
    from pro2_reconciliation.ledger import Ledger, Witness

Stamp = tuple[tuple[str, int, int], ...]


class Opened:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._site: tuple[str | None, Stamp, Site] | None = None
        self._ledger: tuple[str, int, Ledger] | None = None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def site(self) -> Site:
        """The site's files, read again when one of them changed. Raises ``ConfigurationError``."""
        from pro2_reconciliation.domain.config import DIRECTORY

        folder = os.environ.get(DIRECTORY)
        if folder and (name := current()):
            folder = os.path.join(folder, name)
        stamp = _stamp(folder)
        with self._lock:
            if self._site is None or self._site[:2] != (folder, stamp):
                self._site = (folder, stamp, open_site())
            return self._site[2]

    def ledger(self) -> Ledger:
        """The ledger; the page never begins one. Raises ``LedgerError`` or ``ConfigurationError``."""
        url = accounts.ledger_url()
        file = _inode(url)
        with self._lock:
            if self._ledger is not None and self._ledger[:2] != (url, file):
                self._ledger[2].close()
                self._ledger = None
            if self._ledger is None:
                self._ledger = (url, file, accounts.open_ledger())
            return self._ledger[2]

    def witness(self) -> Witness:
        return accounts.open_witness()


def _stamp(folder: str | None) -> Stamp:
    """Name, size and time of every file of a site; empty where there is none to be read."""
    if not folder:
        return ()
    try:
        with os.scandir(folder) as found:
            files = [(entry.name, entry.stat()) for entry in found if entry.is_file()]
    except OSError:
        return ()
    return tuple(sorted((name, seen.st_size, seen.st_mtime_ns) for name, seen in files))


def _inode(url: str) -> int:
    """Which file a ledger on SQLite is; 0 on PostgreSQL, and where there is none."""
    path = url.removeprefix("sqlite:///")
    try:
        return os.stat(path).st_ino if path != url else 0
    except OSError:
        return 0
