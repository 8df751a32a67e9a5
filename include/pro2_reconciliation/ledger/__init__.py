"""The ledger: what was decided, claimed, sent and proven, in a database that refuses a move out of order.

Take what you need from here; the modules below are its inside.
"""

from pro2_reconciliation.ledger.moves import ALLOWED_MOVES, RUNNING, State
from pro2_reconciliation.ledger.notes import (
    Alarm,
    AnswerRecord,
    Note,
    OpenItem,
    OutageTrace,
    Sample,
    Snapshot,
    Stage,
    SwitchRecord,
)
from pro2_reconciliation.ledger.records import (
    ActionKey,
    ActionRecord,
    Claim,
    Identity,
    MoveRecord,
    StepRecord,
)
from pro2_reconciliation.ledger.store import Ledger

__all__ = [
    "ALLOWED_MOVES",
    "RUNNING",
    "ActionKey",
    "ActionRecord",
    "Alarm",
    "AnswerRecord",
    "Claim",
    "Identity",
    "Ledger",
    "MoveRecord",
    "Note",
    "OpenItem",
    "OutageTrace",
    "Sample",
    "Snapshot",
    "Stage",
    "State",
    "StepRecord",
    "SwitchRecord",
]
