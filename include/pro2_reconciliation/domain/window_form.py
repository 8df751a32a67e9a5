"""Turns what a person types as the window of an outage into a window, or says in words what is wrong with it.

In: two texts and the organization's zone. Out: [start, end) in UTC. Accepted are ISO 8601 times with an
offset or Z (what a browser's picker sends), and without one, read on the organization's wall clock. Nothing
is guessed: a wall time that the clocks skip or show twice is refused. Fails with ConfigurationError;
nothing was sent then.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.localtime import YEARS, describe_window, find_zone, instants, local
from pro2_reconciliation.domain.plan import Window

_SHAPE = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)


def parse_window(
    start_text: str, end_text: str, zone: str, *, now: datetime, max_hours: float, confirmed: bool = False
) -> Window:
    """The window of a form. ``max_hours`` is the policy's longest; ``confirmed`` allows a longer or
    unfinished one.

    Raises ConfigurationError, in local times, for a text that is no time, an end that is not after the
    start, and, unless confirmed, a window that is too long or ends after ``now`` (docs/form.md).
    """
    example = f"{now.astimezone(find_zone(zone)) - timedelta(days=1):%Y-%m-%d}T18:00"
    start = parse_moment(start_text, zone, example=example)
    end = parse_moment(end_text, zone, example=example)
    if end <= start:
        raise ConfigurationError(
            f"the end, {local(end, zone)}, is not after the start, {local(start, zone)}; write a later end"
        )
    window = Window(start=start, end=end, source="form")
    said = describe_window(window, zone)
    hours = (end - start) / timedelta(hours=1)
    if not confirmed and hours > max_hours:
        raise ConfigurationError(
            f"the window {said} lasts {_hours(hours)} h, longer than {_hours(max_hours)} h; "
            "shorten it, or confirm that it is meant"
        )
    if not confirmed and end > now:
        raise ConfigurationError(
            f"the window {said} ends in the future, it is {local(now, zone)} now; "
            "wait until the outage is over, or confirm that it is meant"
        )
    return window


def parse_moment(text: str, zone: str, *, example: str) -> datetime:
    """One time in UTC. ``example`` is what the error suggests. Raises ConfigurationError."""
    text = text.strip()
    trouble = f"{text!r} is not a time; write {example}"
    if not _SHAPE.fullmatch(text):
        raise ConfigurationError(trouble)
    try:
        moment = datetime.fromisoformat(text.upper().replace(",", "."))
    except ValueError:
        raise ConfigurationError(trouble) from None
    if moment.year not in YEARS:
        raise ConfigurationError(trouble)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    place = find_zone(zone)
    found = instants(moment, place)
    if not found:
        raise ConfigurationError(
            f"{text!r} does not exist in {zone}, the clocks skip it; write a time before or after the jump"
        )
    if len(found) > 1:
        first, second = (f"{text}{_offset(one.astimezone(place))}" for one in found)
        raise ConfigurationError(f"{text!r} happens twice in {zone}; write {first} or {second}")
    return found[0]


def _offset(moment: datetime) -> str:
    plain = f"{moment:%z}"
    return f"{plain[:3]}:{plain[3:5]}"


def _hours(hours: float) -> str:
    return f"{hours:.1f}".removesuffix(".0")
