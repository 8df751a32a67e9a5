"""A file serves the processes of one host. An executor that may use several is found out before anything is written.

Fails with ``ConfigurationError`` that names the executor, the file and the next step.
"""

from __future__ import annotations

import re

from pro2_reconciliation.domain.errors import ConfigurationError

ONE_HOST = frozenset({"LocalExecutor", "SequentialExecutor"})
"""Executors whose tasks run on the scheduler's host. Two such schedulers are found out by the ledger (ADR 0009)."""


def require_one_host(what: str, instead: str) -> None:
    """Refuse a file ``what`` where tasks may run on several hosts; ``instead`` is what to do."""
    from airflow.sdk.configuration import conf

    named = str(conf.get("core", "executor", fallback="LocalExecutor"))
    several = [one for one in _executors(named) if one not in ONE_HOST]
    if several:
        raise ConfigurationError(
            f"{what} is a file, which serves one host only, and Airflow runs tasks with {', '.join(several)} "
            f"([core] executor), which may use several: each host would have a file of its own and know nothing of the "
            f"others. {instead}"
        )


def _executors(named: str) -> list[str]:
    """The class names in a value such as ``LocalExecutor,team=CeleryExecutor,my.module.OwnExecutor:alias``."""
    parts = [part.strip() for part in re.split(r"[,;=]", named)]
    names = [name for part in parts for name in part.split(":")]
    found = [re.split(r"[.]", name)[-1] for name in names]
    return [name for name in found if name.endswith("Executor")]
