"""The items of an outage for a spreadsheet or a program."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from pro2_reconciliation.overview.views import ItemView


def as_csv(items: Iterable[ItemView], zone: str) -> str:
    """One line an item, with a head; times in local time with their zone."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("kind", "id", "name", "rule", "outcome", "reason"))
    for item in items:
        table.writerow((item.kind, item.item_id, item.name, item.rule, item.outcome, item.reason))
    return text.getvalue()


def as_json(items: Iterable[ItemView]) -> str:
    """The items as a JSON list; times in UTC."""
    return json.dumps([item.model_dump(mode="json") for item in items], indent=1, ensure_ascii=False)
