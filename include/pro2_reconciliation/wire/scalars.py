"""Reading single values the way the vendors write them: numbers as text, null and 0000-00-00 dates, offsets.

Each function takes whatever ``json.loads`` may give and returns a value of the domain, or raises
``Unreadable`` naming what was found where. A counter that cannot be read is never 0: "nothing was sent" must
be a claim of the vendor, not a consequence of our parsing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.localtime import YEARS
from pro2_reconciliation.domain.oneline import one_line

Row = Mapping[str, Any]
"""One JSON object of an answer."""

_DIGITS = re.compile(r"\+?\d{1,18}(\.0*)?")
LARGEST = 10**12
"""No count of patrons, mails or rows is larger; a larger one would break sums, shares and databases."""


def row(value: object, what: str) -> Row:
    """``value`` as a JSON object; ``what`` names it in the error."""
    if not isinstance(value, dict):
        raise Unreadable(f"{what} should be an object, found {str(value)[:60]!r}")
    return value


def rows(value: object, what: str) -> list[Row]:
    """``value`` as a list of JSON objects."""
    if not isinstance(value, list):
        raise Unreadable(f"{what} should be a list, found {str(value)[:60]!r}")
    return [row(entry, f"an entry of {what}") for entry in value]


def number(source: Row, key: str, what: str, *, required: bool = False) -> int:
    """A whole number from 0 to ``LARGEST``, as text or number; null, absent, ``""`` are 0 unless ``required``."""
    found = _whole(source.get(key), key, what, required=required)
    if found is None or not 0 <= found <= LARGEST:
        raise Unreadable(f"{what} has {key} = {str(source.get(key))[:40]!r}, which is not a count")
    return found


def _whole(value: object, key: str, what: str, *, required: bool) -> int | None:
    if value is None or value == "":
        if required:
            raise Unreadable(f"{what} has no {key}; without it nothing can be said")
        return 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()) and value.isascii():
        return int(value.strip().split(".")[0])
    return None


def identity(source: Row, key: str, what: str) -> str:
    """An id as text; Unreadable where it is missing."""
    value = source.get(key)
    if isinstance(value, (str, int)) and not isinstance(value, bool) and one_line(str(value)).strip():
        return one_line(str(value)).strip()
    raise Unreadable(f"{what} has no {key}")


def plain_id(source: Row, key: str, what: str) -> str:
    """An id of ActiveCampaign: digits, and nothing that would change the path of a request."""
    found = identity(source, key, what)
    if not (found.isascii() and found.isdecimal() and len(found) <= 18):
        raise Unreadable(f"{what} has {key} = {found[:40]!r}, which is not a number")
    return found


def text(source: Row, key: str, default: str = "") -> str:
    """A text on one line; numbers become text, null and anything else become ``default``."""
    value = source.get(key)
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return default


def flag(source: Row, key: str) -> bool:
    """A yes or no written as "1"/"0".

    What is neither counts as yes: every flag read here forbids something.
    """
    return source.get(key) not in (None, "", "0", 0, "0.0", "false", "no")


def is_no_time(value: object) -> bool:
    """How the vendors write that there is no time: null, ``""`` and 0000-00-00."""
    return value is None or value == "" or (isinstance(value, str) and value.startswith("0000-00-00"))


def moment(source: Row, key: str, what: str) -> datetime | None:
    """A time in UTC.

    None for null, ``""`` and 0000-00-00. Without an offset it is Unreadable: it has no place.
    """
    value = source.get(key)
    if is_no_time(value):
        return None
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value.strip())
            if read.tzinfo is not None and read.year in YEARS:
                return read.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Unreadable(f"{what} has {key} = {str(value)[:40]!r}; expected a time with its offset")


def moment_if_clear(source: Row, key: str) -> datetime | None:
    """As :func:`moment`, but None where the text cannot be placed; for times that no decision rests on."""
    try:
        return moment(source, key, "")
    except Unreadable:
        return None


def total(body: Row, what: str) -> int | None:
    """``meta.total``, which is often text; None where the answer has none."""
    meta = body.get("meta")
    if not isinstance(meta, dict) or meta.get("total") is None:
        return None
    return number(meta, "total", f"{what}: meta", required=True)


def written(moment: datetime) -> str:
    """A time as the filters of the services take it: ISO 8601 in UTC, whole seconds."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
