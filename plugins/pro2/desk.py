"""The Airflow beside the desk: what the commands of ``python -m pro2_reconciliation`` need of it.

A shell on a host of Airflow is no task. It reads connections and variables as Airflow's own command line does, from
secrets backends and the metadata database, so the environment has to be that of the scheduler. What cannot be read is
a finding in words; nothing is changed from here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pro2 import accounts, organization
from pro2.organization import named
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError
from pro2_reconciliation.overview.doctor import (
    Finding,
    bad,
    clock_finding,
    dashboard_findings,
    good,
    lists_findings,
    zone_finding,
)
from pro2_reconciliation.wire.exchange import Request

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pro2.hooks.carrying import CarryingHook
    from pro2_reconciliation.domain.config import Site
    from pro2_reconciliation.ledger import Ledger, Witness
    from pro2_reconciliation.repair.account import Account

DAGS = ("guard_repairs", "detect_outages", "reconcile")
"""In the order in which they are unpaused (README)."""
LISTED = 20
"""So many campaigns are asked for when one with a time is wanted: drafts have none."""


@dataclass(frozen=True)
class DagSeen:
    """A DAG as the metadata database knows it. ``broken``: its file does not load any more."""

    paused: bool
    broken: bool = False


class AirflowDesk:
    """The entry point ``pro2_reconciliation.airflow``."""

    def __init__(self) -> None:
        # as `airflow connections test` does; without it connections of the metadata database are not found
        os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")

    def speak_for(self, name: str) -> None:
        if organization.organizations():
            organization.speak_for(name)
            organization.current()

    def open_account(self, who: str) -> Account:
        another = accounts.account_of_another()
        if another:
            raise ConfigurationError(another)
        return replace(accounts.open_account(who), witness=self.witness())

    def ledger_connection(self) -> tuple[str, bool]:
        """Every secrets backend is asked, as for a task. One that fails is no «there is none»: then nobody knows."""
        from airflow.configuration import ensure_secrets_loaded

        conn_id, failed = named(accounts.LEDGER), ""
        for backend in ensure_secrets_loaded():
            try:
                if backend.get_connection(conn_id=conn_id) is not None:
                    return conn_id, True
            except Exception as error:  # whatever a database or a vault says
                failed = failed or f"{type(backend).__name__} says {type(error).__name__}"
        if failed:
            raise ConfigurationError(
                f"Airflow cannot say whether there is a connection {conn_id} ({failed}), so where the ledger is is not "
                "known. Run this in the environment of the scheduler (AIRFLOW_HOME, its database), or name the ledger "
                "by --ledger"
            )
        return conn_id, False

    def open_ledger(self, *, create: bool = False) -> Ledger:
        return accounts.open_ledger(create=create)

    def witness(self) -> Witness:
        from pro2.witness import ShellWitness

        return ShellWitness()

    def findings(self, site: Site) -> Iterator[Finding]:
        """Connections and rights, zone, clock, freshness of every source, then the DAGs."""
        yield from _connections(site)
        yield from _account(site)
        yield from _sources(site)
        yield from dag_findings(self.dags())

    def dags(self) -> Mapping[str, DagSeen] | str:
        """Our DAGs by id, or in words why they cannot be read."""
        from airflow.utils.session import create_session

        try:
            with create_session() as session:
                return dags_in(session)
        except Exception as error:  # whatever the database says; the doctor goes on
            return f"Airflow's database cannot be read ({type(error).__name__})"


def dags_in(session: Session) -> dict[str, DagSeen]:
    """Our DAGs in a metadata database."""
    from airflow.models.dag import DagModel
    from sqlalchemy import select

    wanted = select(DagModel.dag_id, DagModel.is_paused, DagModel.has_import_errors, DagModel.is_stale)
    rows = session.execute(wanted.where(DagModel.dag_id.in_([named(one) for one in DAGS])))
    return {
        dag_id: DagSeen(bool(paused), bool(errors)) for dag_id, paused, errors, stale in rows if not stale
    }


def dag_findings(seen: Mapping[str, DagSeen] | str) -> Iterator[Finding]:
    """Whether each of the three DAGs is there and runs."""
    if isinstance(seen, str):
        yield bad(
            "DAGs",
            seen,
            "Run this in the environment of the scheduler: AIRFLOW_HOME and its database.",
        )
        return
    for dag_id in (named(one) for one in DAGS):
        subject, dag = f"DAG {dag_id}", seen.get(dag_id)
        if dag is None:
            yield bad(
                subject,
                "is not there",
                "Put the files of dags/ into the DAGs folder; wait for the DAG processor.",
            )
        elif dag.broken:
            yield bad(subject, "does not load", "Read the import error: airflow dags list-import-errors")
        elif dag.paused:
            guard = named(DAGS[0])
            first = "" if dag_id == guard else f", {guard} first"
            yield bad(subject, "is paused", f"Unpause it{first}: airflow dags unpause {dag_id}")
        else:
            yield good(subject, "is not paused")


def _connections(site: Site) -> Iterator[Finding]:
    """Every connection that the site uses, asked what its Test button asks."""
    for name in dict.fromkeys(
        (
            named(accounts.PRO2),
            named(accounts.DASHBOARD),
            named(accounts.TESSITURA),
            *(feed.connection for feed in site.sources.feeds),
            *(probe.connection for probe in site.sources.probes if probe.connection),
        )
    ):
        subject = f"connection {name}"
        try:
            works, said = _hook(name).test_connection()
        except ReconciliationError as error:
            works, said = False, str(error)
        yield good(subject, said) if works else bad(subject, "does not work", said)


def _hook(name: str) -> CarryingHook:
    """The hook of a connection; the three of the account by their own type, so that a missing one is named rightly."""
    from pro2.hooks.dashboard import Pro2DashboardHook
    from pro2.hooks.factory import carrier_of
    from pro2.hooks.pro2 import Pro2Hook
    from pro2.hooks.tessitura import TessituraHook

    known: dict[str, type[Any]] = {
        named(accounts.PRO2): Pro2Hook,
        named(accounts.DASHBOARD): Pro2DashboardHook,
        named(accounts.TESSITURA): TessituraHook,
    }
    hook: Any = known[name](name) if name in known else carrier_of(name)
    return hook  # type: ignore[no-any-return]


def _account(site: Site) -> Iterator[Finding]:
    """The account's clock and time zone, from one answer of its own."""
    from pro2.hooks.pro2 import a_moment
    from pro2_reconciliation.wire.exchange import read_json

    request = Request("GET", "api/3/campaigns", {"limit": str(LISTED), "orders[sdate]": "DESC"})
    try:
        reply = _hook(named(accounts.PRO2)).carry(request)
        now = datetime.now(UTC)
        theirs = a_moment(read_json(request, reply))
    except ReconciliationError as error:
        for subject in ("clock", "time zone"):
            yield bad(
                subject, "could not be compared", f"Repair connection {named(accounts.PRO2)} first: {error}"
            )
        return
    date = next((value for name, value in reply.headers.items() if name.lower() == "date"), None)
    yield clock_finding(date, now, site.zone)
    yield zone_finding(theirs, site.zone)


def _sources(site: Site) -> Iterator[Finding]:
    """How fresh the Activity Log and the lists are."""
    from pro2.hooks.dashboard import Pro2DashboardHook
    from pro2.hooks.settings import EXPORT
    from pro2_reconciliation.wire.ports import ListsPort

    now = datetime.now(UTC)
    try:
        export = Pro2DashboardHook(named(accounts.DASHBOARD)).settings.adapter == EXPORT
        yield from dashboard_findings(site, accounts.open_dashboard(patience=10), now, export=export)
    except ReconciliationError as error:
        yield bad("Activity Log", "could not be read", str(error))
    try:
        yield from lists_findings(site, ListsPort(_hook(named(accounts.TESSITURA)), patience=10), now)
    except ConfigurationError as error:
        yield bad("Tessitura lists", "could not be read", str(error))
