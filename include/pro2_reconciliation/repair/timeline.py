"""The report's picture: when each item was due, when it was last looked at, and how it ended, as one inline SVG.

Pure text in, text out. Names are hostile data: every one is made printable and escaped here, since the page
inserts the picture as it is. A time far outside the window becomes an arrow at the edge, its tooltip says the exact
time; items without a due time are left to the table. Fails with ConfigurationError for a zone nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

from pro2_reconciliation.domain.localtime import describe_window, find_zone, local
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.repair.report import End, Report, Row


@dataclass(frozen=True)
class Look:
    """How a family of outcomes looks: colours for light and dark, a glyph, and ``path`` around the origin.

    The colours differ in lightness as well as in hue and the shapes differ, so neither is needed alone.
    """

    name: str
    label: str
    light: str
    dark: str
    glyph: str
    path: str
    hollow: bool = False


VERIFIED = Look(
    "verified", "verified", "#00694b", "#4ccaa0", "✔", "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z"
)
PERSON = Look("person", "needs a person", "#9a4a00", "#f5a742", "▲", "M0 -5.5L5.5 4.5H-5.5z")
FAILED = Look(
    "failed",
    "failed",
    "#b3142a",
    "#ff8b87",
    "✖",
    "M-5 -3L-3 -5L0 -2L3 -5L5 -3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0z",
)
WATCHED = Look(
    "watched", "being watched", "#0b5cad", "#74b9ff", "○", "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", hollow=True
)
UNDONE = Look("undone", "not done", "#6d3a9c", "#cba6f7", "◆", "M0 -5.5L5.5 0L0 5.5L-5.5 0z")
QUIET = Look("quiet", "needs nothing", "#5a6472", "#98a3b3", "▪", "M-3 -3H3V3H-3z")

LOOK_OF: dict[End, Look] = {
    End.NONE: QUIET,
    End.OPEN: WATCHED,
    End.PROPOSED: UNDONE,
    End.NOT_CHOSEN: UNDONE,
    End.NOT_NOW: UNDONE,
    End.VERIFIED: VERIFIED,
    End.CLOSED: QUIET,
    End.NEEDS_HUMAN: PERSON,
    End.STALE: UNDONE,
    End.FAILED: FAILED,
    End.REPORTED: QUIET,
}
LOOKS = tuple(dict.fromkeys((FAILED, PERSON, VERIFIED, UNDONE, WATCHED, QUIET)))
END_WORDS: dict[End, str] = {
    End.FAILED: "failed",
    End.NEEDS_HUMAN: "needs a person",
    End.STALE: "stale, to be asked again",
    End.NOT_CHOSEN: "not chosen",
    End.NOT_NOW: "not now",
    End.PROPOSED: "proposed",
    End.OPEN: "being watched",
    End.VERIFIED: "verified",
    End.CLOSED: "closed by a person",
    End.REPORTED: "reported",
    End.NONE: "needs nothing",
}
GROUPS = {
    ItemKind.CAMPAIGN: "Campaigns",
    ItemKind.OCCURRENCE: "Occurrences of jobs",
    ItemKind.AUTOMATION: "Automations",
}

WIDTH, LEFT, RIGHT = 1000, 270, 984
NAME_CHARACTERS = 36
_STEPS = (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2 * 1440, 7 * 1440, 28 * 1440)
_MOST_TICKS = 9


def printable(text: str) -> str:
    """Text on one line without control or direction characters, so that a name cannot rearrange what it is in."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def cut(text: str, characters: int) -> str:
    """``printable`` text of at most so many characters, with an ellipsis where it was longer."""
    clean = printable(text)
    return clean if len(clean) <= characters else clean[: characters - 1].rstrip() + "…"


def is_outage(window: Window) -> bool:
    """Whether the window is an outage, perhaps one that still lasts, and not just a span somebody asked about."""
    return window.outage_known or bool(window.outage_ids)


@dataclass(frozen=True)
class _Axis:
    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return round(LEFT + min(max(share, 0), 1) * (RIGHT - LEFT), 1)

    def outside(self, moment: datetime) -> str:
        return "◂" if moment < self.start else "▸" if moment > self.end else ""


