"""How the form of one dag run narrows it: which kinds of items, how much, which campaigns not.

It only takes away. What was not looked at, or left alone, stays to be done by another dag run: a restricted one moves
no watermark and marks no outage as planned or closed. Pure values; nothing here fails.
"""

from __future__ import annotations

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.words import ItemKind, ProcessType

KINDS: dict[str, str] = {
    ItemKind.CAMPAIGN.value: "Campaigns",
    ProcessType.DATA_SYNC.value: "Data syncs",
    ProcessType.SCHEDULED_TRIGGER.value: "Scheduled triggers",
    ProcessType.INTEGRATED_IMPORT.value: "Integrated imports",
    ProcessType.SEGMENT_TRANSFER.value: "Segment transfers",
    ProcessType.EADDRESS_CHANGES.value: "E-address changes",
    ItemKind.AUTOMATION.value: "Automations",
}
"""Every kind of item that a form offers, and what it is called there. An occurrence is of its job's kind."""


class Restriction(Value):
    """``kinds``: keys of ``KINDS``, none: all. ``max_sends`` and ``max_actions``: None: as the policy says.

    ``leave_alone`` are ids and names as they were typed, ``roots`` the lineages of the campaigns that they turned
    out to be: a copy of ours and its original are left alone together.
    """

    kinds: tuple[str, ...] = ()
    max_sends: int | None = None
    max_actions: int | None = None
    leave_alone: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether it restricts anything."""
        return self != UNRESTRICTED

    def looks_at(self, kind: str) -> bool:
        """Whether items of this kind (a key of ``KINDS``) are looked at."""
        return not self.kinds or kind in self.kinds

    def leaves_alone(self, root: str) -> bool:
        """Whether the campaign of this lineage ("campaign:103") is left alone."""
        return root in self.roots


UNRESTRICTED = Restriction()


class NotLookedAt(Value):
    """One item that the window touched and the form left out. ``kind`` is a key of ``KINDS``."""

    kind: str
    item_id: str
    name: str
    due: UtcTime | None = None
