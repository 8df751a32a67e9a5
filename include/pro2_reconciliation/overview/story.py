"""An item's whole story, oldest first."""

from __future__ import annotations

from datetime import datetime

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.overview.items import items_of_run
from pro2_reconciliation.overview.views import Event, Story


def story(site: Site, ledger: Ledger, item_key: str, now: datetime) -> Story:
    """All that the ledger knows of an item, across dag runs. Raises ``LedgerError`` for one that it does not know."""
    events, newest = [], None
    for plan in ledger.plans(site.organization):
        one = plan.decision(item_key)
        if one is None:
            continue
        newest = newest or next(i for i in items_of_run(site, ledger, plan.run, now) if i.key == item_key)
        text = f"{one.rule}, {one.remedy.value}: {one.reason}"
        events.append(Event(at=plan.created_at, who=plan.run, what="decided", text=text))
    if newest is None:
        raise LedgerError(f"item {item_key!r} is not known to this ledger")
    for action in ledger.actions_of(site.organization, item_key):
        for step in action.steps:
            for move in step.moves:
                text = f"{step.verb.value.replace('_', ' ')}: {move.why}"
                events.append(Event(at=move.at, who=move.who, what=move.to_state.value, text=text))
    return Story(item=newest, events=tuple(sorted(events, key=lambda event: event.at)))
