"""Single cells of an exported Activity Log: text, counts, and times that a person wrote down as local.

Raises ``Unreadable`` with the place, the value and the next step. A time that the clocks of its zone showed twice is a
:class:`ShownTwice`: only who knows what is asked can tell whether that matters.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.export import ActivityExport
from pro2_reconciliation.domain.localtime import YEARS, find_zone, instants
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.wire.tables import FILE, Cell

_NUMBERS = re.compile(
    r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})[ ,T]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([AaPp])\.?[Mm]\.?)?"
)
_GROUPED = re.compile(r"\d{1,3}(?:[,.' \u00a0\u202f]\d{3})+|\d+")


class ShownTwice(Unreadable):
    """A local time of the hour that autumn repeats; ``moments`` are the two instants it may be."""

    def __init__(self, message: str, moments: tuple[datetime, ...]) -> None:
        super().__init__(message)
        self.moments = moments


def text(cell: Cell) -> str:
    """A cell as text; a whole number of a workbook without its ``.0``."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return one_line(str(cell)).strip()


def folded(value: str) -> str:
    """For comparing names: without case and surplus blanks."""
    return " ".join(value.casefold().split())


def count(cell: Cell, where: str) -> int:
    """Contacts. "1,204" and "1.204" are 1204; an empty cell is none of these."""
    written = text(cell)
    if _GROUPED.fullmatch(written) and written.isascii() | ("\u00a0" in written or "\u202f" in written):
        return int(re.sub(r"\D", "", written))
    raise Unreadable(f"{where} is {written!r}, not a whole number; does the column fit? See {FILE}")


def moment(cell: Cell, where: str, rules: ActivityExport, zone: str, epoch: datetime | None) -> datetime:
    """A time in UTC. ``epoch``: day 0 of a workbook, whose times may be numbers of days; None for CSV."""
    if isinstance(cell, int | float) and epoch is not None:
        try:
            wall = epoch + timedelta(days=cell)
        except OverflowError:
            raise Unreadable(f"{where} is {cell}, which is no day; does the column fit? See {FILE}") from None
    elif isinstance(cell, datetime):
        wall = cell
    else:
        wall = _read(text(cell), where, rules)
    if wall.year not in YEARS:
        raise Unreadable(f"{where} is {wall}, which is no time of a run; does the column fit? See {FILE}")
    if wall.tzinfo is not None:
        return wall.astimezone(UTC)
    # a workbook keeps times as fractions of a day: 18:29:59.999995 is half past six
    return placed((wall + timedelta(microseconds=500_000)).replace(microsecond=0), where, zone)


def placed(wall: datetime, where: str, zone: str) -> datetime:
    """The instant of a local time; refused where its zone's clocks never showed it, or showed it twice."""
    found = instants(wall, find_zone(zone))
    if len(found) == 1:
        return found[0]
    if not found:
        raise Unreadable(
            f"{where} is {wall}, which the clocks in {zone} skipped; correct zone in {FILE} to the export's"
        )
    raise ShownTwice(
        f"{where} is {wall}, which the clocks in {zone} showed twice; export with UTC offsets or in UTC "
        f"(zone: UTC in {FILE})",
        found,
    )


def _read(written: str, where: str, rules: ActivityExport) -> datetime:
    if not written:
        raise Unreadable(f"{where} is empty; a run without it cannot be placed")
    if rules.date_format is not None:
        try:
            return datetime.strptime(written, rules.date_format)
        except ValueError:
            raise Unreadable(
                f"{where} is {written!r} and does not fit date_format {rules.date_format!r}; correct it in {FILE}"
            ) from None
    found = _NUMBERS.fullmatch(written)
    if found is not None:
        return _by_numbers(found, written, where, rules.day_first)
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        raise Unreadable(
            f"{where} is {written!r}, which is no known time; write date_format in {FILE}"
        ) from None
    if ":" not in written:
        raise Unreadable(f"{where} is {written!r}, a day without a time; export the time of day too")
    return read


def _by_numbers(found: re.Match[str], written: str, where: str, day_first: bool | None) -> datetime:
    first, second, year, hour, minute, second_of = (int(part or 0) for part in found.groups()[:6])
    if day_first is None:
        raise Unreadable(
            f"{where} is {written!r}: is the day first or the month? Set day_first: true or false in {FILE}"
        )
    day, month = (first, second) if day_first else (second, first)
    half = (found[7] or "").lower()
    try:
        if half:
            if not 1 <= hour <= 12:
                raise ValueError
            hour = hour % 12 + (12 if half == "p" else 0)
        return datetime(year, month, day, hour, minute, second_of)
    except ValueError:
        said = "first" if day_first else "second"
        raise Unreadable(
            f"{where} is {written!r}, which is no time with the day {said}; correct day_first in {FILE}"
        ) from None
