"""The page inside Airflow, in process: Airflow's own mounting of plugins, its middlewares, its simple auth manager.

Only the routes of Airflow itself are left out. ``airflow.get("/pro2/", as_="viewer")`` asks as that user does in a
browser: with the cookie of his login.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient
from tests.incident.harness import Evening

from pro2.web.app import make_app
from pro2.web.opened import Opened
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.words import Mode, Service
from pro2_reconciliation.ledger import Ledger, Witness

ROLES = ("viewer", "user", "op", "admin")
OUTAGE = "3f2a91c4"
RUN = f"outage__{OUTAGE}__g1"
HERE = {"sec-fetch-site": "same-origin"}
"""What a browser says of a request that our own page sends."""


class PlayedOpened(Opened):
    """What the page shows of an evening in process."""

    def __init__(self, evening: Evening) -> None:
        super().__init__()
        self.evening = evening
        self.breaks: Exception | None = None

    def now(self) -> Any:
        return self.evening.clock.now()

    def site(self) -> Site:
        if self.breaks is not None:
            raise self.breaks
        return self.evening.site

    def ledger(self) -> Ledger:
        return self.evening.ledger()

    def witness(self) -> Witness:
        return self.evening.witness


class Users:
    """Asks as each of Airflow's users, or as nobody."""

    def __init__(self, client: TestClient, tokens: dict[str, str]) -> None:
        self.client = client
        self.tokens = tokens
        self.opened: PlayedOpened | None = None

    def get(self, path: str, as_: str | None = "viewer", **more: Any) -> Response:
        return self.request("GET", path, as_, **more)

    def say(self, command: str, body: Any, as_: str | None = "user", **more: Any) -> Response:
        headers = {**HERE, **more.pop("headers", {})}
        return self.request("POST", f"/pro2/api/commands/{command}", as_, json=body, headers=headers, **more)

    def request(self, method: str, path: str, as_: str | None, **more: Any) -> Response:
        self.client.cookies.clear()
        if as_ is not None:
            self.client.cookies.set("_token", self.tokens[as_])
        return self.client.request(method, path, **more)


@pytest.fixture(scope="session")
def airflow_around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, str]]]:
    """The parts of Airflow's API server that stand between a request and a plugin; a token for each role."""
    folder = tmp_path_factory.mktemp("auth")
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({role: role for role in ROLES}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", ",".join(f"{r}:{r}" for r in ROLES))
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "s" * 64)
        from airflow import models, settings
        from airflow.api_fastapi.app import init_auth_manager, init_plugins, purge_cached_app
        from airflow.api_fastapi.common.exceptions import init_error_handlers
        from airflow.api_fastapi.core_api.app import init_middlewares
        from airflow.models.base import Base
        from fastapi import FastAPI

        models.import_all_models()
        Base.metadata.create_all(settings.engine)
        purge_cached_app()
        app = FastAPI()
        init_plugins(app)
        init_auth_manager(app)
        init_error_handlers(app)
        init_middlewares(app)
        client = TestClient(app)
        login = {role: {"username": role, "password": role} for role in ROLES}
        tokens = {
            role: client.post("/auth/token", json=body).json()["access_token"] for role, body in login.items()
        }
        yield app, tokens
        purge_cached_app()


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    """A small evening, planned and not answered: two campaigns wait for a person's choice. Read it only."""
    return _play(tmp_path_factory.mktemp("played"))


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    """The same for a test that writes."""
    return _play(tmp_path)


def _play(folder: Path) -> Evening:
    from tests.unit.pro2.conftest import incident

    evening = Evening(folder, incident(hostile=True))
    evening.end_outage()
    window = evening.window()
    outage = Outage(
        id=OUTAGE,
        organization=evening.site.organization,
        service=Service.SENDING,
        start=window.start,
        end=window.end,
        state=OutageState.PLANNED,
    )
    evening.ledger().replace_outages(evening.site.organization, [outage], "put by the test")
    evening.reconcile(
        Mode.PLAN,
        window=window.model_copy(update={"outage_ids": (OUTAGE,)}),
        dag_run=RUN,
        answer=lambda _: {},
    )
    return evening


def _users(around: tuple[Any, dict[str, str]], evening: Evening, patch: pytest.MonkeyPatch) -> Users:
    from pro2.web import lazy

    app, tokens = around
    opened = PlayedOpened(evening)
    patch.setattr(lazy.outages, "_app", make_app(opened))
    found = Users(TestClient(app), tokens)
    found.opened = opened
    return found


@pytest.fixture
def airflow(airflow_around: Any, played: Evening, monkeypatch: pytest.MonkeyPatch) -> Users:
    """Airflow with the page over an evening that nobody changes."""
    return _users(airflow_around, played, monkeypatch)


@pytest.fixture
def writable(airflow_around: Any, evening: Evening, monkeypatch: pytest.MonkeyPatch) -> Users:
    """Airflow with the page over an evening of the test's own."""
    return _users(airflow_around, evening, monkeypatch)
