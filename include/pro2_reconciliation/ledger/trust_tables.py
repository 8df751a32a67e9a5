"""The tables of what makes us trusted: what proposals would have been, and what an account was seen to do."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from pro2_reconciliation.ledger.columns import Base


class ShadowRow(Base):
    """The verdict on a proposal that nobody carried out; written once, for the first plan that made it."""

    __tablename__ = "shadow_verdict"
    __table_args__ = (Index("ix_shadow_verdict_organization_judged_at", "organization", "judged_at"),)

    organization: Mapped[str] = mapped_column(primary_key=True)
    item_key: Mapped[str] = mapped_column(primary_key=True)
    remedy: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    rule: Mapped[str]
    plan_hash: Mapped[str]
    proposed_at: Mapped[datetime]
    verdict: Mapped[str]
    happened: Mapped[str]
    why: Mapped[str]
    setting: Mapped[str]
    judged_at: Mapped[datetime]


class CapabilityRow(Base):
    """One look at what an account does; append-only, the newest of a name counts."""

    __tablename__ = "capability"
    __table_args__ = (Index("ix_capability_organization", "organization"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization: Mapped[str]
    capability: Mapped[str]
    proven: Mapped[bool]
    evidence: Mapped[str]
    who: Mapped[str]
    plan_hash: Mapped[str]
    at: Mapped[datetime]
