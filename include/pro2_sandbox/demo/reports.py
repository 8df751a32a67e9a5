"""The JSON reports of the dag runs, put together into one list of items."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

FINALITY = {
    "open": 0,
    "proposed": 1,
    "not now": 1,
    "not chosen": 2,
    "stale": 3,
    "failed": 4,
    "needs_human": 5,
    "none": 6,
    "reported": 6,
    "closed": 6,
    "verified": 7,
}
"""How final an outcome is. A follow-up looks again at items that had their end before; that end stands."""
DRIFT = ("+add", "+remove", "+drift")
"""Ends of the ids that a follow-up gives to what it finds in a data sync: items of their own."""


@dataclass(frozen=True)
class Item:
    """One row of a report, as far as the demo looks at it."""

    kind: str
    id: str
    name: str
    rule: str
    observation: str
    decision: str
    outcome: str
    detail: str = ""
    log_url: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        return cls(
            kind=row["kind"],
            id=row["item_id"],
            name=row["name"],
            rule=row["rule"],
            observation=row["observation"],
            decision=row["decision"],
            outcome=row["outcome"],
            detail=row.get("detail", ""),
            log_url=row.get("log_url", ""),
        )

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"


def read_report(path: Path) -> list[Item]:
    """The items of one report. Raises ``OSError`` or ``ValueError`` when there is none, or half of one."""
    return [Item.of(row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]


def merged(reports: Iterable[Iterable[Item]]) -> list[Item]:
    """Each item once, in the order of its first report; a later report wins only with a more final outcome."""
    found: dict[str, Item] = {}
    for report in reports:
        for item in report:
            before = found.get(item.key)
            if before is None or _finality(item) > _finality(before):
                found[item.key] = item
    return list(found.values())


def file_name(run_id: str) -> str:
    """The name, without its ending, under which the report of a dag run is kept."""
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in run_id)


def _finality(item: Item) -> int:
    return FINALITY.get(item.outcome, 0)
