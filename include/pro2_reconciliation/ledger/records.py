"""What the ledger hands out: frozen records of actions, steps, moves and claims.

They are pictures of one moment. Nothing is written by changing one, and whoever decides something on one of
them lets the ledger check it again in the transaction that writes (``move``, ``intend``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger.moves import LIVE, RUNNING, State

BY_GUARD = "guard"
"""The fingerprint of the stops that the guard makes by itself: nobody was asked, because a stop mails nobody."""


@dataclass(frozen=True)
class Identity:
    """Which ledger this is. ``epoch`` grows with every adoption; ``adopted_by`` None: nobody vouched for it
    yet. ``host`` and ``boot`` name the machine that last used a ledger in a file; ``witnessed_at``: since when a
    witness outside of the database knows this epoch.
    """

    uuid: str
    epoch: int
    created_at: datetime
    adopted_by: str | None = None
    adopted_at: datetime | None = None
    host: str | None = None
    boot: str | None = None
    witnessed_at: datetime | None = None


@dataclass(frozen=True)
class Adoption:
    """A person vouched for the ledger at ``host``, which began the epoch."""

    epoch: int
    who: str
    why: str
    at: datetime
    host: str


@dataclass(frozen=True)
class Repeat:
    """A person asked for a generation of an action that had ended already."""

    organization: str
    root: str
    remedy: Remedy
    generation: int
    who: str
    why: str
    at: datetime


@dataclass(frozen=True)
class ActionKey:
    """The business identity of an action. It contains neither outage nor dag run, so two of them cannot
    repeat it.

    Raises ``LedgerError`` where the parts would make the id ambiguous or empty.
    """

    organization: str
    root: str
    remedy: Remedy
    generation: int = 1

    def __post_init__(self) -> None:
        if not self.organization or "/" in self.organization:
            raise LedgerError(
                f"The organization {self.organization!r} cannot be part of an action's id; "
                "give it a name without a slash."
            )
        if not self.root or self.generation < 1:
            raise LedgerError(
                f"An action needs a root and a generation from 1 up, not {self.root!r} and "
                f"{self.generation}; "
                "take the root from the decision and the generation from next_generation."
            )

    @property
    def id(self) -> str:
        """Such as ``playhouse/campaign:103/resend/1``."""
        return f"{self.organization}/{self.root}/{self.remedy}/{self.generation}"


@dataclass(frozen=True)
class MoveRecord:
    """One move of one step; ``from_state`` None: the first."""

    step_id: int
    from_state: State | None
    to_state: State
    who: str
    why: str
    at: datetime
    remote_id: str | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class StepRecord:
    """One attempt at one request, with all its moves in order."""

    id: int
    action_id: str
    verb: Verb
    attempt: int
    ordinal: int
    moves: tuple[MoveRecord, ...]

    @property
    def state(self) -> State:
        return self.moves[-1].to_state

    @property
    def remote_id(self) -> str | None:
        """The id that the service gave to what the step made; the newest that was noted."""
        return next((move.remote_id for move in reversed(self.moves) if move.remote_id is not None), None)

    @property
    def had_effect(self) -> bool:
        """Whether a request may ever have left."""
        return self.when(State.INTENDED) is not None

    def when(self, state: State) -> datetime | None:
        """When the step entered ``state``; None if it never did."""
        move = self.move_to(state)
        return move.at if move else None

    def move_to(self, state: State) -> MoveRecord | None:
        """The move into ``state``; None if there was none."""
        return next((move for move in self.moves if move.to_state is state), None)


@dataclass(frozen=True)
class ActionRecord:
    """An action with every attempt of its steps, in the order in which they are done.

    ``joined`` True: ``register`` found it instead of writing it. ``repeated`` True: a person asked for a later
    generation, so this one stands in nobody's way any more.
    """

    id: str
    organization: str
    root: str
    remedy: Remedy
    generation: int
    kind: str
    item_id: str
    name: str
    fingerprint: str
    plan_hash: str
    created_at: datetime
    requested_by: str
    steps: tuple[StepRecord, ...]
    joined: bool = False
    repeated: bool = False

    @property
    def key(self) -> ActionKey:
        return ActionKey(self.organization, self.root, self.remedy, self.generation)

    @property
    def item_key(self) -> str:
        """As ``Decision.key``."""
        return f"{self.kind}:{self.item_id}"

    @property
    def by_guard(self) -> bool:
        """A stop that the guard made by itself; nobody decided on it."""
        return self.fingerprint == BY_GUARD

    def step(self, verb: Verb) -> StepRecord | None:
        """The newest attempt at ``verb``; None if the action has no such step."""
        return next((step for step in reversed(self.steps) if step.verb is verb), None)

    @property
    def latest(self) -> tuple[StepRecord, ...]:
        """The newest attempt of each step, in order."""
        newest = {step.verb: step for step in self.steps}
        return tuple(sorted(newest.values(), key=lambda step: step.ordinal))

    @property
    def had_effect(self) -> bool:
        """Whether any request of it may ever have left, in any attempt."""
        return any(step.had_effect for step in self.steps)

    @property
    def live(self) -> bool:
        """Whether a newest attempt is in a state that our own machinery still has to bring to an end."""
        return any(step.state in LIVE for step in self.latest)

    @property
    def state(self) -> State | str:
        """The whole action in one word, from the newest attempt of each step; the first line that fits
        counts.

        1. ``NEEDS_HUMAN``, ``FAILED``, ``STALE`` (in this order) if any step is: what is worst is not hidden.
        2. ``RUNNING`` if any step is live or provably not done: it goes on, or it should.
        3. ``CLOSED`` if any step is: a person ended it.
        4. The state of the last step otherwise: ``DECLINED``, ``SKIPPED`` or ``CONFIRMED``. So a skipped stop
           before a confirmed Run Now is ``CONFIRMED``, and a confirmed stop before a send that was
           dropped is ``SKIPPED``, never ``CONFIRMED``.
        """
        states = [step.state for step in self.latest]
        for worst in (State.NEEDS_HUMAN, State.FAILED, State.STALE):
            if worst in states:
                return worst
        if self.live or State.NOT_DONE in states:
            return RUNNING
        return State.CLOSED if State.CLOSED in states else states[-1]

    @property
    def last_moved(self) -> datetime:
        """When anything last happened to it."""
        return max(step.moves[-1].at for step in self.steps)


@dataclass(frozen=True)
class Claim:
    """A lease on one step. ``state`` is that of the step when it was claimed.

    ``taken_over`` True: somebody claimed it before and may have sent something (``state`` INTENDED or
    AMBIGUOUS), so the step is settled by reading, never by sending.
    """

    step_id: int
    owner: str
    token: str
    expires_at: datetime
    state: State
    taken_over: bool = field(default=False)
