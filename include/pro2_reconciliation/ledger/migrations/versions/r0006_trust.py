"""What proposals would have been, and what an account was seen to do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TEXT, _NUMBER, _TIME = sa.String(), sa.Integer(), sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "shadow_verdict",
        sa.Column("organization", _TEXT, nullable=False),
        sa.Column("item_key", _TEXT, nullable=False),
        sa.Column("remedy", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("rule", _TEXT, nullable=False),
        sa.Column("plan_hash", _TEXT, nullable=False),
        sa.Column("proposed_at", _TIME, nullable=False),
        sa.Column("verdict", _TEXT, nullable=False),
        sa.Column("happened", _TEXT, nullable=False),
        sa.Column("why", _TEXT, nullable=False),
        sa.Column("setting", _TEXT, nullable=False),
        sa.Column("judged_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("organization", "item_key", "remedy", name="pk_shadow_verdict"),
    )
    op.create_index(
        "ix_shadow_verdict_organization_judged_at", "shadow_verdict", ["organization", "judged_at"]
    )
    op.create_table(
        "capability",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("organization", _TEXT, nullable=False),
        sa.Column("capability", _TEXT, nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("evidence", _TEXT, nullable=False),
        sa.Column("who", _TEXT, nullable=False),
        sa.Column("plan_hash", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_capability"),
    )
    op.create_index("ix_capability_organization", "capability", ["organization"])


def downgrade() -> None:
    for table in ("capability", "shadow_verdict"):
        op.drop_table(table)
