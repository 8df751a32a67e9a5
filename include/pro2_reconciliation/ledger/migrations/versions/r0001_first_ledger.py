"""The first ledger: identity, actions with their moves, plans, outages, and what is watched and open.

Frozen: what a later version needs is a later revision. It is written for SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.String()
_NUMBER = sa.Integer()
_TIME = sa.DateTime(timezone=True)

_MOVES = {
    "planned": ("cleared", "declined", "skipped"),
    "cleared": ("claimed", "stale", "skipped"),
    "claimed": ("intended", "stale"),
    "intended": ("done", "ambiguous", "not_done", "failed", "needs_human"),
    "ambiguous": ("done", "not_done", "needs_human"),
    "done": ("confirmed", "needs_human"),
    "needs_human": ("confirmed", "closed"),
    "stale": ("closed",),
    "failed": ("closed",),
    "not_done": ("closed",),
}

_APPEND_ONLY = ("move", "switch", "outage_trace")


def upgrade() -> None:
    _create_actions()
    _create_rest()
    for table in _APPEND_ONLY:
        _make_append_only(table)


def downgrade() -> None:
    raise NotImplementedError("The first version of the ledger has no version before it; restore a backup.")


def _needed(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _optional(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=True) for name in names]


def _make_append_only(table: str) -> None:
    message = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
    )


def _create_actions() -> None:
    op.create_table(
        "identity",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        *_needed(_TEXT, "uuid"),
        *_needed(_NUMBER, "epoch"),
        *_needed(_TIME, "created_at"),
        *_optional(_TEXT, "adopted_by"),
        *_optional(_TIME, "adopted_at"),
        sa.CheckConstraint("id = 1", name="ck_identity_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_identity"),
    )
    allowed = op.create_table(
        "allowed_move",
        *_needed(_TEXT, "from_state", "to_state"),
        sa.PrimaryKeyConstraint("from_state", "to_state", name="pk_allowed_move"),
    )
    op.bulk_insert(
        allowed,
        [
            {"from_state": was, "to_state": becomes}
            for was, following in _MOVES.items()
            for becomes in following
        ],
    )
    op.create_table(
        "action",
        *_needed(_TEXT, "id", "organization", "root", "kind", "item_id", "name", "remedy"),
        *_needed(_NUMBER, "generation"),
        *_needed(_TEXT, "fingerprint", "plan_hash"),
        *_needed(_TIME, "created_at"),
        *_needed(_TEXT, "requested_by"),
        sa.PrimaryKeyConstraint("id", name="pk_action"),
        sa.UniqueConstraint(
            "organization",
            "root",
            "remedy",
            "generation",
            name="uq_action_organization_root_remedy_generation",
        ),
    )
    op.create_index("ix_action_plan_hash", "action", ["plan_hash"])
    op.create_table(
        "step",
        *_needed(_NUMBER, "id"),
        *_needed(_TEXT, "action_id", "verb"),
        *_needed(_NUMBER, "attempt", "ordinal"),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name="fk_step_action_id"),
        sa.PrimaryKeyConstraint("id", name="pk_step"),
        sa.UniqueConstraint("action_id", "verb", "attempt", name="uq_step_action_id_verb_attempt"),
    )
    op.create_table(
        "lease",
        *_needed(_NUMBER, "step_id"),
        *_needed(_TEXT, "owner", "token"),
        *_needed(_TIME, "expires_at"),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name="fk_lease_step_id"),
        sa.PrimaryKeyConstraint("step_id", name="pk_lease"),
    )
    op.create_table(
        "move",
        *_needed(_NUMBER, "step_id"),
        *_needed(_TEXT, "to_state"),
        *_optional(_TEXT, "from_state"),
        *_needed(_TEXT, "who", "why"),
        *_needed(_TIME, "at"),
        *_optional(_TEXT, "remote_id"),
        *_optional(sa.JSON(), "details"),
        sa.CheckConstraint("(from_state IS NULL) = (to_state = 'planned')", name="ck_move_first_is_planned"),
        sa.ForeignKeyConstraint(
            ["from_state", "to_state"],
            ["allowed_move.from_state", "allowed_move.to_state"],
            name="fk_move_from_state_to_state",
        ),
        sa.ForeignKeyConstraint(
            ["step_id", "from_state"], ["move.step_id", "move.to_state"], name="fk_move_step_id_from_state"
        ),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name="fk_move_step_id"),
        sa.PrimaryKeyConstraint("step_id", "to_state", name="pk_move"),
        sa.UniqueConstraint("step_id", "from_state", name="uq_move_step_id_from_state"),
    )
    op.create_index("ix_move_at", "move", ["at"])


def _create_rest() -> None:
    op.create_table(
        "alarm",
        *_needed(_NUMBER, "id"),
        *_needed(_TEXT, "organization"),
        *_needed(_TIME, "at"),
        *_needed(_TEXT, "kind"),
        *_needed(sa.JSON(), "body"),
        sa.PrimaryKeyConstraint("id", name="pk_alarm"),
    )
    op.create_index("ix_alarm_organization_at", "alarm", ["organization", "at"])
    op.create_table(
        "heartbeat",
        *_needed(_TEXT, "name"),
        *_needed(_TIME, "at"),
        sa.PrimaryKeyConstraint("name", name="pk_heartbeat"),
    )
    op.create_table(
        "follow_up",
        *_needed(_TEXT, "plan_hash", "item_key"),
        sa.PrimaryKeyConstraint("plan_hash", "item_key", name="pk_follow_up"),
    )
    op.create_table(
        "inventory",
        *_needed(_TEXT, "id", "organization"),
        *_needed(sa.JSON(), "body"),
        *_needed(_TIME, "at"),
        sa.PrimaryKeyConstraint("id", name="pk_inventory"),
    )
    op.create_table(
        "hold",
        *_needed(_TEXT, "organization", "item_key", "who", "why"),
        *_needed(_TIME, "at"),
        sa.PrimaryKeyConstraint("organization", "item_key", name="pk_hold"),
    )
    op.create_table(
        "open_item",
        *_needed(_NUMBER, "id"),
        *_needed(_TEXT, "organization", "item_key", "name", "rule", "reason", "plan_hash"),
        *_needed(_TIME, "opened_at"),
        *_optional(_TIME, "closed_at"),
        *_optional(_TEXT, "closed_by", "closed_why"),
        sa.PrimaryKeyConstraint("id", name="pk_open_item"),
    )
    op.create_index(
        "uq_open_item_open",
        "open_item",
        ["organization", "item_key"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "outage",
        *_needed(_TEXT, "id", "organization", "service"),
        *_needed(_TIME, "start_at"),
        *_optional(_TIME, "end_at"),
        *_needed(_TEXT, "state"),
        *_needed(_NUMBER, "generation"),
        *_needed(sa.JSON(), "aliases", "evidence"),
        *_needed(_TIME, "updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_outage"),
    )
    op.create_index("ix_outage_organization_start_at", "outage", ["organization", "start_at"])
    op.create_table(
        "outage_trace",
        *_needed(_NUMBER, "id"),
        *_needed(_TEXT, "outage_id"),
        *_needed(_TIME, "at"),
        *_optional(sa.JSON(), "was", "became"),
        *_needed(_TEXT, "why"),
        sa.PrimaryKeyConstraint("id", name="pk_outage_trace"),
    )
    op.create_index("ix_outage_trace_outage_id", "outage_trace", ["outage_id"])
    op.create_table(
        "plan",
        *_needed(_TEXT, "hash", "organization"),
        *_needed(sa.JSON(), "body"),
        *_needed(_TIME, "created_at"),
        *_needed(_TEXT, "dag_run"),
        sa.PrimaryKeyConstraint("hash", name="pk_plan"),
    )
    op.create_table(
        "probe_sample",
        *_needed(_NUMBER, "id"),
        *_needed(_TEXT, "organization", "service"),
        *_needed(_TIME, "at"),
        *_needed(sa.Boolean(), "up"),
        *_needed(_TEXT, "detail"),
        sa.PrimaryKeyConstraint("id", name="pk_probe_sample"),
    )
    op.create_index(
        "ix_probe_sample_organization_service_at", "probe_sample", ["organization", "service", "at"]
    )
    op.create_table(
        "snapshot",
        *_needed(_NUMBER, "id"),
        *_needed(_TEXT, "organization"),
        *_needed(_TIME, "at"),
        *_needed(sa.JSON(), "body"),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot"),
    )
    op.create_index("ix_snapshot_organization_at", "snapshot", ["organization", "at"])
    op.create_table(
        "switch",
        *_needed(_NUMBER, "id"),
        *_needed(_TEXT, "organization", "stage", "who", "why"),
        *_needed(_TIME, "at"),
        sa.PrimaryKeyConstraint("id", name="pk_switch"),
    )
    op.create_index("ix_switch_organization", "switch", ["organization"])
    op.create_table(
        "waiver",
        *_needed(_NUMBER, "id"),
        *_needed(_TEXT, "organization", "item_key", "who", "why"),
        *_needed(_TIME, "at"),
        sa.PrimaryKeyConstraint("id", name="pk_waiver"),
    )
    op.create_index("ix_waiver_organization_item_key", "waiver", ["organization", "item_key"])
    op.create_table(
        "watermark",
        *_needed(_TEXT, "organization"),
        *_needed(_TIME, "until"),
        sa.PrimaryKeyConstraint("organization", name="pk_watermark"),
    )
    op.create_table(
        "answer",
        *_needed(_TEXT, "plan_hash", "item_key", "choice", "who"),
        *_needed(_TIME, "at"),
        sa.ForeignKeyConstraint(["plan_hash"], ["plan.hash"], name="fk_answer_plan_hash"),
        sa.PrimaryKeyConstraint("plan_hash", "item_key", name="pk_answer"),
    )
