"""How Alembic reaches the ledger: over the connection, and in the transaction, of ``migrate.upgrade``.

There is no other way in: without that connection it fails with a KeyError.
"""

from alembic import context

from pro2_reconciliation.ledger import action_tables, notification_tables, tables, trust_tables
from pro2_reconciliation.ledger.columns import Base
from pro2_reconciliation.ledger.migrate import VERSION_TABLE

__all__ = ["action_tables", "notification_tables", "tables", "trust_tables"]

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
