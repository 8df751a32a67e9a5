"""Open the account that a task works on: site configuration, connections and ledger, made into one Account.

Used inside tasks and triggers only, never while a DAG file is parsed. Fails with ``ConfigurationError`` that names
the missing file, connection or key; nothing was sent by then.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

from pro2 import organization
from pro2.hosts import require_one_host
from pro2.organization import named, open_site
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError

if TYPE_CHECKING:
    from pro2.hooks.dashboard import Pro2DashboardHook
    from pro2.hooks.pro2 import Pro2Hook
    from pro2_reconciliation.domain.plan import Plan
    from pro2_reconciliation.domain.ports import Dashboard
    from pro2_reconciliation.domain.words import Verb
    from pro2_reconciliation.ledger import Ledger, Witness
    from pro2_reconciliation.repair.account import Account

PRO2 = "pro2"
DASHBOARD = "pro2_dashboard"
TESSITURA = "tessitura"
LEDGER = "reconciliation_ledger"
ACCOUNT = "reconciliation_account"
"""How the Variable begins that says whose an account is, where there are several organizations."""
LIBPQ = frozenset({"host", "sslmode", "sslrootcert", "sslcert", "sslkey"})
"""Extra keys of the ledger's connection that the driver is told; ``host`` may name the folder of a socket."""
ACTING_PATIENCE = 30.0
"""Seconds that the waits between tries of one request may take; far below a step's lease."""


def open_ledger(*, create: bool = False) -> Ledger:
    """The ledger: the database of the connection ``reconciliation_ledger``, else a file in AIRFLOW_HOME.

    Only the tasks that begin something ``create`` one; for all others a ledger that is not there has vanished, and
    ``LedgerError`` says so. A new one allows plans only until a person adopts it (ADR 0009).
    """
    from pro2_reconciliation.ledger import Ledger
    from pro2_reconciliation.repair.account import WallClock

    url = ledger_url()
    if url.startswith("sqlite:"):
        require_one_host(
            f"The ledger {url.removeprefix('sqlite:///')}",
            f"Put it into PostgreSQL: a database of its own, and connection {named(LEDGER)} that names it",
        )
    return Ledger.open(url, clock=WallClock().now, create=create)


def open_witness() -> Witness:
    """What remembers outside of the ledger which one it is: the Airflow Variable ``reconciliation_ledger_witness``."""
    from pro2.witness import VariableWitness

    return VariableWitness()


def account_of_another() -> str | None:
    """Why this account may not be acted on: another organization of this Airflow works on it. None: it may be.

    Two organizations have two ledgers, which know nothing of each other: on one account both would send. The first one
    that begins is remembered, in an Airflow Variable. What cannot be known is a reason too.
    """
    name = organization.current()
    if not name:
        return None
    from airflow.sdk import Variable

    from pro2.hooks.permits import account_of
    from pro2.hooks.pro2 import Pro2Hook

    conn_id = named(PRO2)
    key = f"{ACCOUNT}_{account_of(Pro2Hook(conn_id).settings.base_url)}"
    try:
        owner = Variable.get(key, default=None)
        if owner is None:
            Variable.set(
                key, name, description="Whose Pro2 account it is; see ADR 0013 of the reconciliation"
            )
    except Exception as error:  # whatever Airflow says of a Variable it may not or cannot give
        return f"the Airflow Variable {key}, which says whose account it is, cannot be used ({error})"
    if owner in (None, name):
        return None
    return (
        f"connection {conn_id} leads to an account on which organization {owner!r} works, and the ledger of "
        f"{name!r} knows nothing of what that did. Correct the connection; if the account is {name!r}'s now, delete "
        f"the Airflow Variable {key}"
    )


