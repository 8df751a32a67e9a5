"""Hooks: the transports that carry the exchanges of ``pro2_reconciliation.wire`` over Airflow connections."""
