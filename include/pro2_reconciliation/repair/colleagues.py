"""A report in words: one sentence for its head, and one paragraph to paste for colleagues.

Pure functions over a Report; nothing is read or decided here. Names of campaigns stand in neither.
"""

from __future__ import annotations

from collections.abc import Callable

from pro2_reconciliation.domain.localtime import describe_window, local
from pro2_reconciliation.domain.words import ItemKind, Mode
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_reconciliation.repair.restricting import in_words
from pro2_reconciliation.repair.timeline import (
    FAILED,
    LOOK_OF,
    PERSON,
    UNDONE,
    VERIFIED,
    WATCHED,
    Look,
    is_outage,
    printable,
)


def verdict(report: Report) -> tuple[Look, str]:
    """The report in one sentence, what needs somebody first, and the look of the worst of it."""
    found = {look: sum(LOOK_OF[row.outcome] is look for row in report.rows) for look in LOOK_OF.values()}
    said = [
        (FAILED, _said(len(report.alarms), "alarm", "alarms")),
        (FAILED, _said(found[FAILED], "item did not end", "items did not end")),
        (PERSON, _said(found[PERSON], "item waits for a person", "items wait for a person")),
        (UNDONE, _said(found[UNDONE], "repair was not done", "repairs were not done")),
        (WATCHED, _said(found[WATCHED], "item is still watched", "items are still watched")),
        (VERIFIED, _said(found[VERIFIED], "repair is proven", "repairs are proven")),
        (PERSON, _said(len(report.not_looked_at), "item was not looked at", "items were not looked at")),
    ]
    if report.mode is Mode.PLAN:
        said[3] = (UNDONE, _said(found[UNDONE], "repair is proposed", "repairs are proposed"))
    told = [(look, sentence) for look, sentence in said if sentence]
    if not told:
        return VERIFIED, "Nothing to do"
    return told[0][0], ", ".join(sentence for _, sentence in told)


def _said(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}" if number else ""


def summary(report: Report) -> str:
    """One paragraph for colleagues: what was sent on time, late, not, again or twice, with numbers."""
    copies = {row.copy_id for row in report.rows}
    campaigns, jobs, _ = ([row for row in report.rows if row.kind is kind] for kind in ItemKind)
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
        said.append(f"Other alarms: {others}.")
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
    End.CLOSED: "closed by a person",
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
    if row.outcome in (End.OPEN, End.NEEDS_HUMAN, End.FAILED, End.CLOSED):
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
