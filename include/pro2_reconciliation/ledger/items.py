"""What is still open for a person, and the alarms.

An item that needs a person is no end: it has one open row until it is closed by somebody, with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.notes import Alarm, OpenItem
from pro2_reconciliation.ledger.tables import AlarmRow, OpenItemRow


class ItemsPart(Core):
    """Open items and alarms, each by organization."""

    def open_item(
        self, organization: str, item_key: str, *, name: str, rule: str, reason: str, plan_hash: str
    ) -> OpenItem:
        """Open an item, or bring the open one up to date: its ``opened_at`` stays. Out: the item as it is
        now.
        """
        with self._write() as session:
            row = _open_row(session, organization, item_key)
            if row is None:
                row = OpenItemRow(organization=organization, item_key=item_key, opened_at=self.now())
                session.add(row)
            row.name, row.rule, row.reason, row.plan_hash = name, rule, reason, plan_hash
            session.flush()
            return _item(row)

    def open_items(self, organization: str, *, closed_since: datetime | None = None) -> list[OpenItem]:
        """The open items, longest open first; with ``closed_since`` also those closed at or after it."""
        with self._read() as session:
            still = OpenItemRow.closed_at.is_(None)
            wanted = still if closed_since is None else still | (OpenItemRow.closed_at >= closed_since)
            rows = session.scalars(
                select(OpenItemRow)
                .where(OpenItemRow.organization == organization, wanted)
                .order_by(OpenItemRow.opened_at, OpenItemRow.id)
            )
            return [_item(row) for row in rows]

    def close_item(self, organization: str, item_key: str, who: str, why: str) -> OpenItem | None:
        """Close an item. Out: the item as closed, None if none was open."""
        with self._write() as session:
            row = _open_row(session, organization, item_key)
            if row is None:
                return None
            row.closed_at, row.closed_by, row.closed_why = self.now(), who, why
            return _item(row)

    def alarm(self, organization: str, kind: str, body: Mapping[str, Any]) -> Alarm:
        """Note an alarm now."""
        alarm = Alarm(self.now(), kind, dict(body))
        with self._write() as session:
            session.add(AlarmRow(organization=organization, at=alarm.at, kind=kind, body=dict(body)))
        return alarm

    def alarms(self, organization: str, since: datetime | None = None) -> list[Alarm]:
        """The alarms, oldest first; with ``since`` those at or after it."""
        with self._read() as session:
            query = select(AlarmRow).where(AlarmRow.organization == organization)
            if since is not None:
                query = query.where(AlarmRow.at >= since)
            rows = session.scalars(query.order_by(AlarmRow.at, AlarmRow.id))
            return [Alarm(row.at, row.kind, row.body) for row in rows]


def _open_row(session: Session, organization: str, item_key: str) -> OpenItemRow | None:
    return session.scalars(
        select(OpenItemRow)
        .where(
            OpenItemRow.organization == organization,
            OpenItemRow.item_key == item_key,
            OpenItemRow.closed_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()


def _item(row: OpenItemRow) -> OpenItem:
    return OpenItem(
        row.item_key,
        row.name,
        row.rule,
        row.reason,
        row.plan_hash,
        row.opened_at,
        row.closed_at,
        row.closed_by,
        row.closed_why,
    )
