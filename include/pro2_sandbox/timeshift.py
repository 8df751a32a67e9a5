"""Offsets such as ``-3h05m`` or ``+45s``: how an incident writes every time, counted from T0.

An incident is shifted, never scaled: ``-3h`` is three real hours before the world was made. A text that is not an
offset raises ``ValueError`` with the form that was expected.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

PATTERN = r"^(0|[+-](\d+d)?(\d+h)?(\d+m)?(\d+s)?)$"
_PARTS = re.compile(r"([+-])(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse(value: Any) -> timedelta:
    """``"-3h05m"`` as a timedelta; ``0`` is T0 itself."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    if text == "0":
        return timedelta(0)
    found = _PARTS.fullmatch(text)
    if found is None or not any(found.groups()[1:]):
        raise ValueError(
            f"{value!r} is not an offset; write a sign and units, such as -3h05m, -2d, +45s, or 0"
        )
    sign, days, hours, minutes, seconds = found.groups()
    span = timedelta(
        days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0), seconds=int(seconds or 0)
    )
    return -span if sign == "-" else span


def written(span: timedelta) -> str:
    """The shortest text that :func:`parse` reads back as ``span`` (whole seconds)."""
    seconds = int(abs(span).total_seconds())
    if not seconds:
        return "0"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    units = ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s"))
    return ("-" if span < timedelta(0) else "+") + "".join(
        f"{amount}{unit}" for amount, unit in units if amount
    )


Offset = Annotated[
    timedelta,
    BeforeValidator(parse),
    PlainSerializer(written, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": PATTERN,
            "description": "Counted from T0, the start of the sandbox: -3h05m, -2d, +45s, 0.",
            "examples": ["-3h05m", "+45s"],
        }
    ),
]
