"""Reconcile a Pro2 account after an outage: what was meant to happen, what did, and what is left to repair.

Layers, importing downwards only: ``domain`` (pure) < ``wire`` (bytes to domain, no sockets) < ``ledger``
(SQLAlchemy) < ``repair`` (the steps of every action over ports, ledger and clock). Nothing here imports Airflow.
"""
