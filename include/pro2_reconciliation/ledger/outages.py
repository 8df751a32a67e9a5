"""Outages as they are known now, and the trace of every change to one.

Detection works the whole picture out from what is known inside the transaction that writes it (``merge_outages``), and
whoever sets a state says for which outage that is meant (``provided``). So nobody undoes what somebody else did
meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.notes import OutageTrace
from pro2_reconciliation.ledger.tables import OutageRow, OutageTraceRow

_HISTORY = frozenset({OutageState.PLANNED, OutageState.CLOSED})


class OutagesPart(Core):
    """The outages of an organization."""

    def outages(self, organization: str, states: Iterable[OutageState] | None = None) -> list[Outage]:
        """The outages, oldest first; with ``states`` only those in one of them."""
        with self._read() as session:
            found = [_outage(row) for row in _rows(session, organization)]
        wanted = None if states is None else frozenset(states)
        return [outage for outage in found if wanted is None or outage.state in wanted]

    def outage(self, id_or_alias: str) -> Outage | None:
        """The outage of this id, or the one that the outage of this id was merged into; None if there is
        none.
        """
        with self._read() as session:
            row = _find(session, id_or_alias)
            return _outage(row) if row is not None else None

    def merge_outages(
        self, organization: str, merge: Callable[[list[Outage]], Sequence[Outage]], why: str
    ) -> list[Outage]:
        """Work the outages of an organization out anew and write them, with a trace of each change. Nobody changes
        one in between: all of it is one transaction.

        In: ``merge`` makes of the outages as they stand every one that stands from now on; it asks nobody, because
        others wait for it. One that is missing is removed, unless it was planned or closed already (history stays)
        and is nobody's alias. Out: the outages as they stand now. Errors: ``LedgerError`` for one of another
        organization; then nothing is written.
        """
        with self._write() as session:
            stored = {row.id: row for row in _rows(session, organization, lock=True)}
            outages = merge([_outage(row) for row in stored.values()])
            foreign = [outage.id for outage in outages if outage.organization != organization]
            if foreign:
                raise LedgerError(
                    f"The outages {', '.join(foreign)} are not of {organization}; nothing was written, "
                    "replace each organization's on its own."
                )
            absorbed = {alias: outage.id for outage in outages for alias in outage.aliases}
            for outage in outages:
                self._put(session, stored.pop(outage.id, None), outage, why)
            for row in stored.values():
                gone = _outage(row)
                if gone.state in _HISTORY and gone.id not in absorbed:
                    continue
                became = {"merged_into": absorbed[gone.id]} if gone.id in absorbed else None
                self._trace(session, gone.id, gone.model_dump(mode="json"), became, why)
                session.delete(row)
            session.flush()
            return [_outage(row) for row in _rows(session, organization)]

    def replace_outages(self, organization: str, outages: Sequence[Outage], why: str) -> list[Outage]:
        """Write a whole picture that does not depend on what is known, as ``merge_outages`` does."""
        return self.merge_outages(organization, lambda _: outages, why)

    def set_outage_state(
        self,
        id_or_alias: str,
        state: OutageState,
        *,
        generation: int | None = None,
        why: str = "",
        provided: Callable[[Outage], bool] = lambda outage: True,
    ) -> Outage:
        """Set an outage's state, and with ``generation`` the number of its dag run, with a trace.

        In: ``provided`` is asked of the outage as it stands in this transaction; where it says no, nothing changes.
        Out: the outage afterwards. Errors: ``LedgerError`` if there is none.
        """
        with self._write() as session:
            row = _find(session, id_or_alias, lock=True)
            if row is None:
                raise LedgerError(
                    f"The ledger has no outage {id_or_alias}, and none it was merged into; list "
                    "the outages first."
                )
            was = _outage(row)
            if not provided(was):
                return was
            update = {"state": state, "generation": was.generation if generation is None else generation}
            became = was.model_copy(update=update)
            self._put(session, row, became, why or f"state set to {state}")
            return became

    def outage_traces(self, outage_id: str) -> list[OutageTrace]:
        """Every change of an outage, oldest first; also of one that is gone."""
        with self._read() as session:
            rows = session.scalars(
                select(OutageTraceRow)
                .where(OutageTraceRow.outage_id == outage_id)
                .order_by(OutageTraceRow.id)
            )
            return [OutageTrace(row.outage_id, row.at, row.was, row.became, row.why) for row in rows]

    def _put(self, session: Session, row: OutageRow | None, outage: Outage, why: str) -> None:
        was = _outage(row) if row is not None else None
        if was == outage:
            return
        if row is None:
            row = OutageRow(id=outage.id, organization=outage.organization)
            session.add(row)
        row.service, row.state, row.generation = outage.service.value, outage.state.value, outage.generation
        row.start_at, row.end_at, row.updated_at = outage.start, outage.end, self.now()
        row.aliases = list(outage.aliases)
        row.evidence = [evidence.model_dump(mode="json") for evidence in outage.evidence]
        before = was.model_dump(mode="json") if was is not None else None
        self._trace(session, outage.id, before, outage.model_dump(mode="json"), why)

    def _trace(
        self,
        session: Session,
        outage_id: str,
        was: dict[str, Any] | None,
        became: dict[str, Any] | None,
        why: str,
    ) -> None:
        session.add(OutageTraceRow(outage_id=outage_id, at=self.now(), was=was, became=became, why=why))


def _rows(session: Session, organization: str, *, lock: bool = False) -> list[OutageRow]:
    query = select(OutageRow).where(OutageRow.organization == organization)
    query = query.order_by(OutageRow.start_at, OutageRow.id)
    return list(session.scalars(query.with_for_update() if lock else query))


def _find(session: Session, id_or_alias: str, *, lock: bool = False) -> OutageRow | None:
    row = session.get(OutageRow, id_or_alias, with_for_update=lock)
    if row is not None:
        return row
    query = select(OutageRow).order_by(OutageRow.id)
    rows = session.scalars(query.with_for_update() if lock else query)
    return next((row for row in rows if id_or_alias in row.aliases), None)


def _outage(row: OutageRow) -> Outage:
    return Outage.model_validate(
        {
            "id": row.id,
            "organization": row.organization,
            "service": row.service,
            "start": row.start_at,
            "end": row.end_at,
            "state": row.state,
            "aliases": row.aliases,
            "generation": row.generation,
            "evidence": row.evidence,
        }
    )
