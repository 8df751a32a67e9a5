"""Text from outside in the cell of a table that somebody opens in a spreadsheet."""

from __future__ import annotations


def as_text(value: str) -> str:
    """A cell that no spreadsheet takes for a formula, also where it trims what comes before the sign.

    Source: OWASP, "CSV Injection".
    """
    return (
        f"'{value}"
        if value.lstrip()[:1] in ("=", "+", "-", "@") or value[:1] in ("\t", "\r", "\n")
        else value
    )
