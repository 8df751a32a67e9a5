"""Every item of a report as CSV, for a spreadsheet: one line an item, in the order of the report.

Nothing is left out here, however long the report is. Cells are text that no spreadsheet calculates; a byte order mark
says that it is UTF-8. Fails with ConfigurationError for a zone nobody knows.
"""

from __future__ import annotations

from datetime import datetime

from pro2_reconciliation.domain.cells import as_table
from pro2_reconciliation.domain.localtime import find_zone
from pro2_reconciliation.repair.cards import steps_of
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_reconciliation.repair.timeline import END_WORDS, printable

COLUMNS = (
    "outcome", "kind", "id", "name", "due", "due_utc", "recipients", "observed", "observed_at", "rule", "via",
    "decision", "reason", "detail", "steps", "answered_by", "copy", "log", "pro2", "plan",
)  # fmt: skip
BYTE_ORDER_MARK = "\ufeff"


def as_csv(report: Report) -> str:
    """The table with its head. Times are local, with their zone; ``due_utc`` is for a program."""
    return BYTE_ORDER_MARK + as_table([COLUMNS, *(_cells(row, report) for row in report.rows)])


def _cells(row: Row, report: Report) -> tuple[object, ...]:
    waits = row.outcome is End.NEEDS_HUMAN
    texts = (row.reason, row.detail, "; ".join(steps_of(row)) if waits else "", row.answered_by)
    return (
        END_WORDS[row.outcome],
        row.kind.value,
        printable(row.item_id),
        printable(row.name),
        _local(row.due, report.zone),
        f"{row.due:%Y-%m-%dT%H:%M:%SZ}" if row.due else None,
        row.audience,
        "" if row.observation == "-" else printable(row.observation),
        _local(row.observed_at, report.zone),
        printable(row.rule),
        printable(", ".join(row.via)),
        printable(row.decision.replace("_", " ")),
        *map(printable, texts),
        printable(row.copy_id or ""),
        row.log_url,
        row.pro2_url,
        report.plan_hash,
    )


def _local(moment: datetime | None, zone: str) -> str:
    """``2026-11-19 16:05 CST``, which a spreadsheet sorts."""
    if moment is None:
        return ""
    at = moment.astimezone(find_zone(zone))
    return f"{at:%Y-%m-%d %H:%M} {at.tzname()}"
