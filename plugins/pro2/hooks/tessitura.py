"""Tessitura's REST service, read only whatever the connection says."""

from __future__ import annotations

from dataclasses import replace

import requests

from pro2.connection_types import TESSITURA
from pro2.hooks.carrying import CarryingHook
from pro2.hooks.settings import Settings
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.wire.exchange import Request
from pro2_reconciliation.wire.probe import request_for


class TessituraHook(CarryingHook):
    """Connection type ``tessitura``: ``host``, ``login`` as ``user:group:location``, ``password``."""

    conn_name_attr = "tessitura_conn_id"
    default_conn_name = "tessitura_default"
    conn_type = TESSITURA
    hook_name = "Tessitura (List Manager, read only)"

    def __init__(self, tessitura_conn_id: str = default_conn_name) -> None:
        super().__init__(tessitura_conn_id)
        self.tessitura_conn_id = tessitura_conn_id

    def authentication(self, settings: Settings) -> requests.auth.AuthBase:
        return requests.auth.HTTPBasicAuth(settings.login.encode(), settings.secret.encode())

    def test_request(self) -> Request:
        return request_for(Service.TESSITURA)

    def _adapted(self, settings: Settings) -> Settings:
        if len([part for part in settings.login.split(":") if part]) != 3:
            raise ConfigurationError(
                f"connection {settings.conn_id} has login {settings.login!r}; "
                "Tessitura expects user:group:location"
            )
        return replace(settings, read_only=True)
