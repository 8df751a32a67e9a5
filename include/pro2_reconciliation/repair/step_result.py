"""What became of one step, for whoever asked for it: an operator, a reconciliation in process, a test.

It is a picture of the ledger with a sentence; nothing is decided here, and nothing can fail.
"""

from __future__ import annotations

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import ActionRecord, State, StepRecord
from pro2_reconciliation.ledger.moves import ENDED, RETRYABLE

ASKED = "asked"
GATED = "gated"
ELSEWHERE = "elsewhere"
GONE_ON = frozenset({State.DONE, State.CONFIRMED})
GIVEN_UP = ENDED - GONE_ON - RETRYABLE
"""It ended without being done, and nothing of ours tries it again."""


class StepResult(Value):
    """What became of one step: a ledger state, or "gated" (a gate is closed), "elsewhere" (somebody is at it), "asked".

    ``asked``: a person is to press what ``instruction`` says within ``wait_seconds``; ``manual.answer_manual`` takes
    his answer. "elsewhere" with ``wait_seconds``: whoever is at it is a process, whose lease ends by then;
    "gated" with it: the gate opens by itself, or is closed for longer by then.
    ``found``: it was not done now, but found to be so, in the ledger or in Pro2.
    """

    action_id: str
    item_key: str
    name: str
    verb: Verb
    state: str
    why: str
    remote_id: str | None = None
    found: bool = False
    instruction: str = ""
    wait_seconds: float = 0

    @property
    def went_on(self) -> bool:
        return self.state in GONE_ON


def result_of(
    action: ActionRecord, step: StepRecord, why: str, *, state: str | None = None, found: bool = False
) -> StepResult:
    """The result of a step as it stands; ``state`` where it is none of the ledger's."""
    return StepResult(
        action_id=action.id,
        item_key=action.item_key,
        name=action.name,
        verb=step.verb,
        state=state or step.state.value,
        why=why,
        remote_id=step.remote_id,
        found=found,
    )
