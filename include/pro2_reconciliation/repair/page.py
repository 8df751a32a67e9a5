"""The report for people: one self-contained HTML file, and the same as plain text for a task log.

Everything is derived from the Report; nothing is read or decided here. Names are hostile data: they reach the
template as values only (autoescape), never as template text, and a log line cannot be broken by one. Fails with
ConfigurationError for a zone nobody knows, with jinja2's UndefinedError for a word the template misspells.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from unicodedata import combining, east_asian_width

from pro2_reconciliation.domain.localtime import describe_window, local
from pro2_reconciliation.domain.words import ItemKind, Mode, ProcessType, Remedy
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_reconciliation.repair.restricting import in_words
from pro2_reconciliation.repair.timeline import (
    END_WORDS,
    LOOK_OF,
    LOOKS,
    cut,
    is_outage,
    printable,
    timeline_svg,
)

TICKED, PERSON, NOT_NEEDED = "ticked by us", "left to a person", "not needed"
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
_LEFT = frozenset({End.NEEDS_HUMAN, End.PROPOSED, End.NOT_CHOSEN, End.NOT_NOW, End.STALE, End.FAILED})
_SYNC = frozenset({Remedy.DATA_SYNC.value, Remedy.ADD_TAG.value, Remedy.REMOVE_TAG.value})
_LINK = re.compile(r"(https?://[^/\\\s]|/(?![/\\]))[^\s\x00-\x1f]*", re.IGNORECASE)
_JOB_KINDS = frozenset(one.value for one in ProcessType)
_LINE_KINDS = (
    *[frozenset({ItemKind.CAMPAIGN.value})] * 2,
    _JOB_KINDS,
    _JOB_KINDS - {ProcessType.DATA_SYNC},
    frozenset({ProcessType.DATA_SYNC.value}),
    frozenset({ItemKind.AUTOMATION.value}),
    frozenset(),
)
"""Of which kinds of items each line of the checklist speaks."""
_FALLBACK_STEPS = {
    ItemKind.CAMPAIGN: "Open it on the campaigns page of Pro2, read its status and report, and decide there by hand",
    ItemKind.OCCURRENCE: "Look in the Activity Log and the Console whether it ran or runs; reprocess it there if not",
    ItemKind.AUTOMATION: "Open it in Pro2 and look at the contacts that wait in it",
}


@dataclass(frozen=True)
class Line:
    """One line of the vendor's checklist: what it asks, how it stands (``TICKED`` ...), and the numbers behind it."""

    text: str
    state: str
    note: str


def render(report: Report) -> str:
    """The report as one HTML file: no script, nothing fetched, light and dark, printable."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pro2_reconciliation.repair"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clean"] = printable
    environment.globals.update(look_of=LOOK_OF, looks=LOOKS, end_words=END_WORDS, href=href)
    environment.filters["steps"] = steps_of
    numbered = list(enumerate(report.rows, 1))
    campaigns, occurrences, _ = _by_kind(report)
    counts, tomorrow = report.counts, report.made_at + timedelta(hours=24)
    return environment.get_template("report.html.j2").render(
        report=report,
        window=describe_window(report.window, report.zone),
        mode=MODE_WORDS[report.mode],
        health=HEALTH_WORDS.get(report.health, report.health),
        made_at=f"{local(report.made_at, report.zone)} ({report.made_at:%Y-%m-%d %H:%M} UTC)",
        at=lambda moment: local(moment, report.zone),
        counts=[(LOOK_OF[end], END_WORDS[end], counts[end]) for end in END_WORDS if end in counts],
        rows=numbered,
        failures=[(n, row) for n, row in numbered if row.outcome is End.FAILED],
        people=[(n, row) for n, row in numbered if row.outcome is End.NEEDS_HUMAN],
        soon=[row for row in campaigns if row.due and report.made_at <= row.due < tomorrow],
        unsettled=len([r for r in occurrences if r.outcome in {*_LEFT, End.OPEN}]),
        timeline=timeline_svg(report),
        checklist=checklist(report),
        restricted=in_words(report.restriction, report.not_looked_at, report.zone),
        summary=summary(report),
    )


def href(url: str) -> str:
    """The URL if it is http, https or a path of this host; else the empty text, which is not linked."""
    return url if _LINK.fullmatch(url) else ""


def steps_of(row: Row) -> tuple[str, ...]:
    """What a person has to do; an action that ended with a person brings no steps of its own, but gets one here."""
    return row.steps or (_FALLBACK_STEPS[row.kind],)


def checklist(report: Report) -> tuple[Line, ...]:
    """The vendor's own checklist (help.prospect2.com article 715), each line as the rows answer it."""
    campaigns, occurrences, automations = _by_kind(report)
    syncs = [row for row in occurrences if _is_sync(row)]
    jobs = [row for row in occurrences if not _is_sync(row)]
    lines = (
        _looked("Campaigns: status and report looked at", campaigns),
        _mended("Campaigns that did not send: waited, or stopped, duplicated and the copy sent", campaigns),
        _looked("Jobs: Activity Log and Console looked at", occurrences),
        _mended("Failed or missing jobs: stopped where they hung, then reprocessed", jobs),
        _mended("Data Syncs: List Manager list imported under a unique tag, then the tags compared", syncs),
        _counted("Automations: stalled and entered contacts counted", automations),
        _warned(report),
    )
    return tuple(_with_left(line, report, kinds) for line, kinds in zip(lines, _LINE_KINDS, strict=True))


