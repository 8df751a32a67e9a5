"""Further attempts at a dag run that ended before it had a plan: each is noted before it is started, and once.

The first attempt is the dag run itself and has no row. Two that note the same attempt both get its number, so the run
id that they make of it is one claim.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.notes import Attempt
from pro2_reconciliation.ledger.run_tables import AttemptRow


class AttemptsPart(Core):
    """Attempts, by the id of the dag run that was the first."""

    def attempts(self, organization: str, first: str) -> list[Attempt]:
        """The attempts after the dag run ``first``, oldest first; empty while it is the only one."""
        with self._read() as session:
            return [_attempt(row) for row in _rows(session, organization, first)]

    def note_attempt(self, organization: str, first: str, plan_hash: str, number: int, why: str) -> Attempt:
        """Note attempt ``number`` (2 and on) of the dag run ``first`` about a plan; one that was noted stays.

        Out: the attempt as it is noted. Errors: ``LedgerError`` where another process notes it at this moment; the
        next pass finds it.
        """
        with self._write() as session:
            row = session.get(AttemptRow, (organization, first, number), with_for_update=True)
            if row is None:
                row = AttemptRow(
                    organization=organization,
                    first=first,
                    number=number,
                    plan_hash=plan_hash,
                    why=why,
                    at=self.now(),
                )
                session.add(row)
            return _attempt(row)


def _rows(session: Session, organization: str, first: str) -> list[AttemptRow]:
    query = select(AttemptRow).where(AttemptRow.organization == organization, AttemptRow.first == first)
    return list(session.scalars(query.order_by(AttemptRow.number)))


def _attempt(row: AttemptRow) -> Attempt:
    return Attempt(row.number, row.at, row.why)
