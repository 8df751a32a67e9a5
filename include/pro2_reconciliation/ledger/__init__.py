"""The ledger: what was decided, claimed, sent and proven, in a database that refuses a move out of order.

Take what you need from here; the modules below are its inside.
"""

from pro2_reconciliation.ledger.machine import Machine
from pro2_reconciliation.ledger.moves import ALLOWED_MOVES, LIVE, RUNNING, State
from pro2_reconciliation.ledger.notes import (
    Alarm,
    AnswerRecord,
    Attempt,
    DagRun,
    HoldTrace,
    Note,
    OpenItem,
    OutageTrace,
    PlanItem,
    RunStage,
    Sample,
    Snapshot,
    Stage,
    SwitchRecord,
)
from pro2_reconciliation.ledger.notifications import Delivery, DeliveryState, ToldOf
from pro2_reconciliation.ledger.records import (
    BY_GUARD,
    ActionKey,
    ActionRecord,
    Adoption,
    Claim,
    Identity,
    MoveRecord,
    Repeat,
    StepRecord,
)
from pro2_reconciliation.ledger.store import Ledger
from pro2_reconciliation.ledger.trust import Seen, ShadowRecord
from pro2_reconciliation.ledger.witness import remember, why_plan_only
from pro2_reconciliation.ledger.witnessed import Witness, Witnessed

__all__ = [
    "ALLOWED_MOVES",
    "BY_GUARD",
    "LIVE",
    "RUNNING",
    "ActionKey",
    "ActionRecord",
    "Adoption",
    "Alarm",
    "AnswerRecord",
    "Attempt",
    "Claim",
    "DagRun",
    "Delivery",
    "DeliveryState",
    "HoldTrace",
    "Identity",
    "Ledger",
    "Machine",
    "MoveRecord",
    "Note",
    "OpenItem",
    "OutageTrace",
    "PlanItem",
    "Repeat",
    "RunStage",
    "Sample",
    "Seen",
    "ShadowRecord",
    "Snapshot",
    "Stage",
    "State",
    "StepRecord",
    "SwitchRecord",
    "ToldOf",
    "Witness",
    "Witnessed",
    "remember",
    "why_plan_only",
]
