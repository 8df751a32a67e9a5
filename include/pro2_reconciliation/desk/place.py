"""Which ledger a command of the desk speaks to: the one that is named, else the one of Airflow's tasks.

``--ledger`` and ``PRO2_RECONCILIATION_LEDGER`` name it, and then Airflow is not loaded. Else the Airflow beside is
asked, and where that cannot say, nothing is guessed: what is said to a ledger that no task reads, nobody hears.
Without an Airflow it is the file in AIRFLOW_HOME. Fails with a sentence that says where was looked, and why there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from pro2_reconciliation.desk.airflow import airflow_beside
from pro2_reconciliation.desk.site import ORGANIZATION, open_site
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError, NoLedger
from pro2_reconciliation.ledger import Ledger

LEDGER_VARIABLE = "PRO2_RECONCILIATION_LEDGER"
ELSEWHERE = (
    "Is it elsewhere? Run this in the environment of Airflow's scheduler, or name the ledger by --ledger or "
    f"{LEDGER_VARIABLE}"
)


@dataclass(frozen=True)
class Opened:
    """An open ledger; ``why`` it is this one, for people; ``begun``: it did not exist before."""

    ledger: Ledger
    why: str
    begun: bool

    @property
    def told(self) -> str:
        return f"Ledger: {self.ledger.address}, {self.why}"


def with_ledger(do: Callable[[argparse.Namespace, Ledger, Site], str]) -> Callable[[argparse.Namespace], str]:
    """The function of a command that speaks to the ledger: it is opened first, and stderr says which one it is."""

    def said(given: argparse.Namespace) -> str:
        site = open_site(given.config)
        opened = open_ledger(given.ledger, site.organization, create=getattr(given, "create", False))
        if not given.ledger:
            print(opened.told, file=sys.stderr)
        told = do(given, opened.ledger, site)
        return f"A new ledger was begun, {opened.why}. {told}" if opened.begun else told

    return said


def open_ledger(named: str | None, organization: str, *, create: bool = False) -> Opened:
    """Open the ledger of an organization; ``named`` is the URL of ``--ledger``.

    ``create`` begins one where there is none. Raises ``LedgerError``, or ``ConfigurationError`` where Airflow is
    there and cannot say which ledger its tasks use.
    """
    opening, why = _place(named, organization, create)
    try:
        try:
            return Opened(opening(create=False), why, begun=False)
        except NoLedger:
            if not create:
                raise
            return Opened(opening(create=True), why, begun=True)
    except NoLedger as error:
        raise LedgerError(f"{error} (This place is {why}. {ELSEWHERE})") from error
    except LedgerError as error:
        raise LedgerError(f"{error} (It is {why})") from error


def _place(named: str | None, organization: str, create: bool) -> tuple[Callable[..., Ledger], str]:
    if named:
        return partial(_open, named), "named by --ledger"
    if url := os.environ.get(LEDGER_VARIABLE):
        return partial(_open, url), f"named by {LEDGER_VARIABLE}"
    try:
        airflow = airflow_beside()
    except ConfigurationError as error:
        if create:
            raise ConfigurationError(
                f"nobody said where the new ledger is to be, and {error}. Name the place by --ledger"
            ) from error
        return partial(_open, _file()), "the file in AIRFLOW_HOME, because no Airflow is here to be asked"
    airflow.speak_for(organization)
    connection, known = airflow.ledger_connection()
    if known:
        return airflow.open_ledger, f"named by Airflow's connection {connection}"
    return airflow.open_ledger, f"the file that tasks use, because Airflow has no connection {connection}"


def _open(url: str, *, create: bool) -> Ledger:
    return Ledger.open(url, clock=lambda: datetime.now(UTC), create=create)


def _file() -> str:
    """Where tasks keep a ledger that no connection names."""
    home = os.environ.get("AIRFLOW_HOME", os.path.expanduser("~/airflow"))
    name = os.environ.get(ORGANIZATION)
    return f"sqlite:///{home}/reconciliation_ledger{f'__{name}' if name else ''}.db"
