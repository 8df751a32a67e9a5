"""Times as a person of the organization reads them, and the one place where a zone name becomes a zone.

In: aware times and an IANA zone name. Out: words such as ``Thu 19 Nov 18:00 CST``. Day and month names are
English whatever the machine's locale. Fails with ConfigurationError for a zone nobody knows, with
ValueError for a time without zone (a mistake of the caller, not of a person).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.plan import Window

YEARS = range(1970, 2400)
"""Times outside are placeholders or nonsense, and adding hours to one may leave the calendar."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def find_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ConfigurationError that proposes the name most like it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of zones ("America") is an OSError
        near = get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write an IANA name such as America/Chicago"
        raise ConfigurationError(f"zone {name!r} is not known; {hint}") from None


@lru_cache(maxsize=4096)  # a plan says the same few moments of each of its items
def local(moment: datetime, zone: str) -> str:
    """``Thu 19 Nov 18:00 CST``: an aware time on the wall clock of a zone, without the year."""
    at = _on_wall(moment, zone)
    return f"{_day(at)} {at:%H:%M} {_abbreviation(at)}"


def lasting(seconds: float) -> str:
    """A length as people say it: ``22 s``, ``45 min``."""
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def describe_window(window: Window, zone: str) -> str:
    """A window in local time with UTC beside it: ``Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC)``.

    Days are repeated where start and end lie on different days; the zone where the clocks change in between.
    """
    start, end = _on_wall(window.start, zone), _on_wall(window.end, zone)
    first, last = _abbreviation(start), _abbreviation(end)
    here = _span(start, end, first if first != last else "", last)
    if first == last == "UTC":
        return here
    return f"{here} ({_span(window.start, window.end, '', 'UTC', bare=start.date() == end.date())})"


def instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Every UTC instant at which a zone's clocks show a naive time: none in a gap, two when repeated."""
    found = []
    for fold in (0, 1):
        at = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if at.astimezone(zone).replace(tzinfo=None) == wall and at not in found:
            found.append(at)
    return tuple(found)


def after_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of the clocks' jump that skipped the naive time ``wall``."""
    low = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)  # read with the offset after the jump: before it
    high = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)  # with the offset before the jump: after it
    offset_before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == offset_before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def repeated_hours(name: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The spans of [start, end) in which a local time may mean two moments, oldest first: each both passes long.

    Found to the hour that the clocks change at; raises ConfigurationError for a zone nobody knows.
    """
    zone, found = find_zone(name), []
    moment = start.replace(minute=0, second=0, microsecond=0)
    while moment < end:
        after = moment + timedelta(hours=1)
        before, later = (one.astimezone(zone).utcoffset() or timedelta() for one in (moment, after))
        if later < before:
            found.append((after - (before - later), after + (before - later)))
        moment = after
    return found


def _on_wall(moment: datetime, zone: str) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(find_zone(zone))


def _span(start: datetime, end: datetime, first: str, last: str, *, bare: bool = False) -> str:
    """``bare`` leaves out the day where the text before it already says so."""
    gap = f" {first}" if first else ""
    if start.date() == end.date():
        day = "" if bare else f"{_day(start)} "
        return f"{day}{start:%H:%M}{gap}-{end:%H:%M} {last}"
    return f"{_day(start)} {start:%H:%M}{gap} to {_day(end)} {end:%H:%M} {last}"


def _day(at: datetime) -> str:
    return f"{_DAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]}"


def _abbreviation(at: datetime) -> str:
    """CST; zones without letters say ``-03`` in the database, which reads better as ``UTC-03``."""
    name = at.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" and name else name
