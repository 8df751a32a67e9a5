"""What the desk needs of the Airflow beside it: its connections, its DAGs, and an account opened over them.

The core knows no Airflow. The distribution that has one names it by the entry point ``pro2_reconciliation.airflow``;
where there is none, whoever asks gets ``ConfigurationError`` with the next step.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Protocol

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.ledger import Ledger, Witness
from pro2_reconciliation.overview.doctor import Finding
from pro2_reconciliation.repair.account import Account

GROUP = "pro2_reconciliation.airflow"


class Airflow(Protocol):
    """One Airflow, seen from a shell on one of its hosts."""

    def speak_for(self, name: str) -> None:
        """From now on this organization is meant, where the Airflow serves several (ADR 0013).

        Raises ``ConfigurationError`` for one that is not among them.
        """
        ...

    def open_account(self, who: str) -> Account:
        """The account over this Airflow's connections. Raises ``ConfigurationError`` for what is missing."""
        ...

    def ledger_connection(self) -> tuple[str, bool]:
        """The id of the connection that names the ledger of its tasks, and whether there is one.

        Without one they use a file. Raises ``ConfigurationError`` where that cannot be known.
        """
        ...

    def open_ledger(self, *, create: bool = False) -> Ledger:
        """The ledger that its tasks use; a new one only with ``create``. Raises ``LedgerError``."""
        ...

    def witness(self) -> Witness: ...

    def findings(self, site: Site) -> Iterator[Finding]:
        """Connections, rights, zone, clock and DAGs. Reads only, raises nothing."""
        ...


def airflow_beside() -> Airflow:
    """The Airflow of this environment. Raises ``ConfigurationError`` where there is none."""
    for entry in entry_points(group=GROUP):
        try:
            made: Airflow = entry.load()()
        except ImportError as error:
            raise ConfigurationError(
                f"Airflow cannot be used from here ({error}); run this in the environment of the scheduler"
            ) from error
        return made
    raise ConfigurationError(
        "this installation names no Airflow; install it anew beside Airflow: pip install -e . (README, Install it)"
    )
