"""Outages that people declared, and which probe a sample is of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text, time = sa.String(), sa.DateTime(timezone=True)
    op.create_table(
        "declaration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization", text, nullable=False),
        sa.Column("service", text, nullable=False),
        sa.Column("start_at", time, nullable=False),
        sa.Column("end_at", time, nullable=True),
        sa.Column("who", text, nullable=False),
        sa.Column("why", text, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("withdrawn_by", text, nullable=True),
        sa.Column("withdrawn_at", time, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_declaration"),
    )
    op.create_index("ix_declaration_organization", "declaration", ["organization"])
    op.add_column("probe_sample", sa.Column("probe", text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("probe_sample", "probe")
    op.drop_table("declaration")
