"""Ledgers in SQLite as tests open them: nothing is flushed to the disk, each statement is compiled once per process.

No test pulls the plug; a process that is killed loses nothing by it, what it wrote stands in the system's cache. A
flush at each commit and compiling every statement for every engine anew would be a third of the time of all tests.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Dialect, Engine, event

from pro2_reconciliation.ledger import engine, store


def install() -> None:
    """From now on ``Ledger.open`` opens so, whoever calls it in this process."""
    store.open_engine = open_engine


def open_engine(url: str, **how: Any) -> Engine:
    """As the ledger's own."""
    opened = engine.open_engine(url, **how)
    if opened.dialect.name == "sqlite":
        event.listen(opened, "connect", _unhurried)
        opened.dialect, opened._compiled_cache = _compiled()
    return opened


@cache
def _compiled() -> tuple[Dialect, Any]:
    """A dialect that was connected, since that is when it learns what it can, and its compiled statements."""
    made = engine.create_engine("sqlite://", json_serializer=engine._to_json)
    made.connect().close()
    return made.dialect, made._compiled_cache


def _unhurried(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
