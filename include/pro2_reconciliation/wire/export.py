"""The Activity Log out of exported tables: rows, and the span in which the absence of a row means something.

In: files as bytes with their names and times, and ``activity_export.yaml``. Out: an ``ActivityLog``. Raises
``Unreadable`` with file, line and next step for whatever could hide a run: a file cut short, a column that is not
there, a time without a place. One bad file spoils the read: half a log would look like runs that never happened.

Each file is whole from its first row (or ``covers_hours`` before it was made) until it was made, less a margin. Spans
that touch are one; the log is whole over the newest of them, and rows of older ones still count as rows (ADR 0008).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import PurePosixPath

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.export import ActivityExport
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Job
from pro2_reconciliation.domain.localtime import after_gap, find_zone, instants, local
from pro2_reconciliation.domain.words import Outcome
from pro2_reconciliation.wire.export_cells import ShownTwice, folded, text
from pro2_reconciliation.wire.export_rows import Rows
from pro2_reconciliation.wire.tables import FILE, Line, Table, read_table

AHEAD = timedelta(minutes=5)
"""How far another machine's clock may be ahead of ours."""
HEADER_LINES = 20
"""Titles and empty lines above the header, at most."""


@dataclass(frozen=True)
class ExportFile:
    """``modified``: when the storage says that it was written last, None where it does not say."""

    name: str
    modified: datetime | None
    content: bytes


@dataclass(frozen=True)
class Export:
    """The reader of one organization's files. ``zone`` is the organization's, unless the file has its own."""

    rules: ActivityExport
    organization: str
    zone: str
    jobs: Sequence[Job] = ()

    @property
    def local_zone(self) -> str:
        return self.rules.zone or self.zone

    def stamp(self, name: str, modified: datetime | None) -> datetime | None:
        """When a file was made, as far as that is known without its content (None for ``as_of: column``)."""
        if self.rules.as_of == "column":
            return None
        if self.rules.as_of == "modified":
            if modified is None:
                raise Unreadable(f"the storage of {name} keeps no time; use as_of: name or column in {FILE}")
            return modified
        base, form = PurePosixPath(name).name, self.rules.name_format or ""
        try:
            wall = datetime.strptime(base, form)
        except ValueError:
            raise Unreadable(
                f"the name {base!r} does not fit name_format {form!r}; correct {FILE} or rename it"
            ) from None
        if wall.tzinfo is not None:
            return wall
        zone = find_zone(self.local_zone)
        return min(instants(wall, zone), default=None) or after_gap(wall, zone)

    def log(
        self, files: Iterable[ExportFile], since: datetime, until: datetime, now: datetime
    ) -> ActivityLog:
        """The rows that started in [since, until), oldest first, with the span that they are whole over."""
        parts = sorted((_part(self, one, since, until, now) for one in files), key=lambda part: part.made)
        if not parts:
            raise Unreadable(f"there is no export at {self.rules.path}; put one there")
        if any(part.read for part in parts) and not any(part.ours for part in parts):
            name = self.rules.organization or self.organization
            others = sorted({other for part in parts for other in part.others})
            raise Unreadable(
                f"no row of the export is of organization {name!r}, only of {', '.join(map(repr, others[:5]))}; "
                f"correct organization in {FILE}"
            )
        rows: dict[str, ActivityRow] = {}
        for row in (row for part in parts for row in part.rows):  # the newest file knows best
            known = rows.get(row.run_id)
            # but a run that has ended is not under way again: names of the hour that autumn repeats sort wrongly
            if (
                known is None
                or known.outcome is Outcome.IN_PROGRESS
                or row.outcome is not Outcome.IN_PROGRESS
            ):
                rows[row.run_id] = row
        start, end = _newest_span(parts)
        kept = (row for row in rows.values() if since <= row.started < until)
        return ActivityLog(
            as_of=end, whole_from=start, rows=tuple(sorted(kept, key=lambda row: (row.started, row.run_id)))
        )


@dataclass
class _Part:
    """One file: ``read`` rows in all, ``ours`` of this organization; whole in [start, end)."""

    made: datetime
    start: datetime | None
    end: datetime
    rows: list[ActivityRow]
    read: int
    ours: int
    others: set[str]


def _newest_span(parts: Sequence[_Part]) -> tuple[datetime, datetime]:
    """From when to when the files that touch the newest one are whole together."""
    spans = sorted(((p.end, p.start) for p in parts if p.start is not None and p.start < p.end), reverse=True)
    if not spans:
        end = max(part.end for part in parts)
        return end, end
    end, start = spans[0]
    for older_end, older_start in spans[1:]:
        if older_end < start:
            break
        start = min(start, older_start)
    return start, end


