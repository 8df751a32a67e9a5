"""Text from outside in the cells of a table that somebody opens in a spreadsheet.

Every cell is put into quotation marks, because a spreadsheet may cut at another sign than the comma. Never fails.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

BYTE_ORDER_MARK = "\ufeff"
"""Says that a CSV is UTF-8; without it a spreadsheet shows other alphabets as noise."""
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""The full-width signs too: a spreadsheet may take them for the others."""
_TRIMMED = ("\t", "\r", "\n")


def as_text(value: str) -> str:
    """A cell that no spreadsheet takes for a formula, also where it trims what comes before the sign.

    Source: OWASP, "CSV Injection".
    """
    return f"'{value}" if value.lstrip().startswith(_FORMULA) or value.startswith(_TRIMMED) else value


def as_table(rows: Iterable[Iterable[object]]) -> str:
    """The rows as CSV, every cell as text; None is an empty cell."""
    text = io.StringIO()
    table = csv.writer(text, quoting=csv.QUOTE_ALL)
    table.writerows([as_text("" if cell is None else str(cell)) for cell in row] for row in rows)
    return text.getvalue()
