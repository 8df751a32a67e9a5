"""The Integrated Dashboard through this project's HTTP contract (the vendor publishes no API of it)."""

from __future__ import annotations

import requests

from pro2.connection_types import DASHBOARD
from pro2.hooks.carrying import CarryingHook, HeaderAuth
from pro2.hooks.settings import Settings
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.wire.exchange import Request
from pro2_reconciliation.wire.probe import request_for


class Pro2DashboardHook(CarryingHook):
    """Connection type ``pro2_dashboard``.

    ``host``: base URL; ``password``: bearer token; extra: ``organization``, ``read_only`` (true unless it
    says otherwise), ``timeout`` in seconds (20).
    """

    conn_name_attr = "pro2_dashboard_conn_id"
    default_conn_name = "pro2_dashboard_default"
    conn_type = DASHBOARD
    hook_name = "Pro2 Integrated Dashboard"

    def __init__(self, pro2_dashboard_conn_id: str = default_conn_name) -> None:
        super().__init__(pro2_dashboard_conn_id)
        self.pro2_dashboard_conn_id = pro2_dashboard_conn_id

    @property
    def organization(self) -> str:
        """The organization whose jobs and log this connection shows."""
        return self.settings.organization

    def authentication(self, settings: Settings) -> requests.auth.AuthBase:
        return HeaderAuth("Authorization", f"Bearer {settings.secret}")

    def test_request(self) -> Request:
        return request_for(Service.DASHBOARD, self.organization)

    def _adapted(self, settings: Settings) -> Settings:
        return with_organization(settings)


def with_organization(settings: Settings) -> Settings:
    """The same settings; ``ConfigurationError`` where they name no organization."""
    if not settings.organization:
        raise ConfigurationError(
            f"connection {settings.conn_id} names no organization; "
            'put {"organization": "NAME"} into its extra, as the dashboard writes it'
        )
    return settings