def _with_left(line: Line, report: Report, kinds: frozenset[str]) -> Line:
    """A line is ticked for what was looked at only; what the form of the dag run left out is for somebody else."""
    left = sum(one.kind in kinds for one in report.not_looked_at)
    return (
        Line(line.text, PERSON, f"{left} not looked at, as the form says; else {line.note}") if left else line
    )


def _is_sync(row: Row) -> bool:
    return row.decision in _SYNC or bool({"R13", "R14"} & {row.rule, *row.via})


def _looked(text: str, rows: list[Row]) -> Line:
    unread = [r for r in rows if r.observation.startswith(("unknown", "-")) and r.outcome is not End.NONE]
    if not rows:
        return Line(text, NOT_NEEDED, "none was due")
    if unread:
        return Line(text, PERSON, f"{len(unread)} of {len(rows)} could not be read: {_names(unread)}")
    return Line(text, TICKED, f"{len(rows)} of {len(rows)}")


def _counted(text: str, rows: list[Row]) -> Line:
    note = f"{len(rows)} counted; what to do is for a person to judge" if rows else "none was touched"
    return Line(text, TICKED if rows else NOT_NEEDED, note)


def _mended(text: str, rows: list[Row]) -> Line:
    concerned = [row for row in rows if row.outcome is not End.NONE]
    left = [row for row in concerned if row.outcome in _LEFT]
    done = {end: sum(row.outcome is end for row in concerned) for end in (End.VERIFIED, End.OPEN)}
    note = ", ".join(f"{n} {END_WORDS[end]}" for end, n in done.items() if n)
    if left:
        return Line(text, PERSON, f"{len(left)} left: {_names(left)}{f'; {note}' if note else ''}")
    return Line(text, TICKED, note) if concerned else Line(text, NOT_NEEDED, "none of them needs it")


def _warned(report: Report) -> Line:
    text = "Warned: originals may still go out, nobody can promise that they will not"
    repaired = sum(row.outcome is End.VERIFIED for row in report.rows)
    if report.alarms:
        return Line(text, PERSON, f"alarms of the guard: {len(report.alarms)}, see the top of this page")
    if repaired:
        return Line(text, TICKED, f"originals that the guard watches: {repaired}; no alarm so far")
    return Line(text, NOT_NEEDED, "we repaired nothing; the guard does not watch what people repair by hand")


def _by_kind(report: Report) -> list[list[Row]]:
    """Campaigns, occurrences, automations."""
    return [[row for row in report.rows if row.kind is kind] for kind in ItemKind]


def _names(rows: list[Row]) -> str:
    shown = ", ".join(f"«{cut(row.name, 40)}»" for row in rows[:3])
    return shown if len(rows) <= 3 else f"{shown} and {len(rows) - 3} more"


def summary(report: Report) -> str:
    """One paragraph for colleagues: what was sent on time, late, not, again or twice, with numbers."""
    copies = {row.copy_id for row in report.rows}
    campaigns, jobs, _ = _by_kind(report)
    campaigns = [row for row in campaigns if row.item_id not in copies]
    twice = [
        r for r in campaigns if any(a.startswith(_TWICE.format(r.name, r.item_id)) for a in report.alarms)
    ]
    said = [
        f"{'Pro2 outage' if is_outage(report.window) else 'Pro2 checked'} for {printable(report.organization)}, "
        f"{describe_window(report.window, report.zone)}."
    ]
    if campaigns:
        fates = _sorted_by(campaigns, _campaign_fate)
        told = [_told(fate, fates.pop(fate, [])) for fate in _ALWAYS] + [_told("possibly sent twice", twice)]
        said.append(f"Campaigns, {len(campaigns)} in all: {', '.join(told)}.")
        if fates:
            said.append(f"The others: {', '.join(_told(fate, rows) for fate, rows in fates.items())}.")
        if short := [row for row in campaigns if row.rule == "C4" and "short: " in row.reason]:
            said.append(f"Short, with fewer recipients than planned: {len(short)} of those sent.")
    if jobs:
        fates = _sorted_by(jobs, _job_fate)
        told = [f"{len(rows)} {fate}" for fate, rows in fates.items()]
        said.append(f"Occurrences of jobs, {len(jobs)} in all: {', '.join(told)}.")
    said += in_words(report.restriction, report.not_looked_at, report.zone)
    if not report.rows and not report.not_looked_at:
        said.append("Nothing was touched, there is nothing to do.")
    if others := len(report.alarms) - len(twice):
        said.append(f"Other alarms of the guard: {others}.")
    waiting = report.counts.get(End.NEEDS_HUMAN, 0)
    said.append(f"Waiting for a person: {waiting}. As of {local(report.made_at, report.zone)}.")
    if report.mode is Mode.PLAN:
        said.append("This is a plan: nothing was changed.")
    return " ".join(said)


