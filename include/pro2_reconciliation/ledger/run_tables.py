"""The tables of the dag runs of ``reconcile`` and of the items of their plans, for whoever looks at them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from pro2_reconciliation.ledger.columns import Base


class DagRunRow(Base):
    """One dag run of ``reconcile``: what it is about, and how far it was when it was last heard of.

    ``window`` is the whole ``domain.plan.Window``, ``report`` the report without its rows (those stand in
    ``plan_item``), ``until`` when its stage ends by itself, ``touched`` and ``watched`` count its inventory's items.
    """

    __tablename__ = "dag_run"
    __table_args__ = (Index("ix_dag_run_organization_begun_at", "organization", "begun_at"),)

    organization: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    dag_id: Mapped[str]
    mode: Mapped[str | None]
    reason: Mapped[str]
    window: Mapped[dict[str, Any]]
    parent: Mapped[str | None]
    plan_hash: Mapped[str | None]
    stage: Mapped[str]
    until: Mapped[datetime | None]
    progress: Mapped[str]
    touched: Mapped[int]
    watched: Mapped[int]
    begun_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    reported_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    report_address: Mapped[str]


class PlanItemRow(Base):
    """One decision of a plan, short, so that it is found and counted without reading the plan; and what became of it.

    ``not_now`` is the sentence of ``clear``, ``outcome`` and ``row`` are the report's.
    """

    __tablename__ = "plan_item"
    __table_args__ = (Index("ix_plan_item_item_key", "item_key"),)

    plan_hash: Mapped[str] = mapped_column(ForeignKey("plan.hash"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    item_key: Mapped[str]
    rule: Mapped[str]
    remedy: Mapped[str]
    asks: Mapped[bool]
    send_by: Mapped[datetime | None]
    not_now: Mapped[str]
    outcome: Mapped[str]
    row: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)


class AttemptRow(Base):
    """One more attempt at the dag run ``first``, about what a plan left; the first attempt has no row."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_plan_hash", "plan_hash"),)

    organization: Mapped[str] = mapped_column(primary_key=True)
    first: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    plan_hash: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]


class HoldTraceRow(Base):
    """A person took an item over, or gave it back (``held`` False); append-only by use."""

    __tablename__ = "hold_trace"
    __table_args__ = (Index("ix_hold_trace_organization_item_key", "organization", "item_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    item_key: Mapped[str]
    held: Mapped[bool]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]
