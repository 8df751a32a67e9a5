"""What a person has to know of one organization in the morning, as a short mail: one line where there is nothing to do.

Made from the ledger alone. Sections come in the order of urgency: what stops anything, alarms, questions that wait,
what is open for a person, what goes out today at risk; then what is only news, and once a week the shadow. Names are
hostile data: each is one printable line, and the HTML escapes it. Raises ``LedgerError`` where it cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.catching_up import RULE, CatalogCheck
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.localtime import describe_window, find_zone, local
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.weblink import href
from pro2_reconciliation.ledger import DagRun, Ledger, PlanItem, RunStage, Stage, State, Witness
from pro2_reconciliation.overview.board import board
from pro2_reconciliation.overview.shadow import shadow, told
from pro2_reconciliation.overview.views import Board, OpenItemView, OutageView
from pro2_reconciliation.repair.carried import is_proposal
from pro2_reconciliation.repair.detection import GAP
from pro2_reconciliation.repair.plain import heading, wrapped
from pro2_reconciliation.repair.report_page import environment
from pro2_reconciliation.repair.timeline import cut, printable

MOST = 30
"""Entries of one section; of more their number is said."""
READ_WITHIN = timedelta(hours=36)
"""A watermark that is older: a night was not read completely."""
LOOKED_BACK = timedelta(days=3)
"""A question that is older has ended."""


class Entry(Value):
    """One line of a section; ``lines`` to be pasted and ``more`` stand below it, ``url`` leads to the page."""

    text: str
    more: str = ""
    url: str = ""
    lines: tuple[str, ...] = ()


class Section(Value):
    """``counted``: what the subject says of it. ``pressing``: somebody has to do something about it."""

    title: str
    entries: tuple[Entry, ...]
    counted: str = ""
    pressing: bool = True
    left_out: int = 0


class Digest(Value):
    """A mail: ``subject`` is one line, ``text`` and ``html`` say the same. ``nothing_to_do``: nobody has to act."""

    subject: str
    text: str
    html: str
    nothing_to_do: bool
    sections: tuple[Section, ...] = ()


def digest(
    site: Site,
    ledger: Ledger,
    now: datetime,
    *,
    since: datetime,
    witness: Witness | None = None,
    link: Callable[[str], str] = lambda key: "",
    plan_hash: str = "",
) -> Digest:
    """The digest of what happened since ``since``, and of everything that waits or stops something now.

    In: ``witness`` as for ``board``; ``link`` the address of an item's entry on the page by its key, empty for that of
    the page itself; ``plan_hash`` of the dag run that wrote it, named in a file.
    """
    seen = board(site, ledger, now, witness=witness)
    sections = tuple(_sections(site, ledger, seen, since, link))
    pressing = [section for section in sections if section.pressing]
    counted = ", ".join(section.counted for section in pressing if section.counted)
    who = printable(site.organization)
    subject = f"{who}: {cut(counted, 150) or 'nothing to do'}"
    lead = f"{who}, {local(now, site.zone)}: {counted or 'nothing to do'}."
    if not sections:
        lead += f" Since {local(since, site.zone)} there was no outage and nothing was repaired."
    return Digest(
        subject=subject,
        text=_text(lead, sections),
        html=environment()
        .get_template("digest.html.j2")
        .render(
            organization=site.organization,
            subject=subject,
            lead=lead,
            sections=sections,
            nothing=not pressing,
            page=href(link("")),
            plan_hash=plan_hash,
        ),
        nothing_to_do=not pressing,
        sections=sections,
    )


def _sections(
    site: Site, ledger: Ledger, seen: Board, since: datetime, link: Callable[[str], str]
) -> Iterator[Section]:
    zone = site.zone
    stops = [*_stops(site, ledger, seen)]
    yield from _section(
        "Stops repairs", [Entry(text=text) for _, text in stops], ", ".join(short for short, _ in stops)
    )
    alarms = [
        Entry(text=f"{local(one.at, zone)}: {printable(one.text)}") for one in seen.alarms if one.at >= since
    ]
    yield from _section("Alarms", alarms, _many(len(alarms), "alarm", "alarms"))
    waiting = _asked(site, ledger, seen.made_at)
    questions = [*_questions(site, waiting, link)]
    yield from _section(
        "Waits for an answer", questions, _many(len(questions), "question waits", "questions wait")
    )
    opened = [*_open(ledger, seen, {item.key for _, items in waiting for item in items}, link)]
    yield from _section("Open items", opened, _many(len(opened), "item is open", "items are open"))
    lasting = [one for one in seen.outages if one.end is None]
    yield from _section(
        "Down now",
        [_outage(one, zone) for one in lasting],
        _many(len(lasting), "outage lasts", "outages last"),
    )
    risky = [
        Entry(text=f"{local(one.due, zone)}, {_named(one.name, one.key)}", more=one.risk, url=link(one.key))
        for one in seen.upcoming
        if one.risk
    ]
    yield from _section(
        "Due in the next 24 hours, at risk", risky, _many(len(risky), "is due at risk", "are due at risk")
    )
    differs = [*_catalog(ledger, site.organization, since)]
    yield from _section(
        f"The catalog may be out of date ({RULE})",
        differs,
        _many(len(differs), "job differs from the catalog", "jobs differ from the catalog"),
    )
    found = [one for one in seen.outages if one.end is not None and _is_new(ledger, one, since)]
    yield from _section("Outages that were found", [_outage(one, zone) for one in found], pressing=False)
    yield from _section("Repaired and proven", [*_repaired(site, ledger, since, link)], pressing=False)
    if _weekly(since, seen.made_at, zone):
        week = shadow(site, ledger, seen.made_at, days=7)
        entries = [Entry(text=printable(text), more=printable(more)) for text, more in told(week, zone)]
        yield from _section("Shadow of the last seven days", entries, pressing=False)
    holds = [
        Entry(
            text=f"{printable(one.key)}: {printable(one.who)} keeps it since {local(one.at, zone)} "
            f"({printable(one.why)})",
            url=link(one.key),
        )
        for one in seen.holds
    ]
    yield from _section("Kept by a person", holds, pressing=False)


def _weekly(since: datetime, now: datetime, zone: str) -> bool:
    """Whether the local week turned since the last digest: then this is the weekly one, whatever its hour."""
    first, last = (moment.astimezone(find_zone(zone)).isocalendar()[:2] for moment in (since, now))
    return first != last


def _section(
    title: str, entries: list[Entry], counted: str = "", *, pressing: bool = True
) -> Iterator[Section]:
    if entries:
        shown, more = tuple(entries[:MOST]), max(len(entries) - MOST, 0)
        yield Section(title=title, entries=shown, counted=counted, pressing=pressing, left_out=more)


def _stops(site: Site, ledger: Ledger, seen: Board) -> Iterator[tuple[str, str]]:
    """What keeps repairs from being done, or outages from being found: in a few words, and with the next step."""
    zone, now = site.zone, seen.made_at
    if seen.ledger.plans_only:
        yield "only plans are made", f"Only plans are made. {seen.ledger.plans_only}"
    if seen.switch.stage is not Stage.OFF:
        at = f" since {local(seen.switch.at, zone)}" if seen.switch.at else ""
        what = "no step acts" if seen.switch.stage is Stage.EVERYTHING else "detection starts no dag run"
        yield (
            "the kill switch is on",
            f"The kill switch is at «{seen.switch.stage.value}»{at} ({printable(seen.switch.who)}: "
            f"{printable(seen.switch.why)}): {what}. Switch it off to go on.",
        )
    if not seen.guard_ok:
        yield (
            "guard_repairs does not run",
            f"guard_repairs {_last(seen.guard_at, zone)}: nothing is sent, and no original that wakes up is stopped. "
            "Unpause it, and look at its log.",
        )
    if seen.detected_at is None or now - seen.detected_at > GAP:
        yield (
            "detect_outages does not run",
            f"detect_outages {_last(seen.detected_at, zone)}: no outage is found. Unpause it, and look at its log.",
        )
    read = ledger.watermark(site.organization)
    if read is not None and now - read > READ_WITHIN:
        yield (
            "a night was not read",
            f"The last window that was read completely ended {local(read, zone)}. Look why the nightly reconcile does "
            "not report.",
        )


def _last(at: datetime | None, zone: str) -> str:
    return f"last passed {local(at, zone)}" if at else "has never passed"


def _asked(site: Site, ledger: Ledger, now: datetime) -> list[tuple[DagRun, list[PlanItem]]]:
    """The dag runs whose question waits, each with the items that nobody has answered about."""
    runs = [
        run
        for run in ledger.runs(site.organization, now - LOOKED_BACK)
        if run.stage is RunStage.ASKED and run.plan_hash and run.until and run.until > now
    ]
    plans = {run.plan_hash for run in runs if run.plan_hash}
    items, answers = ledger.plan_items(plans), ledger.answers_to(plans)
    found = []
    for run in runs:
        answered = answers.get(run.plan_hash or "", {})
        waiting = [i for i in items.get(run.plan_hash or "", ()) if i.asks and i.key not in answered]
        found += [(run, waiting)] if waiting else []
    return found


def _questions(
    site: Site, waiting: Sequence[tuple[DagRun, Sequence[PlanItem]]], link: Callable[[str], str]
) -> Iterator[Entry]:
    """What was asked and not answered, and until when it is asked."""
    for run, asked in waiting:
        if run.until is None:
            continue
        first = min((item.send_by for item in asked if item.send_by), default=None)
        more = f"The first must not be sent after {local(first, site.zone)}." if first else ""
        yield Entry(
            text=f"{_many(len(asked), 'item', 'items')} of the window {describe_window(run.window, site.zone)}: asked "
            f"until {local(run.until, site.zone)} (dag run {printable(run.id)})",
            more=f"{more} Without an answer nothing is done.".strip(),
            url=link(""),
        )


def _open(ledger: Ledger, seen: Board, asked: set[str], link: Callable[[str], str]) -> Iterator[Entry]:
    """What needs a person, the one that is closed first in front, with the first thing to do."""
    elsewhere = {one.key for one in seen.holds} | asked  # a proposal is told once
    opened = [one for one in seen.open_items if one.key not in elsewhere or not is_proposal(one.reason)]
    rows = ledger.reported_rows({one.plan_hash for one in opened})
    for one in sorted(opened, key=lambda one: (one.closes_at, one.key)):
        steps = rows.get((one.plan_hash, one.key), {}).get("steps") or ()
        first = f" First: {printable(str(steps[0]))}" if steps else ""
        yield Entry(
            text=f"{_named(one.name, one.key)}: {printable(one.rule)}, {printable(one.reason)}",
            more=f"{_age(one, seen)}.{first}",
            url=link(one.key),
        )


def _age(item: OpenItemView, seen: Board) -> str:
    days = (seen.made_at - item.opened_at).days
    since = _many(days, "day", "days") if days else "less than a day"
    closes = local(item.closes_at, seen.zone)
    if is_proposal(item.reason):
        return f"Proposed since {local(item.opened_at, seen.zone)}, {since}; closes {closes}"
    return f"Open for {since}, closes {closes}"


def _catalog(ledger: Ledger, organization: str, since: datetime) -> Iterator[Entry]:
    """What the newest report of a night found; a check that could not be made stands in the report only."""
    for run in reversed(ledger.runs(organization, since)):
        kept = ledger.report_of(organization, run.id) if run.reported_at else None
        found = CatalogCheck.model_validate((kept or {}).get("catalog") or {})
        if found.as_of is None:
            continue
        for one in found.findings:
            yield Entry(text=printable(one.text), lines=tuple(map(one_line, one.lines)))
        return


def _is_new(ledger: Ledger, outage: OutageView, since: datetime) -> bool:
    traces = ledger.outage_traces(outage.id)
    return bool(traces) and traces[0].at >= since


def _outage(outage: OutageView, zone: str) -> Entry:
    if outage.end is None:
        when = f"since {local(outage.start, zone)}"
    else:
        when = describe_window(Window(start=outage.start, end=outage.end), zone)
    doubt = "" if outage.confirmed else ", only suspected"
    counts = ", ".join(f"{number} {word.replace('_', ' ')}" for word, number in sorted(outage.counts.items()))
    return Entry(
        text=f"{outage.service.value}, {when}{doubt} (outage {printable(outage.id)})"
        + (f": {_many(outage.items, 'item', 'items')}, {counts}" if counts else ""),
        more=outage.next,
    )


def _repaired(site: Site, ledger: Ledger, since: datetime, link: Callable[[str], str]) -> Iterator[Entry]:
    for action in ledger.actions_since(site.organization, since):
        if action.state == State.CONFIRMED and action.last_moved >= since and not action.by_guard:
            why = printable(action.latest[-1].moves[-1].why)
            yield Entry(
                text=f"{_named(action.name, action.item_key)}, {action.remedy.value.replace('_', ' ')}: {why}",
                url=link(action.item_key),
            )


def _named(name: str, key: str) -> str:
    return f"«{cut(name, 80)}» ({printable(key)})"


def _many(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _text(lead: str, sections: tuple[Section, ...]) -> str:
    if not sections:
        return f"{lead}\n"
    lines = wrapped(lead)
    for section in sections:
        lines += ["", *heading(section.title)]
        for entry in section.entries:
            lines += wrapped(f"* {entry.text}", "  ", first="")
            lines += [f"      {line}" for line in entry.lines]
            lines += wrapped(entry.more, "  ") if entry.more else []
            lines += [f"  {href(entry.url)}"] if href(entry.url) else []
        lines += [f"  and {section.left_out:,} more"] if section.left_out else []
    return "\n".join(lines) + "\n"
