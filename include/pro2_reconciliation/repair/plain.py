"""A report as plain text: a table for a task log, and the text that stands beside the HTML in a mail.

Everything is derived from the Report; nothing is read or decided here. A name cannot break a line, and a mail's text
is as short as a person reads it: what is left out is in the CSV, and it says so.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from unicodedata import combining, east_asian_width

from pro2_reconciliation.domain.catching_up import RULE, CatalogCheck
from pro2_reconciliation.domain.localtime import describe_window, local
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.words import Mode, Remedy
from pro2_reconciliation.repair.cards import Card, cards, steps_of, why
from pro2_reconciliation.repair.checklist import NOT_NEEDED, TICKED, checklist, possibly_stale
from pro2_reconciliation.repair.colleagues import summary, verdict
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_reconciliation.repair.restricting import in_words
from pro2_reconciliation.repair.timeline import END_WORDS, LOOK_OF, QUIET, cut, printable

MODE_WORDS = {
    Mode.PLAN: "plan: a proposal, nothing was changed",
    Mode.ASK: "ask: only what a person chose was done",
    Mode.AUTO: "auto: only what has consent was done, everything else waits to be asked",
}
HEALTH_WORDS = {
    "open": "open: since the outage mail has left or jobs have succeeded",
    "unproven": "unproven: nothing since the outage shows yet that the account works",
    "closed": "closed: what was due after the outage is held as well, so nothing may be sent; an account hold?",
}
MOST_CARDS, MOST_LINES, MOST_OF_ONE = 40, 60, 20
"""What a mail's text shows at most: cards, lines of one group, and items that share a card."""
_COLUMNS = 78
_BECAME = {
    End.FAILED: "did not end",
    End.NEEDS_HUMAN: "was left to a person",
    End.STALE: "became stale and is asked again",
    End.NOT_CHOSEN: "was not chosen",
    End.NOT_NOW: "was not done",
    End.PROPOSED: "was proposed",
    End.OPEN: "was still watched",
    End.CLOSED: "was closed by a person",
    End.REPORTED: "was counted",
}
_DONE = {
    Remedy.RESEND.value: "was stopped, and its copy was sent and proven",
    Remedy.HOLD_BACK.value: "was stopped and held back",
    Remedy.REPEAT_IMPORT.value: "was imported again and proven",
    Remedy.RUN_NOW.value: "was run again and proven",
    Remedy.DATA_SYNC.value: "was imported under a unique tag and proven",
    Remedy.ADD_TAG.value: "got its tag where it was lacking, and was proven",
    Remedy.REMOVE_TAG.value: "lost its tag where it was too many, and was proven",
}
"""How a verified repair is told."""
_MARKS = {TICKED: "[x]", NOT_NEEDED: "[-]"}


def render_text(report: Report) -> str:
    """Aligned plain text for a log: one line per item, then what waits for a person."""
    counts = report.counts
    lines = [
        f"{printable(report.organization)}, {describe_window(report.window, report.zone)}, plan {report.plan_hash}",
        f"Mode {MODE_WORDS[report.mode]}. Health gate {HEALTH_WORDS.get(report.health, printable(report.health))}.",
        ", ".join(f"{END_WORDS[end]} {counts[end]}" for end in END_WORDS if end in counts) or "nothing to do",
        *(
            f"RESTRICTED {printable(said)}"
            for said in in_words(report.restriction, report.not_looked_at, report.zone)
        ),
        *(f"ALARM {printable(alarm)}" for alarm in report.alarms),
        *(f"CLOSED {printable(sentence)}" for sentence in report.expired),
    ]
    if report.rows:
        heads = ("outcome", "kind", "id", "name", "due", "observation", "rule", "decision", "detail")
        table = [heads, *(_cells(row, report.zone) for row in report.rows)]
        widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
        lines += ["", *("  ".join(map(_filled, cells, widths)).rstrip() for cells in table)]
    lines += catalog_lines(report.catalog)
    for row in report.rows:
        if row.outcome is End.NEEDS_HUMAN:
            lines += ["", f"Needs a person: «{printable(row.name)}» ({printable(row.item_id)}): {why(row)}"]
            lines += [f"  {n}. {printable(step)}" for n, step in enumerate(steps_of(row), 1)]
    return "\n".join(lines)


def story(report: Report) -> list[tuple[End, str]]:
    """What became of each item that needed something, in past tense, in the order of the report."""
    return [(row.outcome, _became(row)) for row in report.rows if row.outcome is not End.NONE]


def _became(row: Row) -> str:
    verb = _DONE.get(row.decision, "was repaired") if row.outcome is End.VERIFIED else _BECAME[row.outcome]
    who = f"; chosen by {printable(row.answered_by)}" if row.answered_by else ""
    return f"«{printable(row.name)}» ({printable(row.item_id)}) {verb}, {row.rule}: {why(row)}{who}"


