"""The whole ledger as tables, for whoever leaves, or wants to look at it with tools of his own.

One consistent picture of every table, this software's version among them. Raises ``LedgerError`` where the ledger
cannot be read. pandas is imported only when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from pro2_reconciliation.ledger.columns import Base, UtcTime
from pro2_reconciliation.ledger.core import Core

if TYPE_CHECKING:
    from pandas import DataFrame


class LeavingPart(Core):
    """Everything, table by table."""

    def tables(self) -> dict[str, DataFrame]:
        """Each table by its name, rows by key. Times are UTC, whole numbers stay whole beside what is missing, and what
        is nested stays nested.
        """
        import pandas as pd

        found: dict[str, DataFrame] = {}
        with self._read() as session:
            for table in Base.metadata.sorted_tables:
                query = select(table).order_by(*table.primary_key.columns)
                frame = pd.read_sql(query, session.connection(), dtype_backend="numpy_nullable")
                for column in table.columns:
                    if isinstance(column.type, UtcTime):
                        frame[column.name] = pd.to_datetime(frame[column.name], utc=True)
                found[table.name] = frame
        return found