def _part(export: Export, file: ExportFile, since: datetime, until: datetime, now: datetime) -> _Part:
    rules = export.rules
    table = read_table(file.name, file.content, rules)
    header, places = _header(file.name, table, rules)
    lines = _runs(file.name, table, header, places, rules)
    reader = Rows(
        rules,
        export.organization,
        export.local_zone,
        export.jobs,
        name=file.name,
        epoch=table.epoch,
        places=places,
    )
    rows: dict[str, ActivityRow] = {}
    starts, stamps, others, ours = [], [], set(), 0
    for line in lines:
        if rules.as_of == "column":
            stamps.append(reader.earliest(line, "as_of"))
        other = reader.other(line)
        if other is not None:
            others.add(other)
        else:
            ours += 1
        try:
            started = reader.time(line, "started")
        except ShownTwice as error:
            starts.append(max(error.moments))
            if other is None and any(since <= at < until for at in error.moments):
                raise
            continue
        starts.append(started)
        if other is not None:
            continue
        row = reader.row(line, started)
        if rows.setdefault(row.run_id, row) != row:
            raise Unreadable(
                f"{file.name}, line {line.number}: run {row.run_id} stands twice with different content; "
                f"map columns.run_id in {FILE}, or export again"
            )
    made = export.stamp(file.name, file.modified) or min(stamps, default=None)
    if made is None:
        raise Unreadable(f"{file.name} has no row that says when it was made; use as_of: name in {FILE}")
    if made > now + AHEAD:
        raise Unreadable(
            f"{file.name} was made {local(made, export.zone)}, which is still to come; correct zone in {FILE}"
        )
    reach = rules.covers_hours
    start = made - timedelta(hours=reach) if reach else min(starts, default=None)
    end = min(made, now) - timedelta(minutes=rules.margin_minutes)
    return _Part(made, start, end, list(rows.values()), len(lines), ours, others)


def _header(name: str, table: Table, rules: ActivityExport) -> tuple[Line, dict[str, int]]:
    """The line of the header, and where each of our columns stands."""
    wanted = {key: folded(value) for key, value in rules.columns.named.items()}
    best: tuple[int, Line] | None = None
    for line in table.lines[:HEADER_LINES]:
        cells = [folded(text(cell)) for cell in line.cells]
        hits = len(set(wanted.values()) & set(cells))
        if best is None or hits > best[0]:
            best = (hits, line)
    if best is None:
        raise Unreadable(f"{name} has no line; export it again")
    line = best[1]
    titles = [text(cell) for cell in line.cells]
    cells = [folded(title) for title in titles]
    for key, value in wanted.items():
        written = rules.columns.named[key]
        if cells.count(value) > 1:
            raise Unreadable(f"{name}, line {line.number}: column {written!r} stands twice; export it once")
        if value not in cells:
            free = [cell for cell in cells if cell and cell not in wanted.values()]
            near = get_close_matches(value, free, n=1)
            if near:
                hint = f"did you mean {titles[cells.index(near[0])]!r}? Correct columns.{key} in {FILE}"
            elif sum(1 for title in titles if title) == 1:
                hint = f"is the delimiter {rules.delimiter!r} right? See {FILE}"
            else:
                hint = f"correct columns.{key} in {FILE}, or leave it out"
            shown = ", ".join(repr(title) for title in titles if title)[:400]
            raise Unreadable(
                f"{name} has no column {written!r}; its header in line {line.number} is {shown}; {hint}"
            )
    return line, {key: cells.index(value) for key, value in wanted.items()}


def _runs(
    name: str, table: Table, header: Line, places: Mapping[str, int], rules: ActivityExport
) -> list[Line]:
    """The lines that are runs; refused where the file does not look whole."""
    titles = [text(cell) for cell in header.cells]
    width = max(i for i, title in enumerate(titles) if title) + 1
    sums = {places[key] for key in ("returned", "updated", "failed") if key in places}
    found: list[Line] = []
    closed = False
    counted: tuple[int, int] | None = None
    for line in table.lines:
        if line.number <= header.number or [text(c) for c in line.cells] == titles:
            continue
        cells = [text(cell) for cell in line.cells]
        joined = " ".join(cell for i, cell in enumerate(cells) if cell and i not in sums)
        total = re.fullmatch(rules.totals.pattern, joined)
        if total and (places["started"] >= len(cells) or not cells[places["started"]]):
            closed = True
            said = total.groupdict().get("count")
            counted = (line.number, int(said)) if said else counted
            continue
        closed = False
        short = table.ragged and len(cells) < width
        if short or any(cells[width:]):
            problem = "was cut short" if short else "has its delimiter in a value without quotes"
            raise Unreadable(
                f"{name}, line {line.number} has {len(cells)} cells and the header {width}; the file {problem}, "
                "export it again"
            )
        found.append(line)
    if counted is not None and counted[1] != len(found):
        raise Unreadable(
            f"{name}, line {counted[0]} says {counted[1]} rows and {len(found)} were read; the file was cut short "
            f"(if that is no count of rows, write totals.pattern without a count in {FILE})"
        )
    if rules.totals.required and not closed:
        raise Unreadable(f"{name} does not end with its line of totals; it was cut short, export it again")
    if rules.ends_with_newline and not table.ended and not closed:
        raise Unreadable(
            f"{name}: the last line has no end, so the file may have been cut short; export it again "
            f"(if its exports never end the last line, set ends_with_newline: false in {FILE})"
        )
    return found
