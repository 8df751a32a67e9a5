"""Where the permits of an account are kept, so that every process that can send sees the same ones.

The policy is GCRA of pyrate-limiter: one number, the moment from which the next request may leave. Only the place
of that number differs::

    connection reconciliation_rate (redis)    a key in Redis or Valkey, by pyrate-limiter's own store
    PRO2_RATE_STORE                           a SQLite file on a local disk
    the ledger is on PostgreSQL               a row in the ledger's database: all hosts share it
    the ledger is a SQLite file               a file beside it: one host by invariant 10

In a database it is one row, locked while it is read and written, and the time is read under that lock: from the
database's clock on PostgreSQL, so that hosts need not agree. A process that dies gives its lock back with its
connection. A number too far ahead to be ours comes from a clock that was set back, and is forgotten. The library's
``PostgresBucket`` kept the pace as well (measured), but wants a second PostgreSQL driver with a pool of its own, and
neither it nor the one for SQLite can hold everybody back.

How it fails: ``PermitError`` in words when the store cannot be used now, ``ConfigurationError`` when it cannot be
opened at all.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from pyrate_limiter import GCRA, Decision, Rate, RedisStateStore, StateAlgorithm, StateStore
from sqlalchemy import BigInteger, Column, Connection, Engine, MetaData, String, Table, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from pro2.hosts import require_one_host
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError
from pro2_reconciliation.ledger.engine import open_engine, shown
from pro2_reconciliation.wire.exchange import MAX_RETRY_AFTER

if TYPE_CHECKING:
    from redis import Redis

ENV = "PRO2_RATE_STORE"
CONNECTION = "reconciliation_rate"
POLICY = GCRA()
PERMITS = Table(
    "request_permit",
    MetaData(),
    Column("account", String(64), primary_key=True),
    Column("next_at", BigInteger, nullable=False),  # microseconds of the database's clock
)


class PermitError(Exception):
    """The store gives no permit now; the text says which store and why."""


class Permits(Protocol):
    """One account's permits. ``take`` and ``hold`` raise ``PermitError``; both may be called by any thread."""

    where: str

    def take(self) -> float:
        """Take a permit and return 0, or return the seconds until the next is worth a try."""

    def hold(self, seconds: float) -> None:
        """Nobody gets a permit for so long: the service asked us to wait."""

    def forget(self) -> None:
        """After a fork: leave the parent's connections alone and open new ones."""

    def close(self) -> None: ...


def open_permits(base_url: str, pace_ms: int) -> Permits:
    """The permits of the account behind ``base_url``, one per ``pace_ms``, where this site keeps them.

    Looks connections up, so it runs inside a task, or in a triggerer through ``sync_to_async``. Raises
    ``ConfigurationError`` that names what to set.
    """
    client = _redis()
    if client is not None:
        return RedisPermits(client, base_url, pace_ms)
    return DatabasePermits(store_url(), base_url, pace_ms)


def store_url() -> str:
    """The database of the permits where no Redis is configured, as a SQLAlchemy URL."""
    from pro2.accounts import ledger_url

    given = os.environ.get(ENV)
    if given:
        require_one_host(
            f"The request budget {given}",
            f"unset {ENV}: the permits are then in the ledger's database, or in Redis (connection {CONNECTION})",
        )
        return f"sqlite:///{Path(given).expanduser()}"
    ledger = make_url(ledger_url())
    if ledger.get_backend_name() != "sqlite":
        return ledger.render_as_string(hide_password=False)
    file = Path(str(ledger.database))
    return f"sqlite:///{file.with_name(f'{file.stem}_permits.db')}"


class DatabasePermits:
    """In a row of PostgreSQL or SQLite. ``clock`` (seconds) stands in for the database's own in tests."""

    def __init__(
        self, url: str, base_url: str, pace_ms: int, *, clock: Callable[[], float] | None = None
    ) -> None:
        try:
            self._engine = open_engine(url)
        except LedgerError as error:
            raise ConfigurationError(f"the rate store cannot be used ({error}); {_next_step()}") from error
        if self._engine.dialect.name == "sqlite":
            clock = clock or time.time
            event.listen(self._engine, "connect", _unhurried)
        self.where = shown(self._engine)
        self._row = _Row(self._engine, account_of(base_url), pace_ms, clock)
        self._rates = [Rate(1, pace_ms)]
        try:
            _create(self._engine)
        except SQLAlchemyError as error:
            raise ConfigurationError(
                f"the rate store {self.where} cannot be used ({_said(error)}); {_next_step()}"
            ) from error

    def take(self) -> float:
        try:
            return _seconds(self._row.check(POLICY, self._rates, 0, 1))
        except SQLAlchemyError as error:
            raise PermitError(f"{self.where}: {_said(error)}") from error

    def hold(self, seconds: float) -> None:
        try:
            self._row.hold(seconds)
        except SQLAlchemyError as error:
            raise PermitError(f"{self.where}: {_said(error)}") from error

    def forget(self) -> None:
        self._engine.dispose(close=False)

    def close(self) -> None:
        self._engine.dispose()


