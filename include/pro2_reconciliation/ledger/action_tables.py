"""The tables of actions, steps, moves and leases: the part in which the database itself keeps the order.

A move is refused by the database

* if it is not in ``allowed_move`` (foreign key; the first move, which has no ``from_state``, may only be to
  ``planned``: a check),
* if the step is not in its ``from_state`` (foreign key to the move that entered it): so also for a step that
  was never planned,
* if the step was in that state before (primary key) or has left it already (unique): so a second claim.

``from_state`` of the first move is NULL and not '', because a foreign key ignores NULL and would need a row
for ''. Moves are never changed and never deleted: triggers refuse it (see the migration).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pro2_reconciliation.ledger.columns import Base


class IdentityRow(Base):
    """Which ledger this is; always exactly one row.

    ``host`` and ``boot``: the machine that last used a ledger in a file; ``witnessed_at``: when a record outside
    of the database first named the present epoch.
    """

    __tablename__ = "identity"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    uuid: Mapped[str]
    epoch: Mapped[int]
    created_at: Mapped[datetime]
    adopted_by: Mapped[str | None]
    adopted_at: Mapped[datetime | None]
    host: Mapped[str | None]
    boot: Mapped[str | None]
    witnessed_at: Mapped[datetime | None]


class AdoptionRow(Base):
    """A person vouched for the ledger, which began an epoch; append-only by use."""

    __tablename__ = "adoption"

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]
    host: Mapped[str]


class RepeatRow(Base):
    """A person asked for one more generation of an action that had ended; it allows exactly that one."""

    __tablename__ = "repeat"
    __table_args__ = (UniqueConstraint("organization", "root", "remedy", "generation"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    root: Mapped[str]
    remedy: Mapped[str]
    generation: Mapped[int]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]


class AllowedMoveRow(Base):
    """``moves.ALLOWED_MOVES`` for the database."""

    __tablename__ = "allowed_move"

    from_state: Mapped[str] = mapped_column(primary_key=True)
    to_state: Mapped[str] = mapped_column(primary_key=True)


class ActionRow(Base):
    """One decision that is, or was not to be, carried out."""

    __tablename__ = "action"
    __table_args__ = (
        UniqueConstraint("organization", "root", "remedy", "generation"),
        Index("ix_action_plan_hash", "plan_hash"),
        Index("ix_action_organization_item_id", "organization", "item_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[str]
    root: Mapped[str]
    kind: Mapped[str]
    item_id: Mapped[str]
    name: Mapped[str]
    remedy: Mapped[str]
    generation: Mapped[int]
    fingerprint: Mapped[str]
    plan_hash: Mapped[str]
    created_at: Mapped[datetime]
    requested_by: Mapped[str]
    steps: Mapped[list[StepRow]] = relationship(
        order_by="StepRow.ordinal, StepRow.attempt", back_populates="action"
    )


class StepRow(Base):
    """One attempt at one request of an action.

    ``state`` is where its last move went, written by a trigger of the database with each move and by nobody else: it
    finds the few steps that stand somewhere among all that ended. What is decided on is read from the moves.
    """

    __tablename__ = "step"
    __table_args__ = (UniqueConstraint("action_id", "verb", "attempt"), Index("ix_step_state", "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    action_id: Mapped[str] = mapped_column(ForeignKey("action.id"))
    verb: Mapped[str]
    attempt: Mapped[int]
    ordinal: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="")
    action: Mapped[ActionRow] = relationship(back_populates="steps")
    moves: Mapped[list[MoveRow]] = relationship(back_populates="step")


class MoveRow(Base):
    """One move of one step; append-only."""

    __tablename__ = "move"
    __table_args__ = (
        UniqueConstraint("step_id", "from_state"),
        CheckConstraint("(from_state IS NULL) = (to_state = 'planned')", name="first_is_planned"),
        ForeignKeyConstraint(
            ["from_state", "to_state"], ["allowed_move.from_state", "allowed_move.to_state"]
        ),
        ForeignKeyConstraint(["step_id", "from_state"], ["move.step_id", "move.to_state"]),
        Index("ix_move_at", "at"),
        Index("ix_move_remote_id", "remote_id"),
        Index("ix_move_to_state", "to_state"),
    )

    step_id: Mapped[int] = mapped_column(ForeignKey("step.id"), primary_key=True)
    to_state: Mapped[str] = mapped_column(primary_key=True)
    from_state: Mapped[str | None]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]
    remote_id: Mapped[str | None]
    details: Mapped[dict[str, Any] | None]
    step: Mapped[StepRow] = relationship(back_populates="moves")


class LeaseRow(Base):
    """Who holds a claimed step, until when; the token changes with every holder and fences the former one
    off.
    """

    __tablename__ = "lease"

    step_id: Mapped[int] = mapped_column(ForeignKey("step.id"), primary_key=True)
    owner: Mapped[str]
    token: Mapped[str]
    expires_at: Mapped[datetime]
