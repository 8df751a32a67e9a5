"""Further attempts at a dag run that ended before it had a plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TEXT = sa.String()


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("organization", _TEXT, nullable=False),
        sa.Column("first", _TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("plan_hash", _TEXT, nullable=False),
        sa.Column("why", _TEXT, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization", "first", "number", name="pk_attempt"),
    )
    op.create_index("ix_attempt_plan_hash", "attempt", ["plan_hash"])


def downgrade() -> None:
    op.drop_table("attempt")
