"""The ports of the core over Airflow connections: what a task asks for, and all it needs to know of HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable

from pro2.hooks.dashboard import Pro2DashboardHook
from pro2.hooks.pro2 import Pro2Hook
from pro2.hooks.tessitura import TessituraHook
from pro2_reconciliation.domain.ports import Campaigns, Contacts, Dashboard, Lists
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
    pro2, dashboard, tessitura = (
        Pro2Hook(pro2_conn_id),
        Pro2DashboardHook(dashboard_conn_id),
        TessituraHook(tessitura_conn_id),
    )
    for hook in (pro2, dashboard, tessitura):
        _ = hook.settings
    account = ActiveCampaignPort(pro2, sleep=sleep, patience=patience)
    board = DashboardPort(dashboard, dashboard.organization, sleep=sleep, patience=patience)
    return account, account, board, ListsPort(tessitura, sleep=sleep, patience=patience)
