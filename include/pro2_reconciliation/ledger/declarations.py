"""Outages that people vouch for at the desk or in the form, each with who and why.

A withdrawn one is kept, as a claim of no length: that is what takes it back where it was counted already.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger.columns import as_utc
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.notes import Declaration
from pro2_reconciliation.ledger.tables import DeclarationRow


class DeclarationsPart(Core):
    """The declared windows of an organization."""

    def declare(
        self, organization: str, service: Service, start: datetime, end: datetime | None, who: str, why: str
    ) -> Declaration:
        """Note that a service was down in [start, end); ``end`` None: it still is. Said twice it is one.

        Errors: ``LedgerError`` for a window that ends before it starts.
        """
        begin, until = as_utc(start), as_utc(end) if end is not None else None
        if until is not None and until <= begin:
            raise LedgerError(
                f"an outage from {begin.isoformat()} to {until.isoformat()} has no length; give a later end"
            )
        for known in self.declarations(organization):
            if (known.service, known.start, known.end, known.withdrawn_at) == (service, begin, until, None):
                return known
        row = DeclarationRow(
            organization=organization,
            service=service.value,
            start_at=begin,
            end_at=until,
            who=who,
            why=why,
            at=self.now(),
        )
        with self._write() as session:
            session.add(row)
            session.flush()
            return _declaration(row)

    def declarations(self, organization: str) -> list[Declaration]:
        """Every declaration, withdrawn ones too, oldest first."""
        with self._read() as session:
            rows = session.scalars(
                select(DeclarationRow)
                .where(DeclarationRow.organization == organization)
                .order_by(DeclarationRow.id)
            )
            return [_declaration(row) for row in rows]

    def end_declaration(self, organization: str, number: int, end: datetime, who: str = "") -> Declaration:
        """Say when a declared outage has ended. Errors: as ``declare``, and if there is none."""
        until = as_utc(end)
        with self._write() as session:
            row = session.get(DeclarationRow, number, with_for_update=True)
            if row is None or row.organization != organization or row.withdrawn_at is not None:
                raise LedgerError(f"there is no declaration {number} of {organization}; list them by: status")
            if until <= row.start_at:
                raise LedgerError(
                    f"declaration {number} starts at {row.start_at.isoformat()}; give a later end"
                )
            row.end_at, row.ended_by = until, who or row.ended_by
            return _declaration(row)

    def withdraw(self, organization: str, number: int, who: str) -> Declaration | None:
        """Take a declaration back. Out: it, None if there is none (or it was withdrawn already)."""
        with self._write() as session:
            row = session.get(DeclarationRow, number, with_for_update=True)
            if row is None or row.organization != organization or row.withdrawn_at is not None:
                return None
            row.withdrawn_by, row.withdrawn_at = who, self.now()
            return _declaration(row)


def _declaration(row: DeclarationRow) -> Declaration:
    return Declaration(
        number=row.id,
        service=Service(row.service),
        start=row.start_at,
        end=row.end_at,
        who=row.who,
        why=row.why,
        at=row.at,
        withdrawn_by=row.withdrawn_by,
        withdrawn_at=row.withdrawn_at,
        ended_by=row.ended_by,
    )
