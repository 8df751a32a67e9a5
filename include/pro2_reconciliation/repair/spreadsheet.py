"""Every item of a report as CSV, for a spreadsheet: one line an item, in the order of the report.

Nothing is left out here, however long the report is. Cells are text that no spreadsheet calculates; a byte order mark
says that it is UTF-8. Fails with ConfigurationError for a zone nobody knows.
"""

from __future__ import annotations

from datetime import datetime

from pro2_reconciliation.domain.cells import BYTE_ORDER_MARK, as_table
from pro2_reconciliation.domain.localtime import find_zone
from pro2_reconciliation.repair.cards import steps_of
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_reconciliation.repair.timeline import printable

COLUMNS = (
    "kind", "item_id", "name", "due", "audience", "observation", "observed_at", "rule", "via", "decision", "reason",
    "outcome", "detail", "steps", "answered_by", "copy_id", "log_url", "pro2_url", "plan_hash",
)  # fmt: skip
"""Named like the same facts on the page's table (``overview.export``)."""


def as_csv(report: Report) -> str:
    """The table with its head; times as ISO 8601 in the organization's zone, with their offset."""
    return BYTE_ORDER_MARK + as_table([COLUMNS, *(_cells(row, report) for row in report.rows)])


def _cells(row: Row, report: Report) -> tuple[object, ...]:
    return (
        row.kind.value,
        printable(row.item_id),
        printable(row.name),
        _local(row.due, report.zone),
        row.audience,
        "" if row.observation == "-" else printable(row.observation),
        _local(row.observed_at, report.zone),
        printable(row.rule),
        printable("; ".join(row.via)),
        printable(row.decision),
        printable(row.reason),
        row.outcome.value,
        printable(row.detail),
        "; ".join(map(printable, steps_of(row))) if row.outcome is End.NEEDS_HUMAN else "",
        printable(row.answered_by),
        printable(row.copy_id or ""),
        row.log_url,
        row.pro2_url,
        report.plan_hash,
    )


def _local(moment: datetime | None, zone: str) -> str:
    return moment.astimezone(find_zone(zone)).isoformat(timespec="seconds") if moment else ""
