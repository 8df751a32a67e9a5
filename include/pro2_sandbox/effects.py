"""Every effect in order, and the truth behind it: which patron got mail of which lineage, from which campaign.

A lineage is a campaign with all copies of it, whoever made them; an entry into an automation that mails has a
lineage of its own for each audience. Two deliveries of one lineage to one patron are what must never happen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

By = Literal["us", "vendor", "person"]


@dataclass
class Effect:
    """One thing that happened. ``us`` is whoever came through the interfaces from outside."""

    at: datetime
    kind: str
    item: str
    by: By
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MailedTwice:
    lineage: str
    campaigns: tuple[str, ...]
    patrons: int


class Effects:
    """The log of effects with the deliveries of mail."""

    def __init__(self) -> None:
        self.log: list[Effect] = []
        self._mailed: dict[str, dict[int, list[str]]] = {}

    def add(self, at: datetime, kind: str, item: str, by: By, **detail: Any) -> Effect:
        effect = Effect(at, kind, item, by, detail)
        self.log.append(effect)
        return effect

    def deliver(self, lineage: str, campaign: str, patrons: Iterable[int]) -> None:
        """Mail of ``campaign`` reaches these patrons, now and for good."""
        mailed = self._mailed.setdefault(lineage, {})
        for patron in patrons:
            mailed.setdefault(patron, []).append(campaign)

    def reached(self, lineage: str) -> set[int]:
        return set(self._mailed.get(lineage, ()))

    def mailed_twice(self) -> list[MailedTwice]:
        """Lineages of which somebody got mail more than once, by the campaigns it came from."""
        found: dict[tuple[str, tuple[str, ...]], int] = {}
        for lineage, mailed in self._mailed.items():
            for campaigns in mailed.values():
                if len(campaigns) > 1:
                    key = (lineage, tuple(campaigns))
                    found[key] = found.get(key, 0) + 1
        return [
            MailedTwice(lineage, campaigns, patrons)
            for (lineage, campaigns), patrons in sorted(found.items())
        ]
