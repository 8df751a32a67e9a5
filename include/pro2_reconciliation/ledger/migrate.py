"""Bring the ledger's database up to this version, and give a new ledger its identity.

Safe when several processes open an empty database at once: the upgrade runs in one transaction that only one
process can be in (BEGIN IMMEDIATE, or an advisory lock), and the others find it done. Alembic is imported
only where something has to be changed, because every task process opens the ledger.

How it fails: ``LedgerError`` if the database is of a newer version than the code, or holds something else.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, Engine, insert, inspect, select, text

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger.action_tables import IdentityRow
from pro2_reconciliation.ledger.engine import no_ledger, shown, spoken

HEAD = "0008"
"""The newest revision in ``migrations/versions``."""

VERSION_TABLE = "ledger_version"
"""Not Alembic's usual name, so that nothing of Airflow's is ever mistaken for ours."""

_ADVISORY_LOCK = 7_150_715


def upgrade(engine: Engine, now: datetime, *, create: bool = True) -> None:
    """Migrate to ``HEAD`` and write the identity if there is none. Does nothing on an up-to-date ledger.

    Raises ``LedgerError`` for an empty database if it may not ``create`` a ledger.
    """
    with spoken(engine):
        with engine.connect() as connection:
            revision = _revision(connection)
            if revision == HEAD:
                return
            if revision is None and not create:
                raise no_ledger(shown(engine))
        with engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            if _revision(connection) != HEAD:
                _migrate(connection, shown(engine))
            if connection.scalar(select(IdentityRow.id)) is None:
                first = insert(IdentityRow).values(id=1, uuid=str(uuid4()), epoch=1, created_at=now)
                connection.execute(first)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    return revision


def _migrate(connection: Connection, address: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    revision = _revision(connection)
    if revision is not None and revision not in known:
        raise LedgerError(
            f"The ledger at {address} is of version {revision}, this software knows {HEAD} at most; "
            "install the version that wrote it, or a newer one."
        )
    if revision is None and inspect(connection).has_table("move"):
        raise LedgerError(
            f"The database at {address} has a table named move but no version of a ledger; "
            "give the ledger a database of its own."
        )
    command.upgrade(config, "head")
