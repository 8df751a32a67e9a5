"""The vendor's own checklist (help.prospect2.com article 715), each line as the rows of a report answer it.

Pure functions over a Report; nothing is read or decided here. A line is ticked only where nothing of it is left.
"""

from __future__ import annotations

from dataclasses import dataclass

from pro2_reconciliation.domain.words import ItemKind, ProcessType, Remedy
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_reconciliation.repair.timeline import END_WORDS, cut

TICKED, PERSON, NOT_NEEDED = "ticked by us", "left to a person", "not needed"
_LEFT = frozenset({End.NEEDS_HUMAN, End.PROPOSED, End.NOT_CHOSEN, End.NOT_NOW, End.STALE, End.FAILED})
_SYNC = frozenset({Remedy.DATA_SYNC.value, Remedy.ADD_TAG.value, Remedy.REMOVE_TAG.value})

_JOBS = frozenset(one.value for one in ProcessType)
_OWN = (ProcessType.SCHEDULED_TRIGGER, ProcessType.INTEGRATED_IMPORT, ProcessType.DATA_SYNC)
_LINE_KINDS = (
    *[frozenset({ItemKind.CAMPAIGN.value})] * 2,
    _JOBS,
    *(frozenset({one.value}) for one in _OWN),
    _JOBS - {one.value for one in _OWN},
    frozenset({ItemKind.AUTOMATION.value}),
    frozenset[str](),
)
"""Of which kinds of items each line of the checklist speaks."""


@dataclass(frozen=True)
class Line:
    """One line of the vendor's checklist: what it asks, how it stands (``TICKED`` ...), and the numbers behind it."""

    text: str
    state: str
    note: str


def checklist(report: Report) -> tuple[Line, ...]:
    """Every line of the article, in its order."""
    campaigns, occurrences, automations = (
        [row for row in report.rows if row.kind is kind] for kind in ItemKind
    )
    of: dict[str, list[Row]] = {"sync": [], "trigger": [], "import": [], "other": []}
    for row in occurrences:
        of[_process(row)].append(row)
    lines = (
        _looked("Campaigns: status and report looked at", campaigns),
        _mended("Campaigns that did not send: waited, or stopped, duplicated and the copy sent", campaigns),
        _looked("Jobs: Activity Log and Console looked at", occurrences),
        _mended(
            "Scheduled Triggers that failed or are missing: stopped where they hung, then Run Now",
            of["trigger"],
        ),
        _mended(
            "Integrated Imports that failed or are missing: stopped where they hung, then Repeat Import",
            of["import"],
        ),
        _mended(
            "Data Syncs: List Manager list imported under a unique tag, then the tags compared", of["sync"]
        ),
        _mended("Other jobs that failed or are missing: a person looks, and does them again", of["other"]),
        _counted("Automations: stalled and entered contacts counted", automations),
        _warned(report),
    )
    return tuple(_with_left(line, report, kinds) for line, kinds in zip(lines, _LINE_KINDS, strict=True))


def _with_left(line: Line, report: Report, kinds: frozenset[str]) -> Line:
    """A line is ticked for what was looked at only; what the form of the dag run left out is for somebody else."""
    left = sum(one.kind in kinds for one in report.not_looked_at)
    note = f"{left} not looked at, as the form says; else {line.note}"
    return Line(line.text, PERSON, note) if left else line


def possibly_stale(report: Report) -> str:
    """Why the audience of whatever goes out next may be stale, as a sentence; empty where every job ended well."""
    jobs = [r for r in report.rows if r.kind is ItemKind.OCCURRENCE and r.outcome in {*_LEFT, End.OPEN}]
    if not jobs:
        return ""
    count = f"{len(jobs):,} occurrence{'' if len(jobs) == 1 else 's'} of jobs"
    return f"Their audience is possibly stale: {count} {'is' if len(jobs) == 1 else 'are'} not settled."


def _process(row: Row) -> str:
    """Which remedy an occurrence is for, told by the rules on its way; the row does not name its process type."""
    rules = {row.rule, *row.via}
    if row.decision in _SYNC or rules & {"R13", "R14"}:
        return "sync"
    if row.decision == Remedy.RUN_NOW.value or "R11" in rules:
        return "trigger"
    return "import" if row.decision == Remedy.REPEAT_IMPORT.value or "R12" in rules else "other"


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
    done = {end: sum(row.outcome is end for row in concerned) for end in (End.VERIFIED, End.CLOSED, End.OPEN)}
    note = ", ".join(f"{n} {END_WORDS[end]}" for end, n in done.items() if n)
    if left:
        return Line(text, PERSON, f"{len(left)} left: {_names(left)}{f'; {note}' if note else ''}")
    return Line(text, TICKED, note) if concerned else Line(text, NOT_NEEDED, "none of them needs it")


def _warned(report: Report) -> Line:
    text = "Warned: originals may still go out, nobody can promise that they will not"
    repaired = sum(row.outcome is End.VERIFIED for row in report.rows)
    if report.alarms:
        return Line(text, PERSON, f"alarms: {len(report.alarms)}, see the top of this page")
    if repaired:
        return Line(text, TICKED, f"originals that the guard watches: {repaired}; no alarm so far")
    return Line(text, NOT_NEEDED, "we repaired nothing; the guard does not watch what people repair by hand")


def _names(rows: list[Row]) -> str:
    shown = ", ".join(f"«{cut(row.name, 40)}»" for row in rows[:3])
    return shown if len(rows) <= 3 else f"{shown} and {len(rows) - 3} more"
