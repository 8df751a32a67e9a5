"""The whole ledger as plain rows, for whoever leaves, or wants to look at it with tools of his own.

One consistent picture of every table, this software's version among them. Times are text in ISO 8601 with UTC, what is
nested stays nested. Raises ``LedgerError`` where the ledger cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select

from pro2_reconciliation.ledger.columns import Base
from pro2_reconciliation.ledger.core import Core


class LeavingPart(Core):
    """Everything, table by table."""

    def tables(self) -> Iterator[tuple[str, list[str], Iterator[dict[str, Any]]]]:
        """Each table as (name, columns, rows by key); the rows of one are read before the next is asked for."""
        with self._read() as session:
            for table in Base.metadata.sorted_tables:
                columns = [column.name for column in table.columns]
                rows = session.execute(select(table).order_by(*table.primary_key.columns))
                yield table.name, columns, (dict(zip(columns, map(_plain, row), strict=True)) for row in rows)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
