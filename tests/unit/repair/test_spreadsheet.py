"""The report as CSV: every item once, whatever it is called, and nothing that calculates."""

from __future__ import annotations

import csv
import io

from tests.unit.repair.reports import EVIL_QUOTE, job, report, row

from pro2_reconciliation.overview import export
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.repair.spreadsheet import COLUMNS, as_csv


def read(*rows):
    text = as_csv(report(*rows))
    assert text.startswith("\ufeff")
    return [*csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))]


def test_every_item_stands_in_it_once_in_the_order_of_the_report():
    rows = [(row if n % 2 else job)(f"n{n}", list(End)[n % len(End)]) for n in range(1000)]
    assert [(one["kind"], one["item_id"], one["outcome"]) for one in read(*rows)] == [
        (r.kind.value, r.item_id, r.outcome.value) for r in rows
    ]


def test_a_line_says_all_that_is_known_of_an_item():
    (one,) = read(
        row(
            "1", End.NEEDS_HUMAN, audience=1200, via=("R10", "R11"), steps=("Open it", "Send it"), copy_id="9",
            log_url="https://airflow.example.org/log", pro2_url="https://pro2.example/1", answered_by="Ada",
        )
    )  # fmt: skip
    assert one == {
        "kind": "campaign", "item_id": "1", "name": "Item 1", "due": "2026-11-19T18:30:00-06:00", "audience": "1200",
        "observation": "sent", "observed_at": "2026-11-19T21:20:00-06:00", "rule": "C4", "via": "R10; R11",
        "decision": "none", "reason": "sent on time", "outcome": "needs_human", "detail": "",
        "steps": "Open it; Send it",
        "answered_by": "Ada", "copy_id": "9", "log_url": "https://airflow.example.org/log",
        "pro2_url": "https://pro2.example/1", "plan_hash": "9c41f07ad2be5518",
    }  # fmt: skip


def test_no_cell_is_a_formula_or_breaks_its_line():
    text = as_csv(report(row("=1", name="+1;=cmd|'/c calc'!A0", reason=EVIL_QUOTE, observation="-")))
    (head, line) = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert len(line) == len(head)
    assert not [cell for cell in line if cell.startswith(("=", "+", "-", "@"))]
    assert ",+" not in text
    assert "\"'+1;=cmd" in text, "a spreadsheet that cuts at the semicolon sees it quoted as well"


def test_a_fact_has_the_same_name_as_in_the_table_of_the_page():
    assert set(COLUMNS) - {"log_url"} <= set(export.COLUMNS)
