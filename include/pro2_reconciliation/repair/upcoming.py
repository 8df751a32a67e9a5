"""What goes out in the next 24 hours, as a report shows it; whoever makes the report fills it."""

from __future__ import annotations

from pro2_reconciliation.domain.base import UtcTime, Value


class Soon(Value):
    """A campaign that goes out soon. ``risk``: why it may not, or why its audience may be stale; empty where nothing
    says so.
    """

    item_id: str
    name: str
    due: UtcTime
    risk: str = ""


class Upcoming(Value):
    """The campaigns of the next 24 hours in order of due; ``as_of`` None: nobody could say what is scheduled."""

    campaigns: tuple[Soon, ...] = ()
    as_of: UtcTime | None = None
