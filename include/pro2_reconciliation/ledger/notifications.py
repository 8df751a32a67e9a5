"""What people were told of, by organization, kind, subject and generation, and each delivery of it.

The message and the rows that say "this was told of" are one transaction, before anything is sent: of two processes
with the same news one writes them and the other finds them. A delivery is then taken with a lease before it is tried,
and ended with what became of it; whoever finds an expired lease knows that it may have arrived.

How it fails: ``LedgerError``; a delivery that somebody else took is None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.notification_tables import DeliveryRow, NotificationRow, ToldOfRow


class DeliveryState(StrEnum):
    """``WAITING`` nobody tried yet. ``TRYING`` somebody does. ``SENT`` it arrived everywhere. ``REFUSED`` it provably
    did not arrive somewhere. ``UNKNOWN`` it may have arrived, or not."""

    WAITING = "waiting"
    TRYING = "trying"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Delivery:
    """A message for one connection. ``outcomes``: position of an address in the connection to a ``DeliveryState``.

    ``again_at`` None: it is not tried any more. ``taken_over``: whoever tried last did not say what became of it.
    """

    notification_id: int
    kind: str
    connection: str
    body: Mapping[str, Any]
    state: DeliveryState
    tries: int
    outcomes: Mapping[str, str]
    said: str
    at: datetime
    again_at: datetime | None = None
    taken_over: bool = False


@dataclass(frozen=True)
class ToldOf:
    """That a subject was told of, and when; ``body`` is the message's."""

    kind: str
    subject: str
    generation: int
    notification_id: int
    at: datetime
    body: Mapping[str, Any]


