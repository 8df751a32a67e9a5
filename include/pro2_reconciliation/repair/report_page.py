"""The report for people: one self-contained HTML file that a browser shows and a mail program does not spoil.

No script, nothing fetched; what matters survives where a mail program drops the style sheet or the picture; it stays
below ``MOST_BYTES``, where Gmail cuts a message: what needs a person comes first, and rows that do not fit stand in
the CSV, which it says. Everything is derived from the Report; nothing is read or decided here. Names are hostile data:
they reach the template as values only (autoescape), never as template text. Fails with ConfigurationError for a zone
nobody knows, with jinja2's UndefinedError for a word the template misspells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pro2_reconciliation.domain.catching_up import RULE
from pro2_reconciliation.domain.localtime import describe_window, local
from pro2_reconciliation.domain.weblink import href
from pro2_reconciliation.repair.cards import cards
from pro2_reconciliation.repair.carried import OPEN_FOR
from pro2_reconciliation.repair.checklist import checklist, possibly_stale
from pro2_reconciliation.repair.colleagues import summary, verdict
from pro2_reconciliation.repair.plain import HEALTH_WORDS, MODE_WORDS
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_reconciliation.repair.restricting import in_words
from pro2_reconciliation.repair.timeline import END_WORDS, LOOK_OF, LOOKS, QUIET, cut, printable, timeline_svg

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_BYTES = 100_000
"""Gmail cuts a message at 102 KiB and hides the rest behind a link."""
_MAIL = re.compile(r"[^\s@<>\"'?&%]+@[\w.-]+")


@dataclass(frozen=True)
class _Size:
    """How much of a report is shown: cards, rows of the table, marks of the picture, entries of any other list, and
    characters of one sentence.
    """

    cards: int
    rows: int
    marks: int
    lines: int
    words: int

    @property
    def name(self) -> int:
        return min(self.words, 160)


_SIZES = (
    _Size(60, 250, 150, 30, 400),
    _Size(60, 250, 0, 30, 400),
    _Size(60, 140, 80, 30, 300),
    _Size(50, 100, 60, 20, 300),
    _Size(40, 70, 60, 20, 240),
    _Size(32, 55, 0, 12, 200),
    _Size(24, 40, 0, 10, 160),
    _Size(16, 24, 0, 8, 120),
    _Size(8, 12, 0, 6, 60),
)
"""Tried in this order until the page is small enough; the last is always taken."""


def render(report: Report, *, beside: str = "") -> str:
    """The report as one HTML file of at most ``MOST_BYTES``.

    ``beside``: how the names of the CSV and the JSON beside it begin; empty where there are none.
    """
    html = ""
    for size in _SIZES:
        html = _render(report, beside, size)
        if len(html.encode()) <= MOST_BYTES:
            break
    return html


def _render(report: Report, beside: str, size: _Size) -> str:
    numbered = list(enumerate(report.rows, 1))
    people = cards([(n, row) for n, row in numbered if row.outcome is End.NEEDS_HUMAN], report.zone)
    groups, shown = _groups(numbered, size.rows)
    look, sentence = verdict(report)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            beside=beside,
            size=size,
            window=describe_window(report.window, report.zone),
            verdict=sentence,
            worst=look,
            mode=MODE_WORDS[report.mode],
            health=HEALTH_WORDS.get(report.health, report.health),
            restricted=in_words(report.restriction, report.not_looked_at, report.zone),
            made_at=f"{local(report.made_at, report.zone)} ({report.made_at:%Y-%m-%d %H:%M} UTC)",
            at=lambda moment: local(moment, report.zone),
            counts=[
                (LOOK_OF[end], END_WORDS[end], report.counts[end])
                for end in END_WORDS
                if end in report.counts
            ],
            groups=groups,
            linked={number for group in groups for number, _ in group.rows},
            left_out=len(numbered) - shown,
            failures=[(n, row) for n, row in numbered if row.outcome is End.FAILED],
            people=people,
            waiting=sum(len(card.rows) for card in people),
            timeline=timeline_svg(report, most=size.marks),
            checklist=checklist(report),
            summary=summary(report),
            stale=possibly_stale(report),
            open_days=OPEN_FOR.days,
            vendor=contact(report.vendor_contact or ""),
            catalog_rule=RULE,
        )
    )


@dataclass(frozen=True)
class Group:
    """The rows of one look that are shown; ``left_out``: number of those that are not, by rule and reason."""

    look: Any
    rows: tuple[tuple[int, Row], ...]
    left_out: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        return len(self.rows) + sum(number for _, number in self.left_out)

    @property
    def quiet(self) -> bool:
        return self.look is QUIET


def _groups(numbered: list[tuple[int, Row]], most: int) -> tuple[tuple[Group, ...], int]:
    """The rows by look, those that matter first, as many as may be shown; and how many that are."""
    made, left = [], most
    for look in LOOKS:
        rows = [(n, row) for n, row in numbered if LOOK_OF[row.outcome] is look]
        if not rows:
            continue
        shown, rest = rows[: max(left, 0)], rows[max(left, 0) :]
        left -= len(shown)
        made.append(Group(look, tuple(shown), _by_rule(row for _, row in rest)))
    return tuple(made), sum(len(group.rows) for group in made)


def _by_rule(rows: Iterable[Row]) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for row in rows:
        found[row.rule] = found.get(row.rule, 0) + 1
    return tuple(sorted(found.items()))


@cache
def environment() -> Environment:
    """Jinja for our own templates: every value is escaped, a misspelled one is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("pro2_reconciliation.repair"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clean"] = printable
    made.filters["cut"] = cut
    made.globals.update(look_of=LOOK_OF, looks=LOOKS, end_words=END_WORDS, href=href)
    return made


def contact(text: str) -> str:
    """What a vendor's contact is linked to: its page, a mail to it, or nothing."""
    return f"mailto:{text}" if _MAIL.fullmatch(text) else href(text)