class _Row(StateStore):
    """The number of one account, read and written in one transaction that holds its lock.

    The time is read under the lock: a permit is never dated before the one that was given last.
    """

    def __init__(self, engine: Engine, account: str, pace_ms: int, clock: Callable[[], float] | None) -> None:
        self._engine = engine.execution_options(writes=True)
        self._account = account
        self._clock = clock
        self._furthest = int((MAX_RETRY_AFTER + pace_ms / 1000 + 1) * 1_000_000)

    def check(self, algorithm: StateAlgorithm, rates: list[Rate], now: int, weight: int) -> Decision:
        """As the library asks; ``now`` is not used, because it was read without the lock."""
        with self._engine.begin() as connection:
            stored, at = self._locked(connection)
            state, decision = algorithm.step(rates, (stored,), at // 1000, weight)
            if decision.allowed:
                self._write(connection, int(state[0]))
            return decision

    def hold(self, seconds: float) -> None:
        with self._engine.begin() as connection:
            stored, at = self._locked(connection)
            self._write(connection, max(stored, at + int(min(seconds, MAX_RETRY_AFTER) * 1_000_000)))

    def read(self, algorithm: StateAlgorithm, rates: list[Rate]) -> tuple[float, ...]:
        with self._engine.connect() as connection:
            stored = connection.scalar(select(PERMITS.c.next_at).where(PERMITS.c.account == self._account))
            return algorithm.initial(rates) if stored is None else (stored,)

    def reset(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(PERMITS.delete().where(PERMITS.c.account == self._account))

    def _locked(self, connection: Connection) -> tuple[int, int]:
        """The stored number and the time, both in microseconds, with the row locked."""
        mine = select(PERMITS.c.next_at).where(PERMITS.c.account == self._account).with_for_update()
        stored = connection.scalar(mine)
        if stored is None:
            self._insert(connection)
            stored = connection.scalar(mine) or 0
        at = self._now(connection)
        return (0 if stored - at > self._furthest else int(stored)), at

    def _insert(self, connection: Connection) -> None:
        statement = (
            "INSERT INTO request_permit (account, next_at) VALUES (:account, 0) ON CONFLICT DO NOTHING"
        )
        connection.execute(text(statement), {"account": self._account})

    def _now(self, connection: Connection) -> int:
        if self._clock is not None:
            return int(self._clock() * 1_000_000)
        return int(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp()) * 1000000")) or 0)

    def _write(self, connection: Connection, next_at: int) -> None:
        mine = PERMITS.update().where(PERMITS.c.account == self._account)
        connection.execute(mine.values(next_at=next_at))


class RedisPermits:
    """In Redis or Valkey, by the library's Lua script and the server's clock. A key lives no longer than it matters.

    So a clock that is set back is forgotten by itself, and nothing is left behind.
    """

    def __init__(self, client: Redis, base_url: str, pace_ms: int) -> None:
        self._client = client
        self._key = f"pro2:permit:{account_of(base_url)}"
        self._store: Any = RedisStateStore(client, self._key)
        self._rates = [Rate(1, pace_ms)]
        self.where = f"connection {CONNECTION}"

    def take(self) -> float:
        from redis.exceptions import RedisError

        try:
            asked: Any = self._client.pipeline(transaction=False)
            asked.time()
            asked.pttl(self._held)
            (seconds, micros), held = asked.execute()
            if held > 0:
                return float(held) / 1000
            decided = self._store.check(POLICY, self._rates, seconds * 1000 + micros // 1000, 1)
        except RedisError as error:
            raise PermitError(f"{self.where}: {error}") from error
        return _seconds(decided)

    def hold(self, seconds: float) -> None:
        from redis.exceptions import RedisError

        milliseconds = int(min(seconds, MAX_RETRY_AFTER) * 1000)
        try:
            if milliseconds > int(self._client.pttl(self._held)):
                self._client.set(self._held, 1, px=milliseconds)
        except RedisError as error:
            raise PermitError(f"{self.where}: {error}") from error

    @property
    def _held(self) -> str:
        return f"{self._key}:held"

    def forget(self) -> None:
        """The client looks at the process id by itself."""

    def close(self) -> None:
        self._client.close()


def account_of(base_url: str) -> str:
    """The key of an account: one host is one account, whatever the path or the case."""
    parts = urlsplit(base_url)
    named = f"{(parts.hostname or '').lower()}:{parts.port or ''}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _redis() -> Redis | None:
    """The client of the connection ``reconciliation_rate``; None where there is no such connection."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        connection: Any = BaseHook.get_connection(CONNECTION)
    except AirflowNotFoundException:
        return None
    if connection.conn_type != "redis":
        raise ConfigurationError(
            f"connection {CONNECTION} is of type {connection.conn_type!r}; the request budget is kept in Redis or "
            "Valkey (type redis) or, without this connection, beside the ledger"
        )
    try:
        from airflow.providers.redis.hooks.redis import RedisHook
    except ImportError:
        raise ConfigurationError(
            f"connection {CONNECTION} needs the Redis provider; install this package with its extra [redis]"
        ) from None
    hook: Any = RedisHook(CONNECTION)
    client: Redis = hook.get_conn()
    return client


def _create(engine: Engine) -> None:
    try:
        with engine.execution_options(writes=True).begin() as connection:
            PERMITS.create(connection, checkfirst=True)
    except (IntegrityError, ProgrammingError):
        with engine.connect() as connection:  # another process made it at the same moment
            connection.execute(select(PERMITS.c.account).limit(1))


def _unhurried(connection: Any, _record: object) -> None:
    # A permit that a power cut loses is worth nothing, so no write waits for the disk.
    connection.execute("PRAGMA synchronous = NORMAL")


def _seconds(decision: Any) -> float:
    return 0.0 if decision.allowed else max(decision.retry_after_ms or 0, 1) / 1000


def _said(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error)


def _next_step() -> str:
    return f"set {ENV} to a local file"
