"""What waits for a person, as cards: one for an item, or one for several that ask for the very same steps.

After a bad night a hundred items can wait for the same reason; a hundred equal instructions are read by nobody. Pure
functions over a Report; an item stands in exactly one card.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.repair.report import Row
from pro2_reconciliation.repair.timeline import printable

TOGETHER = 3
"""From so many items with the same steps on they share a card."""
THIS_ONE = "«this one»"
_FALLBACK = {
    ItemKind.CAMPAIGN: "Open it on the campaigns page of Pro2, read its status and report, and decide there by hand",
    ItemKind.OCCURRENCE: "Look in the Activity Log and the Console whether it ran or runs; reprocess it there if not",
    ItemKind.AUTOMATION: "Open it in Pro2 and look at the contacts that wait in it",
}


@dataclass(frozen=True)
class Card:
    """``rows``: number in the report and row, in its order; ``why`` and ``steps`` hold for each of them."""

    rows: tuple[tuple[int, Row], ...]
    why: str
    steps: tuple[str, ...]

    @property
    def shared(self) -> bool:
        return len(self.rows) > 1


def steps_of(row: Row) -> tuple[str, ...]:
    """What a person has to do; an action that ended with a person brings no steps of its own, but gets one here."""
    return row.steps or (_FALLBACK[row.kind],)


def why(row: Row) -> str:
    """Why a row is what it is, on one line."""
    return printable("; ".join(filter(None, (row.reason, row.detail))))


def cards(rows: Iterable[tuple[int, Row]], zone: str) -> tuple[Card, ...]:
    """The cards of numbered rows, each where its first row stands."""
    found: dict[tuple[str, ...], list[tuple[int, Row]]] = {}
    for number, row in rows:
        said = [_of_any(text, row, zone) for text in (why(row), *steps_of(row))]
        found.setdefault((row.kind, row.rule, *said), []).append((number, row))
    made: list[Card] = []
    for (_, _, reason, *steps), group in found.items():
        if len(group) >= TOGETHER:
            made.append(Card(tuple(group), reason, tuple(steps)))
        else:
            made += [Card(((number, row),), why(row), steps_of(row)) for number, row in group]
    return tuple(sorted(made, key=lambda card: card.rows[0][0]))


def _of_any(text: str, row: Row, zone: str) -> str:
    """The text without the name and the due time of the row, so that that of another one is the same."""
    text = text.replace(f"«{row.name}»", THIS_ONE)
    if row.due is not None:
        due = local(row.due, zone)
        text = text.replace(f" of {due}", "").replace(f": it was due {due}", "").replace(due, "its due time")
    return text
