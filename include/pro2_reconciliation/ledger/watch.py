"""What was watched: probe samples, snapshots of the schedule, the watermark and heartbeats.

Nothing here is a decision; losing it makes the software more careful, never bolder.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger.columns import as_utc
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.notes import Sample, Snapshot
from pro2_reconciliation.ledger.tables import HeartbeatRow, ProbeSampleRow, SnapshotRow, WatermarkRow

ALL_KEPT = timedelta(hours=4)
"""Every snapshot that is younger is kept; of older ones one an hour."""
KEPT = timedelta(days=8)
"""Snapshots and samples that are older go: long enough for an Airflow that was away over a weekend."""


class WatchPart(Core):
    """Samples, snapshots, the watermark and heartbeats."""

    def add_sample(
        self,
        organization: str,
        service: Service,
        *,
        up: bool,
        detail: str = "",
        at: datetime | None = None,
        probe: str = "",
    ) -> Sample:
        """Note one look of ``probe`` at a service; ``at`` is now unless it is given. Those older than ``KEPT`` go."""
        sample = Sample(service.value, at or self.now(), up, detail, probe)
        with self._write() as session:
            session.add(
                ProbeSampleRow(
                    organization=organization,
                    service=sample.service,
                    at=sample.at,
                    up=up,
                    detail=detail,
                    probe=probe,
                )
            )
            too_old = (ProbeSampleRow.organization == organization, ProbeSampleRow.at < sample.at - KEPT)
            session.execute(delete(ProbeSampleRow).where(*too_old))
        return sample

    def samples(self, organization: str, service: Service, since: datetime) -> list[Sample]:
        """The looks at a service at or after ``since``, oldest first."""
        with self._read() as session:
            rows = session.scalars(
                select(ProbeSampleRow)
                .where(
                    ProbeSampleRow.organization == organization,
                    ProbeSampleRow.service == service.value,
                    ProbeSampleRow.at >= since,
                )
                .order_by(ProbeSampleRow.at, ProbeSampleRow.id)
            )
            return [Sample(row.service, row.at, row.up, row.detail, row.probe) for row in rows]

    def add_snapshot(
        self, organization: str, body: Mapping[str, Any], at: datetime | None = None
    ) -> Snapshot:
        """Note what is scheduled now, as JSON; old ones are thinned out (``ALL_KEPT``, ``KEPT``)."""
        snapshot = Snapshot(at or self.now(), dict(body))
        with self._write() as session:
            session.add(SnapshotRow(organization=organization, at=snapshot.at, body=dict(body)))
            session.flush()
            of_ours = select(SnapshotRow.id, SnapshotRow.at).where(SnapshotRow.organization == organization)
            rows = session.execute(of_ours.order_by(SnapshotRow.at, SnapshotRow.id)).all()
            surplus = _surplus([(number, at) for number, at in rows], snapshot.at)
            session.execute(delete(SnapshotRow).where(SnapshotRow.id.in_(surplus)))
        return snapshot

    def latest_snapshot(self, organization: str, before: datetime | None = None) -> Snapshot | None:
        """The newest snapshot, with ``before`` the newest that is older than it; None if there is none."""
        with self._read() as session:
            query = select(SnapshotRow).where(SnapshotRow.organization == organization)
            if before is not None:
                query = query.where(SnapshotRow.at < before)
            row = session.scalars(query.order_by(SnapshotRow.at.desc(), SnapshotRow.id.desc())).first()
            return Snapshot(row.at, row.body) if row is not None else None

    def snapshots(self, organization: str, since: datetime) -> list[Snapshot]:
        """The snapshots that are kept of the time after ``since``, oldest first."""
        with self._read() as session:
            query = select(SnapshotRow).where(
                SnapshotRow.organization == organization, SnapshotRow.at > since
            )
            rows = session.scalars(query.order_by(SnapshotRow.at, SnapshotRow.id))
            return [Snapshot(row.at, row.body) for row in rows]

    def watermark(self, organization: str) -> datetime | None:
        """The end of the last window that was read completely; None if there was none."""
        with self._read() as session:
            row = session.get(WatermarkRow, organization)
            return row.until if row is not None else None

    def set_watermark(self, organization: str, until: datetime) -> datetime:
        """Move the watermark forward; it never goes back. Out: where it stands now."""
        until = as_utc(until)
        with self._write() as session:
            row = session.get(WatermarkRow, organization, with_for_update=True)
            if row is None:
                session.add(WatermarkRow(organization=organization, until=until))
                return until
            row.until = max(row.until, until)
            return row.until

    def beat(self, name: str, at: datetime | None = None) -> datetime:
        """A watcher of this name passed ``at``, now unless given. Out: when it last passed.

        What changed while a pass went on may not have been seen by it: a pass counts from its beginning. A slow one
        takes nothing back from a later one; a beat of a clock that was ahead is not kept.
        """
        now = self.now()
        at = now if at is None else as_utc(at)
        with self._write() as session:
            row = session.get(HeartbeatRow, name, with_for_update=True)
            at = max(at, min(row.at, now)) if row is not None else at
            session.merge(HeartbeatRow(name=name, at=at))
        return at

    def heartbeat(self, name: str) -> datetime | None:
        """When the watcher of this name last passed; None if it never did."""
        with self._read() as session:
            row = session.get(HeartbeatRow, name)
            return row.at if row is not None else None


def _surplus(rows: list[tuple[int, datetime]], now: datetime) -> list[int]:
    """Ids of the snapshots that go: older than ``KEPT``, or not the first of their hour beyond ``ALL_KEPT``."""
    gone: list[int] = []
    last_hour: datetime | None = None
    for number, at in rows:
        hour = at.replace(minute=0, second=0, microsecond=0)
        if now - at > KEPT or (now - at > ALL_KEPT and hour == last_hour):
            gone.append(number)
        last_hour = hour
    return gone
