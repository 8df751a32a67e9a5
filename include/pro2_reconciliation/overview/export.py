"""The items of an outage as a table for a spreadsheet, and as JSON for a program.

Names are other people's text: no cell is a formula. Never fails.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime

from pro2_reconciliation.domain.cells import as_text
from pro2_reconciliation.domain.localtime import find_zone
from pro2_reconciliation.overview.views import ItemView

COLUMNS = (
    "kind",
    "item_id",
    "name",
    "due",
    "audience",
    "observation",
    "observed_at",
    "rule",
    "via",
    "decision",
    "reason",
    "outcome",
    "detail",
    "alarm",
    "steps",
    "answer",
    "answered_by",
    "answered_at",
    "send_by",
    "held_by",
    "waived_by",
    "open_since",
    "copy_id",
    "dag_run",
    "plan_hash",
    "pro2_url",
)
"""The fields of ``ItemView`` that the table has, in its order."""


def as_csv(items: Iterable[ItemView], zone: str) -> str:
    """One line an item under a head; times as ISO 8601 in ``zone``, with their offset. A spreadsheet knows the letters
    of other alphabets if it is encoded with a mark (``utf-8-sig``).
    """
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    place = find_zone(zone)

    def cell(value: object) -> str:
        if isinstance(value, datetime):
            return value.astimezone(place).isoformat(timespec="seconds")
        if isinstance(value, tuple):
            return as_text("; ".join(map(str, value)))
        return "" if value is None else as_text(str(value))

    table.writerows([cell(getattr(item, column)) for column in COLUMNS] for item in items)
    return text.getvalue()


def as_json(items: Iterable[ItemView]) -> str:
    """The items as a JSON list, fields as in ``ItemView``; times in UTC."""
    return json.dumps([item.model_dump(mode="json") for item in items], indent=1, ensure_ascii=False)