def timeline_svg(report: Report, *, most: int | None = None) -> str:
    """The picture of every item with a due time; the empty text if there is none.

    Of more than ``most`` those that need nothing are left out, and then the rest of what does not fit.
    """
    rows = [row for row in report.rows if row.due is not None]
    due = len(rows)
    if most is not None and due > most:
        rows = [row for row in rows if LOOK_OF[row.outcome] is not QUIET][:most]
    if not rows:
        return ""
    axis = _axis(report, rows)
    pitch = 24 if len(rows) <= 40 else 19 if len(rows) <= 120 else 16
    legend, top = _legend(rows), 88
    body: list[str] = []
    y = top
    for kind, title in GROUPS.items():
        group = sorted((row for row in rows if row.kind is kind), key=lambda row: row.due or axis.start)
        if not group:
            continue
        y += 26
        body.append(f'<text class="tl-group" x="12" y="{y - 8}">{title} ({len(group)})</text>')
        for row in group:
            body.append(_item(row, axis, report.zone, y, pitch))
            y += pitch
    bottom, height = y + 6, y + 48
    label = (
        f"Timeline of {len(rows)}{f' of {due}' if due > len(rows) else ''} items around "
        f"{describe_window(report.window, report.zone)}: "
        + ", ".join(f"{n} {look.label}" for look, n in _counted(rows))
        + ". The table below says the same in words."
    )
    return "\n".join(
        [
            f'<svg class="timeline" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="100%" role="img" aria-label="{escape(printable(label))}">',
            f"<style>{_STYLE}</style>",
            _shapes(rows),
            legend,
            _band(report, axis, top, bottom),
            *_ticks(axis, report.zone, top, bottom),
            *body,
            "</svg>",
        ]
    )


def _axis(report: Report, rows: list[Row]) -> _Axis:
    """The window and every mark near it; at most its own length (or 6 h) is shown to either side."""
    start, end = report.window.start, report.window.end
    reach = max(end - start, timedelta(hours=6))
    marks = [m for row in rows for m in (row.due, row.observed_at) if m and start - reach <= m <= end + reach]
    first, last = min([start, *marks]), max([end, *marks])
    margin = max((last - first) * 0.03, timedelta(minutes=5))
    return _Axis(first - margin, last + margin)


def _band(report: Report, axis: _Axis, top: int, bottom: int) -> str:
    left, right = axis.x(report.window.start), axis.x(report.window.end)
    word = "outage" if is_outage(report.window) else "window"
    title = escape(f"{word}: {describe_window(report.window, report.zone)}")
    return (
        f'<g><title>{title}</title><rect class="tl-band" x="{left}" y="{top - 22}" '
        f'width="{round(max(right - left, 1), 1)}" height="{bottom - top + 22}"/>'
        f'<path class="tl-edge" d="M{left} {top - 22}V{bottom}M{right} {top - 22}V{bottom}"/>'
        f'<text class="tl-word" x="{round((left + right) / 2, 1)}" y="{top - 7}">{word}</text></g>'
    )


def _ticks(axis: _Axis, zone: str, top: int, bottom: int) -> Iterator[str]:
    last_day, last_x = "", -100.0
    for moment in _tick_times(axis, zone):
        x = axis.x(moment)
        day, clock, abbreviation = local(moment, zone).rsplit(" ", 2)
        yield f'<path class="tl-grid" d="M{x} {top}V{bottom}"/>'
        if x - last_x < 44:  # the line stays, its word would run into the last one
            continue
        for y in (top - 28, bottom + 16):
            yield f'<text class="tl-tick" x="{x}" y="{y}">{clock}</text>'
        if day != last_day:
            for y in (top - 43, bottom + 31):
                yield f'<text class="tl-day" x="{x}" y="{y}">{day}{"" if last_day else f", {abbreviation}"}</text>'
        last_day, last_x = day, x


