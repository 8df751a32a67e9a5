"""What is remembered of a ledger outside of its database."""

from __future__ import annotations

from typing import Protocol

from pydantic import Field

from pro2_reconciliation.domain.base import UtcTime, Value


class Witnessed(Value):
    """The ledger that was acted on last: its adoption, and how much it held.

    ``moves`` counts the moves into each state: a ledger that allows plans only gains no intent, so what was lost of
    them is never made good by something else. ``address`` is without password. It travels as JSON.
    """

    uuid: str
    epoch: int
    adopted_at: UtcTime
    adopted_by: str = ""
    address: str = ""
    moves: dict[str, int] = Field(default_factory=dict)
    switches: int = 0
    last_at: UtcTime | None = None
    written_at: UtcTime

    def more_than(self, other: Witnessed) -> bool:
        """Whether it holds anything that ``other`` does not hold as often."""
        more = any(count > other.moves.get(state, 0) for state, count in self.moves.items())
        return more or self.switches > other.switches


class Witness(Protocol):
    """Where it is remembered. ``name`` says so for people ("Airflow Variable ..."). Errors: ``LedgerError``."""

    @property
    def name(self) -> str: ...

    def read(self) -> Witnessed | None:
        """None if there is nothing, or nothing can be told from there being nothing."""
        ...

    def write(self, seen: Witnessed) -> None: ...
