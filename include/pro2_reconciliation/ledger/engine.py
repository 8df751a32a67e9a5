"""The connection to the ledger's database: SQLite with the settings that make it safe, or PostgreSQL.

SQLite: write-ahead log, foreign keys on, full synchronization (an intent that was committed survives a power
cut), 30 s of patience, and every writing transaction begins as BEGIN IMMEDIATE, so that it never fails half
way because somebody else wrote meanwhile. It must lie on a local disk of one host.

PostgreSQL: a writing transaction locks the row of the step or plan that it decides on (``FOR UPDATE``).

How it fails: ``LedgerError`` with the address (without password) and what to look at.
"""

from __future__ import annotations

import importlib.util
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.pool import ConnectionPoolEntry

from pro2_reconciliation.domain.errors import LedgerError, LedgerUnavailable, NoLedger

BUSY_SECONDS = 30.0
"""How long a SQLite connection waits for another one that writes."""

_STUBBORN_SECONDS = 5.0  # for the refusals that SQLite gives at once, whatever the patience


def open_engine(url: str, *, busy_seconds: float = BUSY_SECONDS, create: bool = True) -> Engine:
    """An engine for ``url``; nothing is connected yet.

    In: ``busy_seconds`` how long a SQLite connection waits for another one that writes; ``create`` False: a file
    that is not there is an error, and not a new and empty ledger. A file that vanishes later is never made anew.

    Raises ``LedgerError`` for an address that cannot hold a ledger (in memory, unknown or asynchronous
    driver). Source: SQLAlchemy, "Database Locking Behavior / Concurrency" of the SQLite dialect.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):  # their words may repeat the address, and with it a password
        raise LedgerError(
            "The ledger's address is not a database URL; give sqlite:///<file> or postgresql://<host>/<database>."
        ) from None
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, busy_seconds, create)
    if address.get_backend_name() in ("postgresql", "postgres"):
        return create_engine(
            _postgresql(address), pool_size=2, max_overflow=8, pool_pre_ping=True, json_serializer=_to_json
        )
    raise LedgerError(
        f"A ledger cannot live in {address.get_backend_name()}; "
        "give sqlite:///<file> or postgresql://<host>/<database>."
    )


def shown(engine: Engine) -> str:
    """The address for a message, without its password."""
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def spoken(engine: Engine) -> Iterator[None]:
    """Turn what a database says that is down, locked, full or none at all into a ``LedgerError``."""
    try:
        yield
    except StatementError as error:
        if isinstance(error.orig, LedgerError):
            raise error.orig from None
        if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
            raise
        raise LedgerUnavailable(
            f"The ledger at {shown(engine)} cannot be used now: {error.orig}. Nothing was written; "
            "look whether the database is up, the file writable and the disk not full, then try again."
        ) from error


def file_of(engine: Engine) -> Path | None:
    """The file of a ledger on SQLite, None on PostgreSQL."""
    if engine.dialect.name != "sqlite":
        return None
    name = str(engine.url.database)
    return Path(name.removeprefix("file:").partition("?")[0])


def no_ledger(address: str) -> NoLedger:
    """The error of a place where a ledger should be and is not."""
    return NoLedger(
        f"There is no ledger at {address}, and nothing that acts begins a new one. Nothing was done. Bring it back, "
        "or give the right place (connection reconciliation_ledger); a new one is begun by: "
        'python -m pro2_reconciliation adopt --create --why "..."'
    )


def _sqlite(address: URL, busy_seconds: float, create: bool) -> Engine:
    if address.database in (None, "", ":memory:") or "mode=memory" in str(address.query):
        raise LedgerError(
            f"A ledger in memory ({address}) forgets what it did; give a file, such as sqlite:////data/ledger.db."
        )
    engine = create_engine(address, connect_args={"timeout": busy_seconds}, json_serializer=_to_json)
    file = file_of(engine)
    if file is not None:
        _make_room(file, shown(engine), create)
    patience = min(_STUBBORN_SECONDS, busy_seconds)

    def set_up(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; begin does
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            _stubbornly(connection, "PRAGMA journal_mode = WAL", patience)

    def begin(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 (for the type checker; only SQLite gets here)
        if connection.get_execution_options().get("writes"):
            _stubbornly(driver, "BEGIN IMMEDIATE", patience)
        else:
            driver.execute("BEGIN")

    event.listen(engine, "do_connect", _only_what_is_there)
    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", begin)
    return engine


def _make_room(file: Path, address: str, create: bool) -> None:
    """An empty file is a new database; it is made here, once, and nowhere else."""
    if file.exists():
        return
    if not create:
        raise no_ledger(address)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        raise LedgerError(
            f"The file {file} of the ledger cannot be made ({error.strerror}); make its folder, or give another file."
        ) from error


def _only_what_is_there(dialect: Any, record: Any, arguments: list[Any], named: dict[str, Any]) -> None:
    """Connect to the file if there is one; SQLite itself would begin a new one without a word."""
    if arguments and not named.get("uri"):
        arguments[0] = f"{Path(arguments[0]).absolute().as_uri()}?mode=rw"
        named["uri"] = True


def _stubbornly(connection: sqlite3.Connection, statement: str, patience: float) -> None:
    """Run a statement that changes nothing if it is refused, again while the file is busy."""
    give_up = time.monotonic() + patience
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) and "busy" not in str(error):
                raise OperationalError(statement, None, error) from error
            if time.monotonic() > give_up:
                raise OperationalError(statement, None, error) from error
            time.sleep(0.02)
        else:
            return


def _postgresql(address: URL) -> URL:
    driver = address.drivername.partition("+")[2]
    if driver == "asyncpg":
        raise LedgerError(
            f"The ledger's address {address.render_as_string(hide_password=True)} names an asynchronous "
            "driver; give postgresql:// or postgresql+psycopg2://."
        )
    if not driver:
        driver = "psycopg" if importlib.util.find_spec("psycopg") else "psycopg2"
    if not importlib.util.find_spec(driver):
        raise LedgerError(
            f"The driver {driver} for a ledger on PostgreSQL is not installed; "
            "install this package with its extra [postgres]."
        )
    return address.set(drivername=f"postgresql+{driver}")


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written to the ledger as JSON")
