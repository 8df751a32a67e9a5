"""Statuspage v2 feeds as evidence: what a vendor itself says about being down.

Published times lag behind reality, so callers pad them. An incident that does not name its components counts
for all of them: leaving it out would hide an outage. A feed that cannot be read is ``Unreadable``, never "all
well".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.outage import Evidence
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.wire import scalars
from pro2_reconciliation.wire.exchange import Exchange, Request
from pro2_reconciliation.wire.paging import ask
from pro2_reconciliation.wire.scalars import Row

OVER = frozenset({"resolved", "postmortem", "completed"})
IGNORED_IMPACTS = frozenset({"none"})


def evidence(
    path: str,
    service: Service,
    source: str,
    components: Collection[str] = (),
    ignored_impacts: Collection[str] = IGNORED_IMPACTS,
) -> Exchange[list[Evidence]]:
    """The claims of one feed, ``.../incidents.json`` or ``.../scheduled-maintenances.json``.

    ``components`` are names or ids; empty means all. ``ignored_impacts`` applies to incidents only.
    Maintenance that has not begun is no evidence yet.
    """
    body = yield from ask(Request("GET", path))
    if "incidents" not in body and "scheduled_maintenances" not in body:
        raise Unreadable(
            f"GET {path} has neither incidents nor scheduled_maintenances; is it a Statuspage v2 feed?"
        )
    found: list[Evidence] = []
    for entry in _listed(body, "incidents"):
        if scalars.text(entry, "impact").lower() not in ignored_impacts and _concerns(entry, components):
            found.append(_claim(entry, service, source, ("started_at", "created_at")))
    for entry in _listed(body, "scheduled_maintenances"):
        if scalars.text(entry, "status") != "scheduled" and _concerns(entry, components):
            found.append(_claim(entry, service, source, ("started_at", "scheduled_for", "created_at")))
    return found


def _listed(body: Row, key: str) -> Sequence[Row]:
    return scalars.rows(body[key], key) if key in body else ()


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


def _claim(entry: Row, service: Service, source: str, starts: Sequence[str]) -> Evidence:
    key = scalars.identity(entry, "id", "an incident")
    what = f"incident {key}"
    start = next((moment for name in starts if (moment := scalars.moment(entry, name, what))), None)
    if start is None:
        raise Unreadable(f"{what} has no start ({', '.join(starts)})")
    end = scalars.moment(entry, "resolved_at", what)
    status = scalars.text(entry, "status").lower()
    if end is None and status in OVER:
        end = scalars.moment(entry, "updated_at", what)
    impact = scalars.text(entry, "impact", "unknown")
    return Evidence(
        source=source,
        key=key,
        service=service,
        start=start,
        end=end,
        detail=f"{scalars.text(entry, 'name', 'no title')} (impact {impact}, {status})",
    )
