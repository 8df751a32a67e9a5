"""The tables of what people were told: the message, what it told of, and what became of it on each connection.

That a thing was told of is a row whose primary key is the thing: two processes cannot both write it, so they cannot
both tell. Rows of ``told_of`` are never changed; a delivery is, since it is tried again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from pro2_reconciliation.ledger.columns import Base


class NotificationRow(Base):
    """One message; ``body`` is the whole ``repair.messages.Message``. It holds no address and no secret."""

    __tablename__ = "notification"

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class ToldOfRow(Base):
    """A subject of a kind that a message tells of; ``generation`` counts how often it is meant to be told of."""

    __tablename__ = "told_of"

    organization: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    notification_id: Mapped[int] = mapped_column(ForeignKey("notification.id"))
    at: Mapped[datetime]


class DeliveryRow(Base):
    """What became of a message on one connection.

    ``outcomes``: position of an address in the connection to what became of it there. ``lease_until``: while it is
    being tried; ``again_at``: when it may be tried again, NULL: never.
    """

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_state", "state"),)

    notification_id: Mapped[int] = mapped_column(ForeignKey("notification.id"), primary_key=True)
    connection: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    tries: Mapped[int]
    outcomes: Mapped[dict[str, Any]]
    said: Mapped[str]
    at: Mapped[datetime]
    again_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
