"""What is remembered of a ledger outside of its database."""

from __future__ import annotations

from typing import Protocol

from pro2_reconciliation.domain.base import UtcTime, Value


class Witnessed(Value):
    """The ledger that was acted on last: its adoption, how many events it had, and its last move.

    ``last_step`` and ``last_state`` name that move, None and "" if nothing had moved yet; ``address`` is without
    password. It travels as JSON.
    """

    uuid: str
    epoch: int
    adopted_at: UtcTime
    adopted_by: str = ""
    address: str = ""
    moves: int = 0
    switches: int = 0
    last_step: int | None = None
    last_state: str = ""
    last_at: UtcTime | None = None
    written_at: UtcTime


class Witness(Protocol):
    """Where it is remembered. ``name`` says so for people ("Airflow Variable ..."). Errors: ``LedgerError``."""

    @property
    def name(self) -> str: ...

    def read(self) -> Witnessed | None:
        """None if there is nothing, or nothing can be told from there being nothing."""
        ...

    def write(self, seen: Witnessed) -> None: ...