def _tick_times(axis: _Axis, zone: str) -> Iterator[datetime]:
    """Round times on the wall clock, found by walking through UTC, so that a change of clocks needs no rule."""
    length = (axis.end - axis.start) / timedelta(minutes=1)
    step = next((s for s in _STEPS if length / s <= _MOST_TICKS), _STEPS[-1])
    stride = timedelta(minutes=min(step, 15))
    wall = find_zone(zone)
    moment = datetime.fromtimestamp(axis.start.timestamp() // 900 * 900, UTC)
    while moment <= axis.end:
        at = moment.astimezone(wall)
        days, minutes = at.toordinal(), at.hour * 60 + at.minute
        if moment >= axis.start and minutes % min(step, 1440) == 0 and days % max(step // 1440, 1) == 0:
            yield moment
        moment += stride


def _item(row: Row, axis: _Axis, zone: str, y: int, pitch: int) -> str:
    look, due = LOOK_OF[row.outcome], row.due or axis.start
    seen = row.observed_at or due
    middle = y + pitch // 2 - 4
    told = f"{row.name} ({row.item_id}): {END_WORDS[row.outcome]}, {row.rule}; due {local(due, zone)}"
    if row.observed_at:
        told += f"; {row.observation}"
    here, there = axis.x(due), axis.x(seen)
    return (
        f'<g class="tl-item {look.name}" transform="translate(0 {middle})"><title>{escape(printable(told))}</title>'
        f'<rect y="{-pitch / 2:g}" width="{WIDTH}" height="{pitch}"/>'
        f'<text class="tl-name" x="12" y="4">{escape(cut(row.name, NAME_CHARACTERS))}</text>'
        f'<path class="tl-line" d="M{here:g} 0H{there:g}"/>'
        f"{_due(axis.outside(due), here)}{_mark(look, axis.outside(seen), there)}</g>"
    )


def _due(outside: str, x: float) -> str:
    if outside:
        return f'<text class="tl-arrow tl-neutral" x="{x:g}" y="4">{outside}</text>'
    return f'<path class="tl-due" d="M{x:g} -6V6"/>'


def _mark(look: Look, outside: str, x: float) -> str:
    if outside:  # the arrow before the mark, which stays whole at the edge
        x += 8 if outside == "◂" else -8
    arrow = f'<text class="tl-arrow" x="{x + (8 if outside == "▸" else -8):g}" y="4">{outside}</text>'
    shape = f'<use href="#tl-{look.name}" x="{x:g}"/>'
    return shape + (arrow if outside else "")


def _counted(rows: list[Row]) -> list[tuple[Look, int]]:
    found = [(look, sum(LOOK_OF[row.outcome] is look for row in rows)) for look in LOOKS]
    return [(look, count) for look, count in found if count]


def _shapes(rows: list[Row]) -> str:
    """Each shape once; the marks refer to it within the picture."""
    shapes = (
        f'<path id="tl-{look.name}" class="tl-{"ring" if look.hollow else "mark"}" d="{look.path}"/>'
        for look, _ in _counted(rows)
    )
    return f"<defs>{''.join(shapes)}</defs>"


def _legend(rows: list[Row]) -> str:
    parts, x = ['<g class="tl-legend" transform="translate(0 14)">'], 12.0
    for look, word in [(None, "due"), *((look, f"{look.label} {count}") for look, count in _counted(rows))]:
        shape = f'<g class="{look.name}">{_mark(look, "", x + 6)}</g>' if look else _due("", x + 6)
        parts.append(f'{shape}<text x="{x + 18:g}" y="4">{word}</text>')
        x += 42 + 6.6 * len(word)
    return "".join([*parts, "</g>"])


_STYLE = (
    ".timeline{font:12px system-ui,sans-serif;color:var(--ink,#1d2430)}.timeline text{fill:currentColor}"
    ".timeline .tl-tick,.timeline .tl-day,.timeline .tl-word{fill:var(--soft,#5a6472);font-size:11px;"
    "text-anchor:middle}.timeline .tl-day{font-weight:600}"
    ".tl-group{font-weight:600}.timeline .tl-name{fill:var(--ink,#1d2430);unicode-bidi:isolate}"
    ".tl-band{fill:var(--band,#b3142a);opacity:.09}.tl-edge{stroke:var(--band,#b3142a);opacity:.45;"
    "stroke-dasharray:3 3}.tl-grid{stroke:var(--line,#dfe3e8)}.tl-item rect{fill:transparent}"
    ".tl-item:hover rect{fill:var(--hover,#8882)}.tl-line{stroke:currentColor;opacity:.55}"
    ".tl-due{stroke:var(--soft,#5a6472);stroke-width:2}.tl-mark{fill:currentColor}"
    ".tl-ring{fill:none;stroke:currentColor;stroke-width:2}.tl-arrow{text-anchor:middle;font-size:14px}"
    ".timeline .tl-neutral{fill:var(--soft,#5a6472)}"
    + "".join(f".timeline .{look.name}{{color:var(--{look.name},{look.light})}}" for look in LOOKS)
)
