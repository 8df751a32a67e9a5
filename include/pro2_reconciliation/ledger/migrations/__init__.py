"""The migrations of the ledger; ``migrate.upgrade`` runs them."""
