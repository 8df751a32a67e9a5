"""What a person can say at a desk, in a shell: one module for each noun, and ``__main__`` in front of them.

Each adds its commands to the parser, and to each command the function that carries it out: ``do`` takes what was
given and returns what is said, with an exit code where that is not 0. ``place`` opens the ledger for those that need
one, ``airflow`` is the Airflow beside. Nothing here decides anything; a command fails with ``ReconciliationError``.
"""
