"""What one outage may have touched, read once: the list that is watched, and what the plan compares it with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import Field

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.campaigns import Automation, CampaignReading
from pro2_reconciliation.domain.jobs import Occurrence
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.restriction import NotLookedAt, Restriction
from pro2_reconciliation.domain.words import ItemKind


class WatchItem(Value):
    """One unsettled item for one mapped sensor.

    ``deadline`` is absolute, ``until`` says it in local time of ``zone``; ``not_before`` guards the read gap, which is
    ``read_gap_seconds`` long. ``lean``: the triggerer alone watches it, by a sensor that does not carry its name.
    """

    kind: ItemKind
    item_id: str
    name: str
    deadline: UtcTime
    not_before: UtcTime
    read_gap_seconds: float = 300
    until: str = ""
    zone: str = "UTC"
    lean: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.item_id}"

    @property
    def sensor(self) -> str:
        """The id of the task that watches it."""
        return LEAN_SENSOR if self.lean else f"watch_{self.kind.value}"


LEAN_SENSOR = "watch_lean"


class Place(NamedTuple):
    """The mapped task of one item: ``sensor`` is its task id."""

    sensor: str
    map_index: int


def places(watch: Iterable[WatchItem]) -> dict[str, Place]:
    """Key of each watched item to its sensor; in their order, as the sensors were mapped."""
    taken: Counter[str] = Counter()
    found: dict[str, Place] = {}
    for item in watch:
        found[item.key] = Place(item.sensor, taken[item.sensor])
        taken[item.sensor] += 1
    return found


class Inventory(Value):
    """Touched campaigns with their first reading, touched occurrences, and what was settled at once.

    ``observations`` holds one per item (key to Observation); ``watch`` names those that are not settled.
    ``floor_id`` is the highest campaign id made before the window: everything above it is a possible suspect.
    ``origins``: item key to the start of the earlier window that an item came from, where it is open or half done.
    ``not_looked_at`` is what the window touched and the ``restriction`` of the dag run's form left out.
    """

    organization: str
    zone: str
    window: Window
    taken_at: UtcTime
    readings: dict[str, CampaignReading]
    occurrences: tuple[Occurrence, ...]
    automations: tuple[Automation, ...] = ()
    observations: dict[str, Observation]
    watch: tuple[WatchItem, ...]
    floor_id: str = "0"
    origins: dict[str, UtcTime] = Field(default_factory=dict)
    only: tuple[str, ...] = ()
    restriction: Restriction = Restriction()
    not_looked_at: tuple[NotLookedAt, ...] = ()

    def since(self, key: str) -> datetime:
        """From when on the item of this key is judged (:meth:`Window.since`)."""
        return self.window.since(self.origins.get(key))

    def watched(self, kind: ItemKind) -> list[dict[str, Any]]:
        """The items of one kind for ``.expand(item=...)``, as plain JSON; without those whose watch is lean."""
        return [item.model_dump(mode="json") for item in self.watch if item.kind is kind and not item.lean]
