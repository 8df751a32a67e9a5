"""The ports of the core over Airflow connections: what a task asks for, and all it needs to know of HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from pro2.connection_types import DEFAULT_TIMEOUT, STATUS_FEED
from pro2.hooks.carrying import CarryingHook
from pro2.hooks.dashboard import Pro2DashboardHook
from pro2.hooks.export import open_export
from pro2.hooks.plain import PlainHook
from pro2.hooks.pro2 import Pro2Hook
from pro2.hooks.settings import EXPORT, missing
from pro2.hooks.status_feed import StatusFeedHook
from pro2.hooks.tessitura import TessituraHook
from pro2.organization import JOINT, of_id, organizations
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.ports import Campaigns, Contacts, Dashboard, Lists
from pro2_reconciliation.wire.exchange import Transport
from pro2_reconciliation.wire.patience import PATIENCE
from pro2_reconciliation.wire.ports import ActiveCampaignPort, DashboardPort, ListsPort


def ports_from_connections(
    pro2_conn_id: str = Pro2Hook.default_conn_name,
    dashboard_conn_id: str = Pro2DashboardHook.default_conn_name,
    tessitura_conn_id: str = TessituraHook.default_conn_name,
    *,
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Campaigns, Contacts, Dashboard, Lists]:
    """The four ports. Connections are looked up now, so a missing one fails before anything was sent.

    ``patience``: seconds that the waits between the tries of one request may take (see ``wire.patience``).
    Raises ``ConfigurationError`` naming the connection and the command that adds it.
    """
    pro2, tessitura = Pro2Hook(pro2_conn_id), TessituraHook(tessitura_conn_id)
    _ = pro2.settings
    board = open_board(dashboard_conn_id, patience=patience, sleep=sleep)
    _ = tessitura.settings
    account = ActiveCampaignPort(pro2, sleep=sleep, patience=patience)
    return account, account, board, ListsPort(tessitura, sleep=sleep, patience=patience)


def open_board(
    conn_id: str = Pro2DashboardHook.default_conn_name,
    *,
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> Dashboard:
    """The Integrated Dashboard behind a connection: ``adapter`` in its extra says http or export.

    Raises ``ConfigurationError`` as above, and for an export without ``activity_export.yaml``.
    """
    hook = Pro2DashboardHook(conn_id)
    if hook.settings.adapter == EXPORT:
        return open_export()
    return DashboardPort(hook, hook.organization, sleep=sleep, patience=patience)


def carrier_of(name: str, timeout: float | None = None) -> Transport:
    """What carries the requests of a source: the hook of a connection, or a plain one for a probe's url.

    Raises ``ConfigurationError`` for a connection that is missing or of a type that nothing can be read from.
    """
    if "://" in name:
        return PlainHook(name, timeout or DEFAULT_TIMEOUT)
    try:
        kind = BaseHook.get_connection(name).conn_type
    except AirflowNotFoundException:
        error = missing(name, STATUS_FEED)
        if organizations() and not of_id(name):
            error = ConfigurationError(
                f"{error}. sources.yaml is read as written: for an organization's own, write for example "
                f"{name}{JOINT}{organizations()[0]}"
            )
        raise error from None
    known = {hook.conn_type: hook for hook in (Pro2Hook, Pro2DashboardHook, TessituraHook, StatusFeedHook)}
    if kind not in known:
        raise ConfigurationError(
            f"connection {name} is of type {kind!r}; sources.yaml can use {', '.join(sorted(known))}"
        )
    hook: CarryingHook = known[kind](name)
    _ = hook.settings
    return hook
