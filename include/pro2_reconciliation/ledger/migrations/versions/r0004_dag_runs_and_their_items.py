"""Dag runs of ``reconcile`` with how far they are, the items of each plan in short, and who held an item when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT, _NUMBER, _TIME = sa.String(), sa.Integer(), sa.DateTime(timezone=True)


def upgrade() -> None:
    runs = op.create_table(
        "dag_run",
        sa.Column("organization", _TEXT, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("dag_id", _TEXT, nullable=False),
        sa.Column("mode", _TEXT, nullable=True),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("window", sa.JSON(), nullable=False),
        sa.Column("parent", _TEXT, nullable=True),
        sa.Column("plan_hash", _TEXT, nullable=True),
        sa.Column("stage", _TEXT, nullable=False),
        sa.Column("until", _TIME, nullable=True),
        sa.Column("progress", _TEXT, nullable=False),
        sa.Column("touched", _NUMBER, nullable=False),
        sa.Column("watched", _NUMBER, nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("reported_at", _TIME, nullable=True),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("report_address", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("organization", "id", name="pk_dag_run"),
    )
    op.create_index("ix_dag_run_organization_begun_at", "dag_run", ["organization", "begun_at"])
    items = op.create_table(
        "plan_item",
        sa.Column("plan_hash", _TEXT, nullable=False),
        sa.Column("position", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("item_key", _TEXT, nullable=False),
        sa.Column("rule", _TEXT, nullable=False),
        sa.Column("remedy", _TEXT, nullable=False),
        sa.Column("asks", sa.Boolean(), nullable=False),
        sa.Column("send_by", _TIME, nullable=True),
        sa.Column("not_now", _TEXT, nullable=False),
        sa.Column("outcome", _TEXT, nullable=False),
        sa.Column("row", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["plan_hash"], ["plan.hash"], name="fk_plan_item_plan_hash"),
        sa.PrimaryKeyConstraint("plan_hash", "position", name="pk_plan_item"),
    )
    op.create_index("ix_plan_item_item_key", "plan_item", ["item_key"])
    op.create_table(
        "hold_trace",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("organization", _TEXT, nullable=False),
        sa.Column("item_key", _TEXT, nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("who", _TEXT, nullable=False),
        sa.Column("why", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hold_trace"),
    )
    op.create_index("ix_hold_trace_organization_item_key", "hold_trace", ["organization", "item_key"])
    op.add_column("declaration", sa.Column("ended_by", _TEXT, nullable=True))
    _take_plans_along(runs, items)
    _take_holds_along()


def downgrade() -> None:
    op.drop_column("declaration", "ended_by")
    op.drop_table("hold_trace")
    op.drop_table("plan_item")
    op.drop_table("dag_run")


def _take_plans_along(runs: sa.Table, items: sa.Table) -> None:
    """What earlier plans say of themselves. Their mode nobody kept."""
    connection = op.get_bind()
    plan = sa.table(
        "plan",
        sa.column("hash", _TEXT),
        sa.column("organization", _TEXT),
        sa.column("body", sa.JSON()),
        sa.column("created_at", _TIME),
        sa.column("dag_run", _TEXT),
    )
    known: dict[tuple[str, str], str] = {}
    hashes = connection.scalars(sa.select(plan.c.hash).order_by(plan.c.created_at, plan.c.hash)).all()
    for plan_hash in hashes:
        one = connection.execute(sa.select(plan).where(plan.c.hash == plan_hash)).one()
        rows = list(_items(plan_hash, one.body))
        if rows:
            connection.execute(sa.insert(items), rows)
        key = (one.organization, one.dag_run)
        where = (runs.c.organization == one.organization, runs.c.id == one.dag_run)
        if key in known:
            connection.execute(sa.update(runs).where(*where).values(plan_hash=plan_hash))
        else:
            connection.execute(sa.insert(runs), [_run(one, plan_hash)])
        known[key] = plan_hash


def _run(one: Any, plan_hash: str) -> dict[str, Any]:
    return {
        "organization": one.organization,
        "id": one.dag_run,
        "dag_id": "reconcile",
        "mode": None,
        "reason": "",
        "window": one.body["window"],
        "parent": one.body.get("parent"),
        "plan_hash": plan_hash,
        "stage": "planned",
        "until": None,
        "progress": "",
        "touched": 0,
        "watched": 0,
        "begun_at": one.created_at,
        "seen_at": one.created_at,
        "reported_at": None,
        "report": None,
        "report_address": "",
    }


def _items(plan_hash: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for position, decision in enumerate(body["decisions"]):
        by = decision.get("send_by")
        yield {
            "plan_hash": plan_hash,
            "position": position,
            "item_key": f"{decision['kind']}:{decision['item_id']}",
            "rule": decision["rule"],
            "remedy": decision["remedy"],
            "asks": bool(decision.get("choices")),
            "send_by": datetime.fromisoformat(by) if by else None,
            "not_now": "",
            "outcome": "",
            "row": None,
        }


def _take_holds_along() -> None:
    op.execute(
        "INSERT INTO hold_trace (organization, item_key, held, who, why, at) "
        "SELECT organization, item_key, TRUE, who, why, at FROM hold"
    )
