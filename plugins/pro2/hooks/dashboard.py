"""The Integrated Dashboard through this project's HTTP contract (the vendor publishes no API of it)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import requests

from pro2.connection_types import DASHBOARD
from pro2.hooks.carrying import CarryingHook, HeaderAuth, explained
from pro2.hooks.settings import EXPORT, HTTP, Settings
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_reconciliation.wire.probe import request_for


class Pro2DashboardHook(CarryingHook):
    """Connection type ``pro2_dashboard``.

    ``host``: base URL; ``password``: bearer token; extra: ``organization``, ``read_only`` (true unless it
    says otherwise), ``timeout`` in seconds (20). With ``adapter: export`` in the extra it needs none of them: the
    Activity Log is read from files, and no request is ever carried.
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

    def carry(self, request: Request) -> Reply:
        if self.settings.adapter == EXPORT:
            raise no_host(request, self.settings)
        return super().carry(request)

    def test_connection(self) -> tuple[bool, str]:
        """As of every connection; of an export, whether its files of the last seven days can be read."""
        try:
            if self.settings.adapter != EXPORT:
                return super().test_connection()
            from pro2.hooks.export import open_export

            now = datetime.now(UTC)
            log = open_export().activity(now - timedelta(days=7), now)
        except ReconciliationError as error:
            return False, explained(error)
        since = f" from {log.whole_from:%Y-%m-%d %H:%M}" if log.whole_from else ""
        return True, f"{len(log.rows)} runs of seven days; whole{since} to {log.as_of:%Y-%m-%d %H:%M} UTC."

    def authentication(self, settings: Settings) -> requests.auth.AuthBase:
        return HeaderAuth("Authorization", f"Bearer {settings.secret}")

    def test_request(self) -> Request:
        return request_for(Service.DASHBOARD, self.organization)

    def _adapted(self, settings: Settings) -> Settings:
        return with_organization(settings)


def with_organization(settings: Settings) -> Settings:
    """The same settings; ``ConfigurationError`` where they name no organization. An export needs none."""
    if settings.adapter == HTTP and not settings.organization:
        raise ConfigurationError(
            f"connection {settings.conn_id} names no organization; "
            'put {"organization": "NAME"} into its extra, as the dashboard writes it'
        )
    return settings


def no_host(request: Request, settings: Settings) -> ConfigurationError:
    """The error for a request over a connection that only reads files."""
    return ConfigurationError(
        f"{request.method} {request.path} was not sent: connection {settings.conn_id} reads an export "
        "(adapter: export) and has no host"
    )
