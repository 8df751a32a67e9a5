"""What people said outside a plan: waivers, "leave to me", and the kill switch.

The switch is append-only: who turned it, when and why stays readable. An organization whose switch nobody
ever touched is ``OFF``: nothing is stopped.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.notes import HoldTrace, Note, Stage, SwitchRecord
from pro2_reconciliation.ledger.run_tables import HoldTraceRow
from pro2_reconciliation.ledger.tables import HoldRow, SwitchRow, WaiverRow


class ConsentPart(Core):
    """Waivers, holds and the switch, each by organization."""

    def waive(self, organization: str, item_key: str, who: str, why: str) -> Note:
        """A person does not want to wait for an item any longer."""
        note = Note(item_key, who, why, self.now())
        with self._write() as session:
            session.add(WaiverRow(organization=organization, item_key=item_key, who=who, why=why, at=note.at))
        return note

    def waived(self, organization: str, item_key: str, since: datetime | None = None) -> Note | None:
        """The newest waiver of an item, with ``since`` only if it is not older; None if there is none.

        An item's key is the same in every outage: without ``since`` a waiver of last year counts.
        """
        with self._read() as session:
            query = select(WaiverRow).where(
                WaiverRow.organization == organization, WaiverRow.item_key == item_key
            )
            if since is not None:
                query = query.where(WaiverRow.at >= since)
            row = session.scalars(query.order_by(WaiverRow.at.desc(), WaiverRow.id.desc())).first()
            return Note(row.item_key, row.who, row.why, row.at) if row is not None else None

    def waivers_of(self, organization: str, item_key: str) -> list[Note]:
        """Everybody who did not want to wait for an item, oldest first."""
        with self._read() as session:
            rows = session.scalars(
                select(WaiverRow)
                .where(WaiverRow.organization == organization, WaiverRow.item_key == item_key)
                .order_by(WaiverRow.id)
            )
            return [Note(row.item_key, row.who, row.why, row.at) for row in rows]

    def waivers(self, organization: str, since: datetime | None = None) -> dict[str, Note]:
        """The newest waiver of every item, with ``since`` those that are not older."""
        with self._read() as session:
            query = select(WaiverRow).where(WaiverRow.organization == organization)
            if since is not None:
                query = query.where(WaiverRow.at >= since)
            rows = session.scalars(query.order_by(WaiverRow.at, WaiverRow.id))
            return {row.item_key: Note(row.item_key, row.who, row.why, row.at) for row in rows}

    def hold(self, organization: str, item_key: str, who: str, why: str) -> Note:
        """A person takes an item over ("leave to me"); a second one replaces the first."""
        note = Note(item_key, who, why, self.now())
        with self._write() as session:
            session.merge(HoldRow(organization=organization, item_key=item_key, who=who, why=why, at=note.at))
            session.add(_traced(organization, item_key, who, why, note.at, held=True))
        return note

    def held(self, organization: str, item_key: str) -> Note | None:
        """Who took an item over, None if nobody did."""
        return self.holds(organization).get(item_key)

    def holds(self, organization: str) -> dict[str, Note]:
        """Every item that somebody took over."""
        with self._read() as session:
            rows = session.scalars(
                select(HoldRow).where(HoldRow.organization == organization).order_by(HoldRow.item_key)
            )
            return {row.item_key: Note(row.item_key, row.who, row.why, row.at) for row in rows}

    def end_hold(self, organization: str, item_key: str, who: str = "", why: str = "") -> bool:
        """Give an item back; False if nobody had it."""
        with self._write() as session:
            row = session.get(HoldRow, (organization, item_key))
            if row is not None:
                session.delete(row)
                session.add(_traced(organization, item_key, who, why, self.now(), held=False))
            return row is not None

    def hold_traces(self, organization: str, item_key: str) -> list[HoldTrace]:
        """Who took an item over and gave it back, oldest first."""
        with self._read() as session:
            rows = session.scalars(
                select(HoldTraceRow)
                .where(HoldTraceRow.organization == organization, HoldTraceRow.item_key == item_key)
                .order_by(HoldTraceRow.id)
            )
            return [HoldTrace(row.item_key, row.held, row.who, row.why, row.at) for row in rows]

    def switch(self, organization: str) -> SwitchRecord:
        """The kill switch as it stands; OFF if nobody ever touched it."""
        with self._read() as session:
            row = session.scalars(
                select(SwitchRow).where(SwitchRow.organization == organization).order_by(SwitchRow.id.desc())
            ).first()
            return (
                SwitchRecord(Stage(row.stage), row.who, row.why, row.at)
                if row is not None
                else SwitchRecord()
            )

    def set_switch(self, organization: str, stage: Stage, who: str, why: str) -> SwitchRecord:
        """Turn the kill switch; the newest turn counts. Raises ``ValueError`` for what is no stage."""
        record = SwitchRecord(Stage(stage), who, why, self.now())
        with self._write() as session:
            session.add(
                SwitchRow(
                    organization=organization, stage=record.stage.value, who=who, why=why, at=self.now()
                )
            )
        return record


def _traced(
    organization: str, item_key: str, who: str, why: str, at: datetime, *, held: bool
) -> HoldTraceRow:
    return HoldTraceRow(organization=organization, item_key=item_key, held=held, who=who, why=why, at=at)
