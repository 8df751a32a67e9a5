"""Which ledger this is: what the plan carries, every acting task compares, and a witness outside remembers.

An empty ledger is not permission: a lost or restored one has another uuid, an older adoption or fewer events, and
a plan made on another ledger is refused (architecture: invariant 10). ``witness.py`` says which ledger may act.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger.action_tables import AdoptionRow, IdentityRow, MoveRow
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.machine import Machine
from pro2_reconciliation.ledger.records import Adoption, Identity
from pro2_reconciliation.ledger.tables import SwitchRow
from pro2_reconciliation.ledger.witnessed import Witnessed


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

    def adopt(self, who: str, why: str = "", machine: Machine | None = None) -> Identity:
        """A person vouches for this ledger, on ``machine`` (else this one): it may be acted on from now on.

        The epoch grows, so plans made before do not count any more. Two people at once begin an epoch each.
        """
        here = machine or Machine.this()
        with self._write() as session:
            row = session.scalars(select(IdentityRow).with_for_update()).one()
            row.epoch += 1
            row.adopted_by, row.adopted_at = who, self.now()
            row.host, row.boot, row.witnessed_at = here.host, here.boot, None
            session.add(AdoptionRow(epoch=row.epoch, who=who, why=why, at=row.adopted_at, host=here.host))
            session.flush()
            return _identity(session)

    def adoptions(self) -> list[Adoption]:
        """Everybody who vouched for this ledger, oldest first."""
        with self._read() as session:
            rows = session.scalars(select(AdoptionRow).order_by(AdoptionRow.epoch))
            return [Adoption(row.epoch, row.who, row.why, row.at, row.host) for row in rows]

    def last_event(self) -> datetime | None:
        """When a step last moved; None in a ledger in which nothing happened yet."""
        with self._read() as session:
            return session.scalar(select(func.max(MoveRow.at)))

    def picture(self) -> Witnessed:
        """What a witness has to remember of this ledger as it is now. Errors: ``LedgerError`` if nobody adopted it."""
        with self._read() as session:
            identity = _identity(session)
            if identity.adopted_at is None:
                raise LedgerError(f"The ledger {identity.uuid} at {self.address} was never adopted.")
            moves = session.execute(select(MoveRow.to_state, func.count()).group_by(MoveRow.to_state))
            return Witnessed(
                uuid=identity.uuid,
                epoch=identity.epoch,
                adopted_at=identity.adopted_at,
                adopted_by=identity.adopted_by or "",
                address=self.address,
                moves={row[0]: row[1] for row in moves},
                switches=session.scalar(select(func.count()).select_from(SwitchRow)) or 0,
                last_at=session.scalar(select(func.max(MoveRow.at))),
                written_at=self.now(),
            )

    def note_witnessed(self) -> None:
        """A witness knows the present epoch from now on; one that is silent afterwards is no permission."""
        with self._write() as session:
            row = session.scalars(select(IdentityRow).with_for_update()).one()
            row.witnessed_at = self.now()

    def note_machine(self, machine: Machine) -> None:
        """A machine that may use this ledger does so; written only where it changed (a reboot, a new container)."""
        with self._write() as session:
            row = session.scalars(select(IdentityRow).with_for_update()).one()
            row.host, row.boot = machine.host, machine.boot


def _identity(session: Session) -> Identity:
    row = session.scalars(select(IdentityRow)).one()
    return Identity(
        row.uuid,
        row.epoch,
        row.created_at,
        row.adopted_by,
        row.adopted_at,
        row.host,
        row.boot,
        row.witnessed_at,
    )


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
