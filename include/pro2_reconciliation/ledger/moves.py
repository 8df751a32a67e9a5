"""The states of a step and the moves between them, as data.

The same data stands in the table ``allowed_move``, so that the database refuses what is not in it. Every
state is entered once and left once: a step never goes back, another attempt is another step.

How it fails: it cannot by itself; a state that is changed here without a migration makes ``test_moves`` fail.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a step stands.

    ``PLANNED`` somebody may decide on it. ``CLEARED`` it may be done. ``DECLINED`` a person or the mode said
    no. ``SKIPPED`` not needed any more. ``CLAIMED`` one owner is at it, nothing was sent. ``INTENDED`` the
    request is about to leave, or left. ``DONE`` it happened. ``AMBIGUOUS`` it may have happened. ``NOT_DONE``
    it provably did not. ``CONFIRMED`` a fresh read proves its purpose. ``FAILED`` the service said no.
    ``STALE`` the world moved before anything was sent. ``NEEDS_HUMAN`` only a person can tell. ``CLOSED`` a
    person ended it.
    """

    PLANNED = "planned"
    CLEARED = "cleared"
    DECLINED = "declined"
    SKIPPED = "skipped"
    CLAIMED = "claimed"
    INTENDED = "intended"
    DONE = "done"
    AMBIGUOUS = "ambiguous"
    NOT_DONE = "not_done"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    STALE = "stale"
    NEEDS_HUMAN = "needs_human"
    CLOSED = "closed"


START = ""
"""Where the first move of every step comes from; the database writes it as NULL."""

RUNNING = "running"
"""The state of an action (never of a step) that has not ended."""

ALLOWED_MOVES: dict[str, frozenset[State]] = {
    START: frozenset({State.PLANNED}),
    State.PLANNED: frozenset({State.CLEARED, State.DECLINED, State.SKIPPED}),
    State.CLEARED: frozenset({State.CLAIMED, State.STALE, State.SKIPPED}),
    State.CLAIMED: frozenset({State.INTENDED, State.STALE}),
    State.INTENDED: frozenset({State.DONE, State.AMBIGUOUS, State.NOT_DONE, State.FAILED, State.NEEDS_HUMAN}),
    State.AMBIGUOUS: frozenset({State.DONE, State.NOT_DONE, State.NEEDS_HUMAN}),
    State.DONE: frozenset({State.CONFIRMED, State.NEEDS_HUMAN}),
    State.NEEDS_HUMAN: frozenset({State.CONFIRMED, State.CLOSED}),
    State.STALE: frozenset({State.CLOSED}),
    State.FAILED: frozenset({State.CLOSED}),
    State.NOT_DONE: frozenset({State.CLOSED}),
}
"""From a state to the states that may follow it. What is no key ends a step for good."""

TERMINAL: frozenset[State] = frozenset(state for state in State if state not in ALLOWED_MOVES)
"""Nothing follows: declined, skipped, confirmed, closed."""

OPEN: frozenset[State] = frozenset(State) - TERMINAL
"""Something may follow, be it only that a person closes it."""

LIVE: frozenset[State] = frozenset(
    {State.PLANNED, State.CLEARED, State.CLAIMED, State.INTENDED, State.AMBIGUOUS, State.DONE}
)
"""Our own machinery still has to do something about it; a new generation has to wait for that."""

ENDED: frozenset[State] = frozenset(State) - LIVE
"""Our own machinery is through with this attempt."""

LEASED: frozenset[State] = frozenset({State.CLAIMED, State.INTENDED, State.AMBIGUOUS})
"""Only the holder of the lease moves a step out of these; anybody may take over once the lease has expired.
"""

LEFT_TO_PERSON: frozenset[State] = frozenset(
    State(state) for state, following in ALLOWED_MOVES.items() if State.CLOSED in following
)
"""Our machinery does nothing more about it; a person may close it."""

ENTRY: frozenset[State] = frozenset({State.CLEARED, State.DECLINED, State.SKIPPED})
"""How a planned action may be registered."""

RETRYABLE: frozenset[State] = frozenset({State.NOT_DONE})
"""An attempt that may be followed by another one without asking."""

RETRYABLE_BY_PERSON: frozenset[State] = RETRYABLE | {State.FAILED, State.STALE}
"""An attempt that may be followed by another one when a person asks for it."""


def may_follow(state: str) -> str:
    """The states that may follow ``state``, as words for a message."""
    return ", ".join(sorted(ALLOWED_MOVES.get(state, frozenset()))) or "nothing"
