"""Evidence that a service was down, and the outage that the evidence adds up to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.words import Service


class OutageState(StrEnum):
    OPEN = "open"
    ENDED = "ended"
    SETTLED = "settled"
    PLANNED = "planned"
    CLOSED = "closed"


class Evidence(Value):
    """One source's claim that a service was down in [start, end); ``end`` None: it still is.

    ``key`` is the source's own identity of the claim, so that a later edit replaces it. ``confirms`` False: a
    claim that may be wrong or about something else (a status page); alone it makes an outage only suspected.
    """

    source: str
    key: str
    service: Service
    start: UtcTime
    end: UtcTime | None = None
    detail: str = ""
    declared: bool = False
    confirms: bool = True


class Outage(Value):
    """A window [start, end) of one organization and service; its id outlives edits and merges.

    ``aliases`` are the ids of younger outages that were merged into it. ``generation`` counts its dag runs.
    """

    id: str
    organization: str
    service: Service
    start: UtcTime
    end: UtcTime | None = None
    state: OutageState = OutageState.OPEN
    aliases: tuple[str, ...] = ()
    generation: int = 1
    evidence: tuple[Evidence, ...] = ()

    @property
    def suspected(self) -> bool:
        """Whether nothing that confirms it stands behind it: then it is planned, and nothing is repaired."""
        return bool(self.evidence) and not any(claim.confirms for claim in self.evidence)

    def covers(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)
