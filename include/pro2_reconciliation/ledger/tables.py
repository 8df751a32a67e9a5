"""The tables around the actions: plans and answers, outages, what was watched, and what is still open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from pro2_reconciliation.ledger.columns import Base


class PlanRow(Base):
    """A frozen plan; ``body`` is the whole ``domain.plan.Plan``."""

    __tablename__ = "plan"

    hash: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[str]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    dag_run: Mapped[str]


class InventoryRow(Base):
    """What one dag run found touched; ``body`` is the whole ``domain.inventory.Inventory``."""

    __tablename__ = "inventory"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[str]
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class FollowUpRow(Base):
    """An item that the dag run following up a plan asks about."""

    __tablename__ = "follow_up"

    plan_hash: Mapped[str] = mapped_column(primary_key=True)
    item_key: Mapped[str] = mapped_column(primary_key=True)


class AnswerRow(Base):
    """What was chosen for one item of a plan; the first answer stands."""

    __tablename__ = "answer"

    plan_hash: Mapped[str] = mapped_column(ForeignKey("plan.hash"), primary_key=True)
    item_key: Mapped[str] = mapped_column(primary_key=True)
    choice: Mapped[str]
    who: Mapped[str]
    at: Mapped[datetime]


class OutageRow(Base):
    """One outage as it is known now."""

    __tablename__ = "outage"
    __table_args__ = (Index("ix_outage_organization_start_at", "organization", "start_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[str]
    service: Mapped[str]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime | None]
    state: Mapped[str]
    generation: Mapped[int]
    aliases: Mapped[list[str]]
    evidence: Mapped[list[dict[str, Any]]]
    updated_at: Mapped[datetime]


class OutageTraceRow(Base):
    """What an outage was before and after one change; it outlives the outage."""

    __tablename__ = "outage_trace"
    __table_args__ = (Index("ix_outage_trace_outage_id", "outage_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    outage_id: Mapped[str]
    at: Mapped[datetime]
    was: Mapped[dict[str, Any] | None]
    became: Mapped[dict[str, Any] | None]
    why: Mapped[str]


class DeclarationRow(Base):
    """An outage that a person vouches for."""

    __tablename__ = "declaration"
    __table_args__ = (Index("ix_declaration_organization", "organization"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    service: Mapped[str]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime | None]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class ProbeSampleRow(Base):
    """One look of one probe at a service: up or not."""

    __tablename__ = "probe_sample"
    __table_args__ = (Index("ix_probe_sample_organization_service_at", "organization", "service", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    service: Mapped[str]
    at: Mapped[datetime]
    up: Mapped[bool]
    detail: Mapped[str]
    probe: Mapped[str] = mapped_column(server_default="")


class SnapshotRow(Base):
    """What was scheduled at one moment; only the newest are kept."""

    __tablename__ = "snapshot"
    __table_args__ = (Index("ix_snapshot_organization_at", "organization", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[dict[str, Any]]


class WatermarkRow(Base):
    """The end of the last window that was read completely."""

    __tablename__ = "watermark"

    organization: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class WaiverRow(Base):
    """A person does not want to wait for an item any longer."""

    __tablename__ = "waiver"
    __table_args__ = (Index("ix_waiver_organization_item_key", "organization", "item_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    item_key: Mapped[str]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]


class HoldRow(Base):
    """A person said "leave to me" about an item."""

    __tablename__ = "hold"

    organization: Mapped[str] = mapped_column(primary_key=True)
    item_key: Mapped[str] = mapped_column(primary_key=True)
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]


class SwitchRow(Base):
    """The kill switch; append-only, the newest row counts."""

    __tablename__ = "switch"
    __table_args__ = (Index("ix_switch_organization", "organization"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    stage: Mapped[str]
    who: Mapped[str]
    why: Mapped[str]
    at: Mapped[datetime]


class HeartbeatRow(Base):
    """When a watcher last passed."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class OpenItemRow(Base):
    """An item that needs a person; at most one open row per item."""

    __tablename__ = "open_item"
    __table_args__ = (
        Index(
            "uq_open_item_open",
            "organization",
            "item_key",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    item_key: Mapped[str]
    name: Mapped[str]
    rule: Mapped[str]
    reason: Mapped[str]
    plan_hash: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closed_why: Mapped[str | None]


class AlarmRow(Base):
    """Something that must not have happened, for the page and the digest."""

    __tablename__ = "alarm"
    __table_args__ = (Index("ix_alarm_organization_at", "organization", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    at: Mapped[datetime]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
