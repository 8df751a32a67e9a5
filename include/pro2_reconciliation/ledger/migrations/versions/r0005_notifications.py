"""What people were told of, and what became of each message on each connection."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT, _NUMBER, _TIME = sa.String(), sa.Integer(), sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notification",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("organization", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
    )
    op.create_table(
        "told_of",
        sa.Column("organization", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("subject", _TEXT, nullable=False),
        sa.Column("generation", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("notification_id", _NUMBER, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["notification_id"], ["notification.id"], name="fk_told_of_notification_id"),
        sa.PrimaryKeyConstraint("organization", "kind", "subject", "generation", name="pk_told_of"),
    )
    op.create_table(
        "delivery",
        sa.Column("notification_id", _NUMBER, nullable=False),
        sa.Column("connection", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("tries", _NUMBER, nullable=False),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.Column("said", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("again_at", _TIME, nullable=True),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["notification_id"], ["notification.id"], name="fk_delivery_notification_id"),
        sa.PrimaryKeyConstraint("notification_id", "connection", name="pk_delivery"),
    )
    op.create_index("ix_delivery_state", "delivery", ["state"])


def downgrade() -> None:
    for table in ("delivery", "told_of", "notification"):
        op.drop_table(table)