class NotificationsPart(Core):
    """Messages and their deliveries, each by organization."""

    def announce(
        self,
        organization: str,
        kind: str,
        subjects: Mapping[str, int],
        build: Callable[[Sequence[str]], Mapping[str, Any]],
        connections: Sequence[str],
        *,
        again_after: timedelta | None = None,
    ) -> tuple[str, ...]:
        """Write one message about those subjects that were not told of before.

        In: ``subjects`` with the generation of each; with ``again_after`` the generation is counted here, and a
        subject is told of again once its newest is that old. ``build`` makes the message's JSON of the subjects
        that are left, inside the transaction: it must not wait. Out: those subjects; none where all were told of.
        """
        for _ in range(3):
            try:
                with self._write() as session:
                    return self._announce(
                        session, organization, kind, subjects, build, connections, again_after
                    )
            except _Raced:
                continue  # another process wrote one of them meanwhile; now it is there to be found
        raise LedgerError(f"The {kind} of {organization} is being told of by several at once; try again.")

    def told_of(self, organization: str, kind: str, since: datetime | None = None) -> list[ToldOf]:
        """What was told of under a kind, oldest first; with ``since`` not what is older."""
        with self._read() as session:
            query = (
                select(ToldOfRow, NotificationRow.body)
                .join(NotificationRow, NotificationRow.id == ToldOfRow.notification_id)
                .where(ToldOfRow.organization == organization, ToldOfRow.kind == kind)
                .order_by(ToldOfRow.at, ToldOfRow.subject, ToldOfRow.generation)
            )
            if since is not None:
                query = query.where(ToldOfRow.at >= since)
            return [
                ToldOf(row.kind, row.subject, row.generation, row.notification_id, row.at, body)
                for row, body in session.execute(query)
            ]

    def deliveries(self, organization: str, since: datetime | None = None) -> list[Delivery]:
        """Every delivery, oldest message first; with ``since`` those whose message is not older."""
        with self._read() as session:
            query = _of(organization)
            if since is not None:
                query = query.where(NotificationRow.at >= since)
            return [_delivery(row, message) for row, message in session.execute(query)]

    def due_deliveries(self, organization: str) -> list[Delivery]:
        """The deliveries that may be tried now: never tried, to be tried again, or left by one who died."""
        with self._read() as session:
            return [
                _delivery(row, message)
                for row, message in session.execute(_of(organization).where(_due(self.now())))
            ]

    def begin_delivery(self, notification_id: int, connection: str, lease_seconds: float) -> Delivery | None:
        """Take a due delivery for so many seconds; None where somebody else took it, or it is not due any more."""
        with self._write() as session:
            now = self.now()
            row = session.scalars(
                select(DeliveryRow)
                .where(
                    DeliveryRow.notification_id == notification_id,
                    DeliveryRow.connection == connection,
                    _due(now),
                )
                .with_for_update()
            ).one_or_none()
            if row is None:
                return None
            taken_over = row.state == DeliveryState.TRYING.value
            row.state, row.tries, row.at = DeliveryState.TRYING.value, row.tries + 1, now
            row.lease_until, row.again_at = now + timedelta(seconds=lease_seconds), None
            message = session.get_one(NotificationRow, notification_id)
            session.flush()
            return _delivery(row, message, taken_over)

    def end_delivery(
        self,
        taken: Delivery,
        state: DeliveryState,
        *,
        outcomes: Mapping[str, str],
        said: str,
        again_at: datetime | None,
    ) -> bool:
        """Write what became of a delivery that was taken; False, and nothing written, if somebody took it over."""
        with self._write() as session:
            row = session.get(DeliveryRow, (taken.notification_id, taken.connection), with_for_update=True)
            if row is None or row.tries != taken.tries or row.state != DeliveryState.TRYING.value:
                return False
            row.state, row.outcomes, row.said = state.value, dict(outcomes), said
            row.at, row.again_at, row.lease_until = self.now(), again_at, None
            return True

    def _announce(
        self,
        session: Session,
        organization: str,
        kind: str,
        subjects: Mapping[str, int],
        build: Callable[[Sequence[str]], Mapping[str, Any]],
        connections: Sequence[str],
        again_after: timedelta | None,
    ) -> tuple[str, ...]:
        now, new = self.now(), dict[str, int]()
        for subject, generation in subjects.items():
            newest: Any = session.execute(
                select(func.max(ToldOfRow.generation), func.max(ToldOfRow.at)).where(
                    ToldOfRow.organization == organization,
                    ToldOfRow.kind == kind,
                    ToldOfRow.subject == subject,
                )
            ).one()
            known, at = int(newest[0] or 0), newest[1]
            if again_after is not None:
                if at is None or now - at >= again_after:
                    new[subject] = known + 1
            elif generation > known:
                new[subject] = generation
        if not new or not connections:
            return ()
        message = NotificationRow(organization=organization, kind=kind, body=dict(build(tuple(new))), at=now)
        session.add(message)
        try:
            session.flush()
            for subject, generation in sorted(new.items()):
                session.add(
                    ToldOfRow(
                        organization=organization,
                        kind=kind,
                        subject=subject,
                        generation=generation,
                        notification_id=message.id,
                        at=now,
                    )
                )
            session.flush()
        except IntegrityError as error:
            raise _Raced from error
        for connection in connections:
            session.add(
                DeliveryRow(
                    notification_id=message.id,
                    connection=connection,
                    state=DeliveryState.WAITING.value,
                    tries=0,
                    outcomes={},
                    said="",
                    at=now,
                )
            )
        return tuple(new)


class _Raced(Exception):
    """Another process told of the same between our look and our write."""


def _of(organization: str) -> Any:
    return (
        select(DeliveryRow, NotificationRow)
        .join(NotificationRow, NotificationRow.id == DeliveryRow.notification_id)
        .where(NotificationRow.organization == organization)
        .order_by(NotificationRow.id, DeliveryRow.connection)
    )


def _due(now: datetime) -> Any:
    return or_(
        DeliveryRow.state == DeliveryState.WAITING.value,
        DeliveryRow.again_at <= now,
        (DeliveryRow.state == DeliveryState.TRYING.value) & (DeliveryRow.lease_until <= now),
    )


def _delivery(row: DeliveryRow, message: NotificationRow, taken_over: bool = False) -> Delivery:
    return Delivery(
        notification_id=row.notification_id,
        kind=message.kind,
        connection=row.connection,
        body=message.body,
        state=DeliveryState(row.state),
        tries=row.tries,
        outcomes=dict(row.outcomes),
        said=row.said,
        at=row.at,
        again_at=row.again_at,
        taken_over=taken_over,
    )