_TWICE = "«{}» ({}) woke up although it was stopped and its copy "
"""How the guard begins its sentence on an original that woke after its copy was sent."""
_ALWAYS = ("sent on time", "sent late", "not sent", "resent by us")
_CAMPAIGN_RULES = {
    "C0": "repaired by us before",
    "C1": "mails of automations",
    "C2": "stopped before the outage",
    "C5": "due later",
    "C6": "repaired by hand",
}
_JOB_RULES = {
    "R0": "reprocessed by us before",
    "R3": "reprocessed by hand",
    "R4": "covered by another run",
    "R15": "covered by another run",
}
_JOB_ENDS = {
    End.VERIFIED: "reprocessed by us",
    End.OPEN: "still being watched",
    End.NEEDS_HUMAN: "for a person to look at",
    End.FAILED: "unclear after a failed repair",
}


def _campaign_fate(row: Row) -> str:
    """Never "not sent" where mail may have left: a failed or half done action is unclear."""
    if row.outcome is End.NONE:
        sent = "sent late" if row.reason.startswith("sent late") else "sent on time"
        return sent if row.rule == "C4" else _CAMPAIGN_RULES.get(row.rule, "needing nothing")
    if row.outcome is End.VERIFIED:
        return "resent by us" if row.copy_id else "stopped and held back"
    if row.outcome is End.NEEDS_HUMAN and row.observation.startswith("partly sent"):
        return "partly sent, to be finished by a person"
    if row.outcome in (End.OPEN, End.NEEDS_HUMAN, End.FAILED):
        return _JOB_ENDS[row.outcome]
    return "half repaired by us, to be resumed" if row.rule == "C0" else "not sent"


def _job_fate(row: Row) -> str:
    if row.outcome is End.NONE:
        late = row.observation.startswith("ran late") or row.reason.endswith(", late")
        return _JOB_RULES.get(row.rule, "ran late" if late else "ran")
    return _JOB_ENDS.get(row.outcome, "not reprocessed")


def _sorted_by(rows: list[Row], fate: Callable[[Row], str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(fate(row), []).append(row)
    return found


def _told(fate: str, rows: list[Row]) -> str:
    recipients = sum(row.audience or 0 for row in rows)
    return f"{len(rows)} {fate} ({recipients:,} recipients)" if recipients else f"{len(rows)} {fate}"


def render_text(report: Report) -> str:
    """The same as aligned plain text: one line per item, then what waits for a person."""
    counts = report.counts
    lines = [
        f"{printable(report.organization)}, {describe_window(report.window, report.zone)}, plan {report.plan_hash}",
        f"Mode {MODE_WORDS[report.mode]}. Health gate {HEALTH_WORDS.get(report.health, printable(report.health))}.",
        ", ".join(f"{END_WORDS[end]} {counts[end]}" for end in END_WORDS if end in counts) or "nothing to do",
        *(
            f"RESTRICTED {printable(s)}"
            for s in in_words(report.restriction, report.not_looked_at, report.zone)
        ),
        *(f"ALARM {printable(alarm)}" for alarm in report.alarms),
        *(f"CLOSED {printable(sentence)}" for sentence in report.expired),
    ]
    if report.rows:
        heads = ("outcome", "kind", "id", "name", "due", "observation", "rule", "decision", "detail")
        table = [heads, *(_cells(row, report.zone) for row in report.rows)]
        widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
        lines += ["", *("  ".join(map(_filled, cells, widths)).rstrip() for cells in table)]
    for row in report.rows:
        if row.outcome is End.NEEDS_HUMAN:
            lines += ["", f"Needs a person: «{printable(row.name)}» ({printable(row.item_id)}): {_why(row)}"]
            lines += [f"  {n}. {printable(step)}" for n, step in enumerate(steps_of(row), 1)]
    return "\n".join(lines)


def _cells(row: Row, zone: str) -> tuple[str, ...]:
    due = local(row.due, zone) if row.due else "-"
    rule = f"{row.rule} via {', '.join(row.via)}" if row.via else row.rule
    words = (row.kind.value, row.item_id, cut(row.name, 32), due, row.observation, rule, row.decision)
    return (END_WORDS[row.outcome], *map(printable, words), cut(_why(row), 100))


def _why(row: Row) -> str:
    return printable("; ".join(filter(None, (row.reason, row.detail))))


def _filled(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Columns of a terminal: wide letters take two, combining marks none."""
    return sum(2 if east_asian_width(c) in "WF" else not combining(c) for c in text)
