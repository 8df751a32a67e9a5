"""What is due in the next 24 hours, as a report shows it; whoever makes the report fills it."""

from __future__ import annotations

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.words import ItemKind


class Soon(Value):
    """Something that is due soon. ``risk``: why it may not go out, or why its audience may be stale; empty where
    nothing says so.
    """

    kind: ItemKind = ItemKind.CAMPAIGN
    item_id: str
    name: str
    due: UtcTime
    risk: str = ""


class Upcoming(Value):
    """What is due, by time; ``as_of``: when the schedule was read, None: nobody could say what is scheduled."""

    items: tuple[Soon, ...] = ()
    as_of: UtcTime | None = None
