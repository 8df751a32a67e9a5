"""Statuspage v2 feeds as evidence: what a vendor itself says about being down.

Published times lag behind reality, so callers pad them. An incident that does not name its components counts
for all of them: leaving it out would hide an outage. A feed that cannot be read is ``Unreadable``, never "all
well".
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import get_args

from pro2_reconciliation.domain.errors import Rejected, Unreadable
from pro2_reconciliation.domain.outage import Evidence
from pro2_reconciliation.domain.sources import Feed, Impact
from pro2_reconciliation.wire import scalars
from pro2_reconciliation.wire.exchange import Exchange, Request
from pro2_reconciliation.wire.paging import ask
from pro2_reconciliation.wire.scalars import Row

OVER = frozenset({"resolved", "postmortem", "completed"})
FOLDER = "api/v2"
IMPACTS: tuple[str, ...] = get_args(Impact)
_STARTS = ("started_at", "scheduled_for", "created_at")


def published(feed: Feed, folder: str = FOLDER) -> Exchange[list[Evidence]]:
    """The claims of one page; ``folder`` is where its JSON lies below the connection's host.

    Maintenance that has not begun is no evidence yet. An incident that is listed twice counts as it was updated
    last. Raises ``Unreadable`` for a page that is no Statuspage v2 feed: never "all well".
    """
    names = ("incidents", "scheduled_maintenances")[: 2 if feed.maintenance else 1]
    newest: dict[str, Row] = {}
    for name in names:
        path = f"{folder}/{name.replace('_', '-')}.json"
        try:
            body = yield from ask(Request("GET", path))
        except Rejected as error:
            if name == names[0]:
                raise
            raise Unreadable(
                f"{error}; if this page announces no maintenance, set maintenance: false for {feed.connection}"
            ) from error
        if name not in body:
            raise Unreadable(f"GET {path} has no {name}; is it a Statuspage v2 feed?")
        for entry in scalars.rows(body[name], name):
            if _counts(entry, name, feed):
                key = scalars.identity(entry, "id", "an incident")
                if key not in newest or _updated(entry) >= _updated(newest[key]):
                    newest[key] = entry
    return [_claim(key, entry, feed) for key, entry in newest.items()]


def _counts(entry: Row, name: str, feed: Feed) -> bool:
    if name == "incidents":
        impact = scalars.text(entry, "impact").lower()
        if impact in IMPACTS and IMPACTS.index(impact) < IMPACTS.index(feed.min_impact):
            return False
    elif scalars.text(entry, "status").lower() == "scheduled":
        return False
    return _concerns(entry, feed.components)


def _updates(entry: Row) -> list[object]:
    listed = entry.get("incident_updates")
    return listed if isinstance(listed, list) else []


def _updated(entry: Row) -> datetime:
    return scalars.moment(entry, "updated_at", "an incident") or datetime.min.replace(tzinfo=UTC)


def _concerns(entry: Row, components: Collection[str]) -> bool:
    named = entry.get("components")
    if not components or not isinstance(named, list) or not named:
        return True
    wanted = {one.casefold() for one in components}
    return any(
        scalars.text(one, key).casefold() in wanted
        for one in named
        if isinstance(one, dict)
        for key in ("id", "name")
    )


def _claim(key: str, entry: Row, feed: Feed) -> Evidence:
    what = f"incident {key}"
    start = next((moment for name in _STARTS if (moment := scalars.moment(entry, name, what))), None)
    if start is None:
        raise Unreadable(f"{what} has no start ({', '.join(_STARTS)})")
    said = [
        moment
        for update in _updates(entry)
        if isinstance(update, dict)
        and scalars.text(update, "status").lower() != "scheduled"  # that is the announcement
        and (moment := scalars.moment(update, "display_at", what))
    ]
    end = scalars.moment(entry, "resolved_at", what)
    status = scalars.text(entry, "status").lower()
    if end is None and status in OVER:
        end = scalars.moment(entry, "updated_at", what)
    start = min([start, *said])  # an update may be dated back, never the start forward
    impact = scalars.text(entry, "impact", "unknown")
    return Evidence(
        source=feed.connection,
        key=key,
        service=feed.service,
        start=start,
        end=end if end is None else max(start, end),
        detail=f"{scalars.text(entry, 'name', 'no title')} (impact {impact}, {status})",
        confirms=False,
    )
