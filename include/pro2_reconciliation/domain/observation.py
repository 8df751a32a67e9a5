"""What was seen of an item: states, the evidence behind them, and how a reading becomes one.

A reading that failed, or an answer that nobody understands, is UNKNOWN; it never becomes "broken".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.campaigns import CampaignReading
from pro2_reconciliation.domain.jobs import ActivityRow, ConsoleRow
from pro2_reconciliation.domain.words import ItemKind


class CampaignState(StrEnum):
    SENT = "sent"
    IN_FLIGHT = "in flight"
    PENDING = "pending"
    DUE_LATER = "due later"
    COMPLETE_EMPTY = "complete but empty"
    COUNTERS_DISAGREE = "counters disagree"
    PARTLY_SENT = "partly sent"
    HALTED = "paused, stopped or disabled"
    DRAFT = "draft"
    APPROVAL_HOLD = "held for approval"
    GONE = "gone"
    UNKNOWN = "unknown"


class OccurrenceState(StrEnum):
    SUCCEEDED = "succeeded"
    RAN_LATE = "ran late"
    PARTIAL = "partial error"
    FAILED = "full error"
    IN_PROGRESS = "in progress"
    STOPPED = "stopped"
    NO_TRACE = "no trace"
    UNKNOWN = "unknown"


class Observation(Value):
    """What was seen of one item, when and by which source, with the raw evidence.

    ``still_pending`` is True when watching ended at its deadline without the item settling. ``reads`` counts the
    successful reads that agree on the state, ``first_agreed`` is the time of the first of them. ``after_gap`` is the
    time of the first read after nobody had looked for long (Airflow was away); None if somebody always did.
    """

    kind: ItemKind
    item_id: str
    name: str
    state: CampaignState | OccurrenceState | str
    seen_at: UtcTime
    source: str
    reads: int = 1
    first_agreed: UtcTime | None = None
    after_gap: UtcTime | None = None
    still_pending: bool = False
    waived: bool = False
    note: str = ""
    reading: CampaignReading | None = None
    row: ActivityRow | None = None
    console: ConsoleRow | None = None
    facts: dict[str, Any] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.item_id}"
