"""Where each step stands, kept by the database itself, and an index for each narrow look: none reads all actions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STANDS = "UPDATE step SET state = NEW.to_state WHERE id = NEW.step_id"
_LAST_MOVE = """UPDATE step SET state = COALESCE((
    SELECT made.to_state FROM move AS made WHERE made.step_id = step.id AND NOT EXISTS (
        SELECT 1 FROM move AS following
        WHERE following.step_id = made.step_id AND following.from_state = made.to_state
    )), '')"""


def upgrade() -> None:
    op.add_column("step", sa.Column("state", sa.String(), nullable=False, server_default=""))
    op.execute(_LAST_MOVE)
    op.create_index("ix_step_state", "step", ["state"])
    op.create_index("ix_action_organization_item_id", "action", ["organization", "item_id"])
    op.create_index("ix_move_remote_id", "move", ["remote_id"])
    op.create_index("ix_move_to_state", "move", ["to_state"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER step_stands AFTER INSERT ON move BEGIN {_STANDS}; END")
        return
    op.execute(
        "CREATE FUNCTION step_stands() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {_STANDS}; RETURN NULL; END $$"
    )
    op.execute("CREATE TRIGGER step_stands AFTER INSERT ON move FOR EACH ROW EXECUTE FUNCTION step_stands()")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER step_stands")
    else:
        op.execute("DROP TRIGGER step_stands ON move")
        op.execute("DROP FUNCTION step_stands()")
    op.drop_index("ix_move_to_state", "move")
    op.drop_index("ix_move_remote_id", "move")
    op.drop_index("ix_action_organization_item_id", "action")
    op.drop_index("ix_step_state", "step")
    op.drop_column("step", "state")
