"""Which ledger this is: what the plan carries and every acting task compares.

An empty ledger is not permission: a lost or restored file has another uuid, another epoch or an older last
event, and a plan made on another ledger is refused (architecture: invariant 10).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger.action_tables import IdentityRow, MoveRow
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.records import Identity


class IdentityPart(Core):
    """Identity, adoption and the last event."""

    @property
    def identity(self) -> Identity:
        """As it stands in the database now; another process may have adopted it meanwhile."""
        with self._read() as session:
            return _identity(session)

    def require_identity(self, uuid: str, epoch: int) -> None:
        """Raise ``LedgerError`` unless a plan was made on this very ledger, in its present epoch."""
        with self._read() as session:
            require_identity(session, uuid, epoch, self.address)

    def adopt(self, who: str) -> Identity:
        """A person vouches for this ledger: plans made before do not count any more (the epoch grows)."""
        with self._write() as session:
            row = session.scalars(select(IdentityRow).with_for_update()).one()
            row.epoch += 1
            row.adopted_by, row.adopted_at = who, self.now()
            session.flush()
            return _identity(session)

    def last_event(self) -> datetime | None:
        """When a step last moved; None in a ledger in which nothing happened yet."""
        with self._read() as session:
            return session.scalar(select(func.max(MoveRow.at)))


def _identity(session: Session) -> Identity:
    row = session.scalars(select(IdentityRow)).one()
    return Identity(row.uuid, row.epoch, row.created_at, row.adopted_by, row.adopted_at)


def require_identity(session: Session, uuid: str, epoch: int, address: str) -> None:
    """``IdentityPart.require_identity`` inside a transaction."""
    here = _identity(session)
    if here.uuid != uuid:
        raise LedgerError(
            f"The plan was made on the ledger {uuid}, the ledger at {address} is {here.uuid}. "
            "Nothing was done; "
            "restore the ledger the plan was made on, or make a new plan on this one."
        )
    if here.epoch != epoch:
        raise LedgerError(
            f"The plan was made in epoch {epoch} of the ledger, which is in epoch {here.epoch} "
            "now (adopted by "
            f"{here.adopted_by or 'nobody'}). Nothing was done; make a new plan."
        )
