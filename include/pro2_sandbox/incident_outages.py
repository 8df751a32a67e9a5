"""The part of the incident format that describes outages: what is down and when, and what the status page says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import Field

from pro2_sandbox.part import Part, Service
from pro2_sandbox.timeshift import Offset

Impact = Literal["none", "maintenance", "minor", "major", "critical"]
COMPONENTS: Mapping[str, str] = {
    "sending": "Campaign sending",
    "dashboard": "Integrated Dashboard",
    "tessitura": "Tessitura",
}
"""What the status page calls the services."""


class Feed(Part):
    """The status page's own account of an outage: usually later than the truth, in both directions.

    ``service`` is what its component stands for; the first service of the outage unless given. ``published`` is when
    the page tells of it at all, if that is later than ``started``.
    """

    name: str = "Campaigns are delayed"
    service: Service | None = None
    component: str | None = None
    started: Offset
    resolved: Offset | None = None
    published: Offset | None = None
    impact: Impact = "major"

    @property
    def told(self) -> timedelta:
        return self.started if self.published is None else self.published


class OutageModel(Part):
    """Which services are down, from when to when. ``end`` absent: it never ends by itself.

    ``answers: true``: requests are answered as ever and only the work stands still, so that no probe sees it.
    """

    services: tuple[Service, ...] = Field(min_length=1)
    start: Offset
    end: Offset | None = None
    answers: bool = False
    feed: Feed | None = None

    @property
    def told_service(self) -> Service:
        return (self.feed.service if self.feed is not None else None) or self.services[0]

    @property
    def component(self) -> str:
        named = self.feed.component if self.feed is not None else None
        return named or COMPONENTS[self.told_service]


class MaintenanceModel(Part):
    """Work that the status page announces beforehand. ``down`` False: nobody notices any of it."""

    name: str = "Scheduled maintenance"
    services: tuple[Service, ...] = Field(min_length=1)
    announced: Offset
    start: Offset
    end: Offset
    down: bool = True
