"""Who entered an automation, and who is stuck in one: counts of contacts from ActiveCampaign v3, never an id of one.

The exchanges are methods of the port :class:`~pro2_reconciliation.domain.ports.Contacts`. Few entries are read for all
automations at once, many automation by automation and at most so far; then the counts are "at least". A count that the
service does not give is ``Unreadable`` and not 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import Automation
from pro2_reconciliation.wire import scalars
from pro2_reconciliation.wire.contacts import count
from pro2_reconciliation.wire.exchange import Exchange
from pro2_reconciliation.wire.paging import pages
from pro2_reconciliation.wire.scalars import Row

PATH, KEY = "api/3/contactAutomations", "contactAutomations"
ACTIVE = "1"
IN_PROGRESS = "1"
MAX_ROWS = 1000
"""So many entries are read at most, for all automations together or else for each: ten requests."""


def entries(automation_id: str, since: datetime, until: datetime) -> Exchange[int]:
    """How many contacts entered an automation in [since, until)."""
    return (yield from count(PATH, {"filters[seriesid]": automation_id, **_span(since, until)}))


def automations(start: datetime, end: datetime, lead: timedelta) -> Exchange[list[Automation]]:
    """Active automations that contacts entered in [start, end), or in which some made no step since ``end``.

    ``lead``: a last step so long before ``start`` counts as "stalled", an earlier one as "waiting".
    """
    listed = yield from pages("api/3/automations", "automations", {})
    active = {
        scalars.identity(entry, "id", "an automation"): entry
        for entry in listed
        if scalars.text(entry, "status") == ACTIVE and entry.get("entered") not in ("0", 0)
    }
    if not active:
        return []
    entered = yield from _entered(active, start, end)
    inside = {one: entry for one, entry in active.items() if not _everybody_left(one, entry)}
    lagging = yield from _in_progress(inside, end)
    found = []
    for one, entry in active.items():
        rows = lagging.get(one, [])
        last = [moment for row in rows if (moment := _last_step(row)) is not None and moment < end]
        stalled = sum(1 for moment in last if moment >= start - lead)
        automation = Automation(
            id=one,
            name=scalars.text(entry, "name"),
            entered=entered.get(one, 0),
            stalled=stalled,
            waiting=len(last) - stalled,
            whole=len(rows) < MAX_ROWS,
            reentry=scalars.text(entry, "multientry") == "1" if "multientry" in entry else None,
        )
        if automation.entered or last:
            found.append(automation)
    return found


def _entered(active: Iterable[str], start: datetime, end: datetime) -> Exchange[Counter[str]]:
    """Entries of the span by automation."""
    span = _span(start, end)
    total = yield from count(PATH, span)
    if total > MAX_ROWS:
        found: Counter[str] = Counter()
        for one in active:
            found[one] = yield from count(PATH, {"filters[seriesid]": one, **span})
        return found
    rows = (yield from pages(PATH, KEY, span)) if total else []
    return Counter(_series(row) for row in rows)


def _in_progress(inside: Iterable[str], end: datetime) -> Exchange[dict[str, list[Row]]]:
    """Entries from before ``end`` that are still in progress, by automation."""
    still = {"filters[status]": IN_PROGRESS, "filters[adddate][lt]": scalars.written(end)}
    found: dict[str, list[Row]] = {one: [] for one in inside}
    total = (yield from count(PATH, still)) if found else 0
    if total > MAX_ROWS:
        for one in found:
            found[one] = yield from _first_rows({"filters[seriesid]": one, **still})
        return found
    for row in (yield from pages(PATH, KEY, still)) if total else []:
        found.setdefault(_series(row), []).append(row)
    return found


def _first_rows(params: dict[str, str]) -> Exchange[list[Row]]:
    seen = 0

    def enough(page: Sequence[Row]) -> bool:
        nonlocal seen
        seen += len(page)
        return seen >= MAX_ROWS

    return (yield from pages(PATH, KEY, params, enough))


def _series(row: Row) -> str:
    return scalars.text(row, "seriesid") or scalars.text(row, "automation")


def _last_step(row: Row) -> datetime | None:
    return scalars.moment_if_clear(row, "lastdate") or scalars.moment_if_clear(row, "adddate")


def _everybody_left(automation_id: str, entry: Row) -> bool:
    what = f"automation {automation_id}"
    return "exited" in entry and (
        scalars.number(entry, "entered", what) <= scalars.number(entry, "exited", what)
    )


def _span(since: datetime, until: datetime) -> dict[str, str]:
    return {"filters[adddate][gte]": scalars.written(since), "filters[adddate][lt]": scalars.written(until)}
