"""Tessitura's List Manager, read only: when a list was generated and how many constituents it has.

A dynamic list keeps its old contents until somebody generates it, so its size says nothing without its time.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from pro2_reconciliation.wire import scalars
from pro2_reconciliation.wire.exchange import Exchange, Request
from pro2_reconciliation.wire.paging import ask


def generated_at(list_id: str) -> Exchange[datetime | None]:
    """When the list was last generated (UTC), else last used.

    None where Tessitura says neither with an offset.
    """
    body = yield from ask(list_request(list_id))
    return scalars.moment_if_clear(body, "LastGeneratedDateTime") or scalars.moment_if_clear(
        body, "LastUsedDateTime"
    )


def size(list_id: str) -> Exchange[int]:
    """How many constituents the list has; ``Unreadable`` where Tessitura does not say."""
    body = yield from ask(list_request(list_id))
    return scalars.number(body, "ConstituentCount", f"list {list_id}", required=True)


def list_request(list_id: str) -> Request:
    """What is known of one list."""
    return Request("GET", f"TessituraService/Reporting/Lists/{quote(list_id, safe='')}")