def mail_text(report: Report, *, beside: str = "") -> str:
    """The report as a person reads it in a mail without HTML, 78 columns wide.

    ``beside``: how the names of the files beside the report begin; empty where there are none.
    """
    people = [(n, row) for n, row in enumerate(report.rows, 1) if row.outcome is End.NEEDS_HUMAN]
    lines = [
        *wrapped(f"{printable(report.organization)}, {describe_window(report.window, report.zone)}"),
        *wrapped(f"{verdict(report)[1]}."),
        *wrapped(f"Mode {MODE_WORDS[report.mode]}. Made {local(report.made_at, report.zone)}."),
    ]
    lines += _section("Restricted", in_words(report.restriction, report.not_looked_at, report.zone))
    lines += _section("Alarms", report.alarms)
    lines += _section("Did not end", [_line(r) for r in report.rows if r.outcome is End.FAILED])
    if people:
        lines += ["", *heading(f"Waits for a person ({len(people)})")]
        shown = cards(people, report.zone)
        for card in shown[:MOST_CARDS]:
            lines += ["", *_card(card, report)]
        lines += _more(len(shown) - MOST_CARDS, beside)
    for look in dict.fromkeys(LOOK_OF[end] for end in END_WORDS):
        rows = [r for r in report.rows if LOOK_OF[r.outcome] is look and r.outcome not in _TOLD_ABOVE]
        if look is QUIET and rows:
            lines += ["", *wrapped(f"{len(rows):,} need nothing{_where(beside)}.")]
        else:
            lines += _section(f"{look.label.capitalize()} ({len(rows)})", [_line(r) for r in rows], beside)
    lines += catalog_lines(report.catalog)
    lines += ["", *heading("To paste for colleagues"), *wrapped(summary(report))]
    soon = [
        f"{local(one.due, report.zone)}, «{cut(one.name, 60)}» ({printable(one.item_id)})"
        + (f": {one.risk}" if one.risk else "")
        for one in report.upcoming.items
    ]
    lines += _section("Due in the next 24 hours", soon, beside)
    if soon and (stale := possibly_stale(report)):
        lines += wrapped(stale)
    lines += ["", *heading("The vendor's checklist")]
    for line in checklist(report):
        mark = _MARKS.get(line.state, "[ ]")
        lines += wrapped(f"{mark} {line.text}: {line.state}. {line.note}", "    ", first="")
    lines += ["", f"Plan {report.plan_hash}"]
    return "\n".join(lines) + "\n"


def catalog_lines(found: CatalogCheck) -> list[str]:
    """Where ``jobs.yaml`` may be out of date, with the lines to paste, which are never broken."""
    if not found.findings and not found.unread:
        return []
    lines = ["", *heading(f"The catalog ({RULE})")]
    if found.unread:
        lines += wrapped(f"It could not be checked: {printable(found.unread)}.")
    for one in found.findings[:MOST_LINES]:
        lines += wrapped(f"* {printable(one.text)}", "  ", first="")
        lines += [f"      {one_line(line)}" for line in one.lines]
    return [*lines, *_more(len(found.findings) - MOST_LINES, "")]


_TOLD_ABOVE = frozenset({End.NEEDS_HUMAN, End.FAILED})


def _card(card: Card, report: Report) -> Iterator[str]:
    for _, row in card.rows[:MOST_OF_ONE]:
        due = f", due {local(row.due, report.zone)}" if row.due else ""
        audience = f", {row.audience:,} recipients" if row.audience else ""
        head = (
            f"* «{cut(row.name, 60)}» ({row.kind.value} {printable(row.item_id)}){due}{audience}, {row.rule}"
        )
        yield from wrapped(head, "  ", first="")
    yield from _more(len(card.rows) - MOST_OF_ONE, "")
    yield from wrapped(cut(card.why, 300), "  ")
    for number, step in enumerate(card.steps, 1):
        yield from wrapped(f"{number}. {cut(step, 300)}", "     ", first="  ")
    if report.vendor_contact:
        yield from wrapped(f"Not sure? Contact the vendor: {printable(report.vendor_contact)}", "  ")


def _line(row: Row) -> str:
    return (
        f"«{cut(row.name, 60)}» ({printable(row.item_id)}): {END_WORDS[row.outcome]}, "
        f"{row.decision.replace('_', ' ')}. {cut(why(row), 200)}"
    )


def _section(title: str, entries: Iterable[str], beside: str = "") -> list[str]:
    found = [*entries]
    if not found:
        return []
    lines = ["", *heading(title)]
    for entry in found[:MOST_LINES]:
        lines += wrapped(f"* {cut(entry, 400)}", "  ", first="")
    return [*lines, *_more(len(found) - MOST_LINES, beside)]


def _more(number: int, beside: str) -> list[str]:
    return [f"  and {number:,} more{_where(beside)}"] if number > 0 else []


def _where(beside: str) -> str:
    return f", in {beside}.csv" if beside else ""


def heading(text: str) -> tuple[str, str]:
    """A heading, underlined."""
    return text, "-" * len(text)


def wrapped(text: str, rest: str = "", *, first: str | None = None) -> list[str]:
    """The text in lines of 78 columns that begin with ``rest``, the first with ``first``; no name breaks a line."""
    lead = rest if first is None else first
    return textwrap.wrap(printable(text), _COLUMNS, initial_indent=lead, subsequent_indent=rest) or [lead]


def _cells(row: Row, zone: str) -> tuple[str, ...]:
    due = local(row.due, zone) if row.due else "-"
    rule = f"{row.rule} via {', '.join(row.via)}" if row.via else row.rule
    words = (row.kind.value, row.item_id, cut(row.name, 32), due, row.observation, rule, row.decision)
    return (END_WORDS[row.outcome], *map(printable, words), cut(why(row), 100))


def _filled(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Columns of a terminal: wide letters take two, combining marks none."""
    return sum(2 if east_asian_width(c) in "WF" else not combining(c) for c in text)
