"""The Integrated Dashboard through this project's HTTP contract (the vendor publishes no API of it)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import requests

from pro2.connection_types import DASHBOARD
from pro2.hooks.carrying import CarryingHook, HeaderAuth
from pro2.hooks.checkup import Look
from pro2.hooks.settings import EXPORT, HTTP, Settings
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.wire.dashboard import activity_request
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_reconciliation.wire.probe import request_for

OLD = timedelta(hours=24)
"""An export that is older says nothing of last night."""


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
            if self.settings.adapter == EXPORT:
                return check_export()
        except ReconciliationError:
            pass  # said below, in the words for every connection
        return super().test_connection()

    def authentication(self, settings: Settings) -> requests.auth.AuthBase:
        return HeaderAuth("Authorization", f"Bearer {settings.secret}")

    def looks(self) -> Iterator[Look]:
        """The Console, then the last hour of the Activity Log."""
        words = {
            401: "The dashboard does not accept the token (401): paste it into the password field once more.",
            403: "The token works, but it may not see this (403): ask for the right to view Console and Activity Log.",
            404: f"The host answers, and knows no organization {self.organization!r} (404), or is not the dashboard: "
            "correct organization in the extra, as the dashboard writes it, or the base URL.",
        }
        wanted = "the base URL of what serves docs/dashboard-contract.openapi.yaml"
        now = datetime.now(UTC)
        yield Look(
            request_for(Service.DASHBOARD, self.organization),
            "the Console",
            lambda body: isinstance(body, dict) and isinstance(body.get("rows"), list),
            words,
            wanted,
        )
        yield Look(
            activity_request(self.organization, now - timedelta(hours=1), now),
            "the Activity Log",
            lambda body: (
                isinstance(body, dict) and isinstance(body.get("rows"), list) and bool(body.get("as_of"))
            ),
            words,
            wanted,
        )

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


def check_export() -> tuple[bool, str]:
    """Whether the exported files of the last seven days can be read, and how old the newest is."""
    from pro2.hooks.export import open_export
    from pro2.organization import open_site
    from pro2_reconciliation.domain.localtime import local

    now = datetime.now(UTC)
    try:
        log, zone = open_export().activity(now - timedelta(days=7), now), open_site().zone
    except ReconciliationError as error:
        return False, f"{str(error)[:1].upper()}{str(error)[1:]}"
    since = f" from {local(log.whole_from, zone)}" if log.whole_from else ""
    read = (
        f"{len(log.rows)} runs of seven days were read; the log is whole{since} to {local(log.as_of, zone)}."
    )
    age = now - log.as_of
    if age > OLD:
        hours = round(age / timedelta(hours=1))
        return False, (
            f"The newest export is {hours} h old: put a new one there. What was due after it counts as unknown. {read}"
        )
    return True, f"It works. {read} A person presses what changes something."
