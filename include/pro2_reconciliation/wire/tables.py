"""The bytes of a CSV or XLSX file as lines of cells, without files and sockets.

In: a name for the messages, bytes, and how they were exported. Out: a :class:`Table`. Raises ``Unreadable`` that names
file, place and next step for what is no such table: another encoding, a quote that never ends, a broken workbook, a
formula without a value. openpyxl is imported only for a workbook.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.export import ActivityExport

if TYPE_CHECKING:
    from openpyxl import Workbook

FILE = "activity_export.yaml"
MAX_BYTES = 64 * 1024 * 1024
"""No Activity Log is larger; a workbook may unpack to eight times as much."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Cell = str | int | float | datetime | None


@dataclass(frozen=True)
class Line:
    """``number``: of the line in the file, or of the row in the sheet, from 1."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Lines that are not empty. ``ended``: the last one is whole; ``epoch``: day 0 of a workbook's numbers."""

    lines: tuple[Line, ...]
    ended: bool = True
    epoch: datetime | None = None

    @property
    def ragged(self) -> bool:
        """Whether a short line means that something was cut off: yes in CSV, never in a sheet."""
        return self.epoch is None


def read_table(name: str, content: bytes, rules: ActivityExport) -> Table:
    """The table in ``content``; what kind of file it is, its first bytes say, not its name."""
    if not content.strip():
        raise Unreadable(f"{name} is empty; export it again")
    if len(content) > MAX_BYTES:
        raise Unreadable(f"{name} has {len(content)} bytes; export fewer days, at most {MAX_BYTES} bytes")
    if content.startswith(b"PK\x03\x04"):
        return _workbook(name, content, rules.sheet)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(f"{name} is an old or a protected Excel file; save it as .xlsx or CSV")
    if content.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise Unreadable(f"{name} is a web page, not a table; was the export logged in?")
    return _csv(name, _decoded(name, content, rules.encoding), rules.delimiter)


def _decoded(name: str, content: bytes, encoding: str) -> str:
    marked = next((code for mark, code in _MARKS if content.startswith(mark)), None)
    try:
        text = content.decode(marked or encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        other = "cp1252" if encoding == "utf-8" else "utf-8"
        hint = "it was cut short; export it again" if marked else f"try encoding: {other} in {FILE}"
        found = content[error.start : error.start + 1].hex().upper()
        raise Unreadable(f"{name}, line {line}: byte {found} is no {marked or encoding}; {hint}") from None
    except UnicodeError as error:  # utf-16 that does not say which of the two
        raise Unreadable(f"{name} is no {encoding} ({error}); correct encoding in {FILE}") from None
    if "\x00" in text:
        raise Unreadable(f"{name} looks like UTF-16; set encoding: utf-16-le in {FILE}")
    if marked is None and encoding != "utf-8" and _is_utf8(content):
        raise Unreadable(f"{name} is UTF-8 and not {encoding}; correct encoding in {FILE}")
    return text


def _is_utf8(content: bytes) -> bool:
    try:
        return not content.decode("utf-8").isascii() and b"\x00" not in content
    except UnicodeDecodeError:
        return False


def _csv(name: str, text: str, delimiter: str) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append(Line(reader.line_num, tuple(cell.strip() for cell in cells)))
    except csv.Error as error:
        raise Unreadable(
            f"{name}, line {reader.line_num}: {error}; the file was cut short or its quotes are wrong, "
            "export it again"
        ) from None
    return Table(tuple(lines), ended=text.endswith(("\n", "\r")))


def _workbook(name: str, content: bytes, wanted: str | None) -> Table:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > 8 * MAX_BYTES:
                raise Unreadable(f"{name} unpacks to more than {8 * MAX_BYTES} bytes; export fewer days")
        values = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(content))
    except Unreadable:
        raise
    except Exception as error:  # openpyxl raises whatever a broken part of a workbook makes it raise
        raise Unreadable(
            f"{name} is no whole XLSX workbook ({error}); it was cut short, export it again"
        ) from error
    sheet = _sheet(name, values, wanted)
    lines = []
    for number, row in enumerate(values[sheet].iter_rows(), start=1):
        for cell in row:
            if cell.value is None and formulas[sheet][cell.coordinate].data_type == "f":
                raise Unreadable(
                    f"{name}, sheet «{sheet}»: cell {cell.coordinate} holds a formula without a value; "
                    "open it in Excel and save it, or export values"
                )
        cells = tuple(_plain(cell.value) for cell in row)
        if any(cell not in (None, "") for cell in cells):
            lines.append(Line(number, cells))
    return Table(tuple(lines), epoch=values.epoch)


def _sheet(name: str, book: Workbook, wanted: str | None) -> str:
    """The sheet that the configuration names (it may be hidden), or the only visible one."""
    sheets = {one.title: one.sheet_state == "visible" for one in book.worksheets}
    if wanted is not None:
        if wanted in sheets:
            return wanted
        raise Unreadable(f"{name} has no sheet «{wanted}», only {_list(sheets)}; correct sheet in {FILE}")
    visible = [title for title, shown in sheets.items() if shown]
    if len(visible) == 1:
        return visible[0]
    raise Unreadable(
        f"{name} has {len(visible)} visible sheets of {_list(sheets)}; name the right one as sheet in {FILE}"
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"«{name}»" for name in names)


def _plain(value: Any) -> Cell:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value)
    return value if isinstance(value, int | float | datetime) or value is None else str(value)