def ledger_url() -> str:
    """The SQLAlchemy URL of the ledger. Raises ``ConfigurationError`` for a connection type that is no database."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    conn_id = named(LEDGER)
    try:
        connection: Any = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        home = os.environ.get("AIRFLOW_HOME", os.path.expanduser("~/airflow"))
        return f"sqlite:///{home}/{conn_id}.db"
    if connection.conn_type == "sqlite":
        if not (connection.host or connection.schema):
            raise ConfigurationError(
                f"connection {conn_id} names no file; put its absolute path into the host"
            )
        return f"sqlite:///{connection.host or connection.schema}"
    if connection.conn_type in ("postgres", "postgresql"):
        from sqlalchemy.engine import URL

        extra = connection.extra_dejson
        query = {name: str(extra[name]) for name in sorted(LIBPQ & extra.keys())}
        host = connection.host or None
        if host and host.startswith("/"):
            # the directory of a socket; where a host stands it would read as the name of a database
            query, host = {**query, "host": host}, None
        return URL.create(
            "postgresql",
            username=connection.login,
            password=connection.password,
            host=host,
            port=connection.port,
            database=connection.schema,
            query=query,
        ).render_as_string(hide_password=False)
    raise ConfigurationError(
        f"connection {conn_id} is of type {connection.conn_type!r}; the ledger needs sqlite or postgres"
    )


def open_account(who: str, *, create: bool = False) -> Account:
    """The account of this site. ``who`` names dag run and task in leases and in the ledger; ``create`` as above."""
    from pro2.hooks.factory import ports_from_connections
    from pro2_reconciliation.domain.actor import Actor
    from pro2_reconciliation.repair.account import Account, WallClock
    from pro2_reconciliation.repair.progress import RunProgress, Silent

    site, ledger, clock = open_site(), open_ledger(create=create), WallClock()
    actor = Actor.parse(who)
    campaigns, contacts, dashboard, lists = ports_from_connections(
        named(PRO2), named(DASHBOARD), named(TESSITURA), patience=ACTING_PATIENCE
    )
    return Account(
        site=site,
        campaigns=campaigns,
        contacts=contacts,
        dashboard=dashboard,
        lists=lists,
        ledger=ledger,
        clock=clock,
        owner=f"{who} on {socket.gethostname()}",
        read_only=_read_only(),
        manual=manual_verbs(),
        only_proven=True,
        witness=open_witness(),
        progress=RunProgress(ledger, site.organization, actor.run_id, clock) if actor else Silent(),
    )


def open_dashboard(*, patience: float) -> Dashboard:
    """The Integrated Dashboard alone, for detection; ``patience`` in seconds as in ``wire.patience``."""
    from pro2.hooks.factory import open_board

    return open_board(named(DASHBOARD), patience=patience)


def require_plan(ledger: Ledger, plan_hash: str) -> Plan:
    """The plan of this hash. Raises ``LedgerError`` when this ledger does not know it."""
    plan = ledger.plan(plan_hash)
    if plan is None:
        raise LedgerError(f"plan {plan_hash} is not in this ledger; run reconcile again")
    return plan


def manual_verbs() -> frozenset[Verb]:
    """The verbs that a person presses, as the extra field ``actions`` of the two connections says.

    Tags are written contact by contact: nobody is asked to press that.
    """
    from pro2_reconciliation.domain.words import Verb

    pressed = frozenset(verb for hook, verbs in _acting() if hook.settings.manual for verb in verbs)
    return pressed - {Verb.ADD_TAG, Verb.REMOVE_TAG}


def _read_only() -> dict[Verb, str]:
    """The verbs of a connection that is read-only, with the sentence that says how to allow them."""
    return {
        verb: f"connection {hook.settings.conn_id} is read-only, so nothing may be changed; "
        "set its extra field read_only to false to allow repairs"
        for hook, verbs in _acting()
        if hook.settings.read_only
        for verb in verbs
    }


def _acting() -> list[tuple[Pro2Hook | Pro2DashboardHook, list[Verb]]]:
    """The two connections over which something changes, each with its verbs."""
    from pro2.hooks.dashboard import Pro2DashboardHook
    from pro2.hooks.pro2 import Pro2Hook
    from pro2_reconciliation.domain.words import Verb

    runs = [Verb.STOP_RUN, Verb.RUN_NOW, Verb.REPEAT_IMPORT, Verb.IMPORT_LIST]
    others = [verb for verb in Verb if verb not in runs]
    return [(Pro2Hook(named(PRO2)), others), (Pro2DashboardHook(named(DASHBOARD)), runs)]


def who_acts(context: Any) -> str:
    """Dag run, task and map index, for people who read the ledger."""
    from pro2_reconciliation.domain.actor import Actor

    ti = context["ti"]
    return str(Actor(ti.dag_id, ti.run_id, ti.task_id, getattr(ti, "map_index", -1)))
