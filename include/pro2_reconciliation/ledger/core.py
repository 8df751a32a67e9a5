"""What all parts of the ledger share: its engine, its clock, and one way to read and one to write.

A :class:`Core` belongs to one process; after a fork it makes connections of its own and leaves its parent's
alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger.columns import as_utc
from pro2_reconciliation.ledger.engine import file_of, shown, spoken


class Core:
    """Engine and clock. ``clock`` returns an aware time and is the ledger's only source of time."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._pid = os.getpid()
        self._file = file_of(engine)
        self._inode = _inode(self._file)

    def now(self) -> datetime:
        """The clock's time in UTC. Raises ``LedgerError`` if the clock is naive."""
        return as_utc(self._clock())

    @property
    def address(self) -> str:
        """Where the ledger lives, without the password."""
        return shown(self._engine)

    @property
    def in_a_file(self) -> bool:
        """Whether it is a file, which serves the processes of one host only."""
        return self._file is not None

    def close(self) -> None:
        """Give the connections back; the ledger may be used again afterwards."""
        self._engine.dispose()

    @contextmanager
    def _read(self) -> Iterator[Session]:
        """A session that only reads: one consistent picture, and nobody waits for it."""
        self._own_process()
        with spoken(self._engine), Session(self._engine) as session:
            yield session

    @contextmanager
    def _write(self) -> Iterator[Session]:
        """A session in a writing transaction: committed at the end, rolled back by any error.

        An ``IntegrityError`` that the caller did not explain comes out as ``LedgerError``.
        """
        self._own_process()
        writer = self._engine.execution_options(writes=True)
        try:
            with spoken(self._engine), Session(writer, expire_on_commit=False) as session, session.begin():
                yield session
        except IntegrityError as error:
            raise LedgerError(
                f"The ledger at {self.address} refused to write ({error.orig}). Nothing was changed; "
                "read the item again and decide anew."
            ) from error

    def _own_process(self) -> None:
        if self._pid != os.getpid():
            self._engine.dispose(close=False)
            self._pid = os.getpid()
        if self._file is not None and _inode(self._file) != self._inode:
            # what is written to a file that was deleted is gone; open connections would never notice
            raise LedgerError(
                f"The ledger's file {self._file} was deleted or replaced while it was in use. Nothing was written; "
                "bring the newest one back, then run this again."
            )


def _inode(file: Path | None) -> tuple[int, int] | None:
    try:
        found = os.stat(file) if file is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found is not None else None
