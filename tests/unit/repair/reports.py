"""Rows and reports as the tests of everything that shows them need them, and what a browser makes of a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import ItemKind, Mode
from pro2_reconciliation.repair.report import End, Report, Row

START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
EVIL = "{{ conn.pro2.password }} <script>alert(1)</script>"
EVIL_QUOTE = "\"><img src=x onerror=alert(1)> {% raw %} & '\u202e\n2026-11-20 ERROR forged"
CAMPAIGN, OCCURRENCE, AUTOMATION = ItemKind.CAMPAIGN, ItemKind.OCCURRENCE, ItemKind.AUTOMATION


def row(item_id: str, outcome: End = End.NONE, **fields: Any) -> Row:
    base: dict[str, Any] = {
        "kind": CAMPAIGN,
        "name": f"Item {item_id}",
        "rule": "C4",
        "observation": "sent",
        "decision": "none",
        "reason": "sent on time",
        "due": START + timedelta(minutes=30),
        "observed_at": START + timedelta(minutes=200),
    }
    return Row(item_id=item_id, outcome=outcome, **{**base, **fields})


def job(item_id: str, outcome: End = End.NONE, **fields: Any) -> Row:
    base = {"kind": OCCURRENCE, "rule": "R2", "observation": "succeeded", "reason": "success at its due time"}
    return row(item_id, outcome, **{**base, **fields})


def report(*rows: Row, **fields: Any) -> Report:
    base: dict[str, Any] = {
        "organization": "Guthrie Playhouse",
        "zone": "America/Chicago",
        "window": Window(start=START, end=START + timedelta(minutes=185), outage_ids=("3f2a",)),
        "mode": Mode.ASK,
        "plan_hash": "9c41f07ad2be5518",
        "made_at": START + timedelta(minutes=215),
        "health": "unproven",
    }
    return Report(rows=rows, **{**base, **fields})


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and the text that is shown."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.styles: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        (self.styles if self.elements and self.elements[-1][0] == "style" else self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def having(self, attribute: str) -> list[str | None]:
        return [attrs[attribute] for _, attrs in self.elements if attribute in attrs]
