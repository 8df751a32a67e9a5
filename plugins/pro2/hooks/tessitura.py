"""Tessitura's REST service, read only whatever the connection says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import requests

from pro2.connection_types import TESSITURA
from pro2.hooks.carrying import CarryingHook
from pro2.hooks.checkup import Look
from pro2.hooks.settings import Settings
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.wire.probe import request_for
from pro2_reconciliation.wire.tessitura import list_request


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

    def looks(self) -> Iterator[Look]:
        """The service, and the list of the first data sync, where jobs.yaml names one."""
        words = {
            401: "Tessitura does not accept the login: give user:group:location as it is written there, and the "
            "password of that user.",
            403: "The login works, but its group may not read List Manager (403): ask for that right in Tessitura.",
        }
        wanted = "the base URL below which TessituraService lies, such as https://tessitura.example.org"
        yield Look(
            request_for(Service.TESSITURA),
            "Tessitura's REST service",
            lambda body: isinstance(body, dict),
            words,
            wanted,
        )
        known = _first_list()
        if known is not None:
            yield Look(
                list_request(known),
                f"list {known}",
                lambda body: isinstance(body, dict) and "Id" in body,
                words
                | {
                    404: f"Tessitura works, and has no list {known} (404): correct tessitura_list in jobs.yaml, or "
                    "ask for the right to see it."
                },
                wanted,
            )

    def remarks(self, answers: list[Any]) -> list[str]:
        if len(answers) > 1:
            return []
        return ["Whether it may read lists was not tried: no job of jobs.yaml names a tessitura_list."]

    def _adapted(self, settings: Settings) -> Settings:
        if len([part for part in settings.login.split(":") if part]) != 3:
            raise ConfigurationError(
                f"connection {settings.conn_id} has login {settings.login!r}; "
                "Tessitura expects user:group:location"
            )
        return replace(settings, read_only=True, acts=False)


def _first_list() -> str | None:
    """A list that the work will read; None where the site names none, or is not described here."""
    from pro2.organization import open_site

    try:
        return next((job.tessitura_list for job in open_site().jobs if job.tessitura_list), None)
    except ConfigurationError:
        return None
