"""Who vouched for the ledger, where and why; and what a person asked to be done once more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT, _NUMBER, _TIME = sa.String(), sa.Integer(), sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "adoption",
        sa.Column("epoch", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("who", _TEXT, nullable=False),
        sa.Column("why", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("host", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_adoption"),
    )
    op.create_table(
        "repeat",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("organization", _TEXT, nullable=False),
        sa.Column("root", _TEXT, nullable=False),
        sa.Column("remedy", _TEXT, nullable=False),
        sa.Column("generation", _NUMBER, nullable=False),
        sa.Column("who", _TEXT, nullable=False),
        sa.Column("why", _TEXT, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_repeat"),
        sa.UniqueConstraint(
            "organization",
            "root",
            "remedy",
            "generation",
            name="uq_repeat_organization_root_remedy_generation",
        ),
    )
    op.add_column("identity", sa.Column("host", _TEXT, nullable=True))
    op.add_column("identity", sa.Column("boot", _TEXT, nullable=True))
    op.add_column("identity", sa.Column("witnessed_at", _TIME, nullable=True))


def downgrade() -> None:
    for column in ("witnessed_at", "boot", "host"):
        op.drop_column("identity", column)
    op.drop_table("repeat")
    op.drop_table("adoption")
