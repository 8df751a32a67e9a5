"""Column types, and the base of every table.

A naive time never gets in: it would be read back as UTC and be wrong by hours without anybody noticing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, MetaData
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from pro2_reconciliation.domain.errors import LedgerError


def as_utc(value: datetime) -> datetime:
    """An aware time in UTC. Raises ``LedgerError`` for a naive one."""
    if value.tzinfo is None:
        raise LedgerError(
            f"The time {value.isoformat()} has no time zone and cannot be kept; give an aware time, "
            "such as 2026-11-24T18:00:00-06:00."
        )
    return value.astimezone(UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware time: UTC in the database, aware UTC when it comes back, whatever the database can say itself.

    Raises ``LedgerError`` for a naive time.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        in_utc = as_utc(value)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table of the ledger; constraints have names, so that a migration can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy declares it as an instance's)
        datetime: UtcTime(),
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(),
        list[dict[str, Any]]: JSON(),
    }
