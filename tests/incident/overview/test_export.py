"""The items of an outage in a spreadsheet and in a program, whatever they are called."""

from __future__ import annotations

import csv
import io
import json

from tests.incident.overview.looking import Looking

from pro2_reconciliation.overview.export import COLUMNS, as_csv, as_json
from pro2_reconciliation.overview.views import ItemView

HOSTILE = "=cmd|' /C calc'!A1,\"\n<script>"


def rows(items: list[ItemView]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(items, "America/Chicago"))))


def test_each_item_is_a_line_under_a_head(reconciled: Looking) -> None:
    items = list(reconciled.items().values())
    found = rows(items)
    assert [row["item_id"] for row in found] == [item.item_id for item in items]
    assert set(found[0]) == set(COLUMNS) < set(ItemView.model_fields)


def test_times_are_local_with_their_offset(reconciled: Looking) -> None:
    item = reconciled.items()["campaign:103"]
    (row,) = rows([item])
    assert item.due is not None
    assert row["due"] == "2026-11-19T16:05:10-06:00"
    assert row["answer"] == "resend"
    assert row["open_since"] == ""


def test_no_cell_is_a_formula_and_no_name_breaks_the_table(reconciled: Looking) -> None:
    item = reconciled.items()["campaign:103"].model_copy(update={"name": HOSTILE, "steps": ("@a", "b")})
    (row,) = rows([item])
    assert row["name"] == f"'{HOSTILE}"
    assert row["steps"] == "'@a; b"


def test_a_program_gets_every_field_in_utc(reconciled: Looking) -> None:
    items = list(reconciled.items().values())
    found = json.loads(as_json(items))
    assert [ItemView.model_validate(one) for one in found] == items
