"""Every route, asked by everybody: nobody gets in without a login, and each role may what the runbook says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.incident.web.conftest import HERE, OUTAGE, ROLES, RUN, Users

from pro2.web.app import make_app
from pro2.web.people import NOBODYS_TEAM, is_admin
from pro2.web.saying import COMMANDS

ITEM = "campaign:103"
READS = (
    "/pro2/",
    "/pro2/static/main.js",
    "/pro2/static/looks.css",
    "/pro2/api/board",
    f"/pro2/api/outages/{OUTAGE}",
    f"/pro2/api/outages/{OUTAGE}/items.csv",
    f"/pro2/api/outages/{OUTAGE}/items.json",
    f"/pro2/api/runs/{RUN}",
    f"/pro2/api/items/{ITEM}",
    f"/pro2/api/reports/{RUN}",
    "/pro2/api/trust",
    f"/pro2/bundles/{ITEM}",
)
WHY = {"why": "a test"}
BODIES: dict[str, dict[str, Any]] = {
    "declare": {"service": "tessitura", "start": "2026-11-01T18:00", "end": "2026-11-01T19:00", **WHY},
    "end_declaration": {"number": 1, "at": "2026-11-01T19:00"},
    "withdraw": {"number": 1},
    "confirm": {"outage_id": OUTAGE, **WHY},
    "waive": {"item": ITEM, **WHY},
    "hold": {"item": ITEM, **WHY},
    "release": {"item": ITEM},
    "close": {"item": ITEM, **WHY},
    "switch": {"stage": "schedules", **WHY},
    "adopt": {"epoch": 2, **WHY},
}
ADMINS = {"switch", "adopt"}
DONE = {200, 409, 422}
"""The person was let in; what the ledger says to it is another matter."""


@pytest.mark.parametrize("path", READS)
class TestReading:
    def test_nobody_gets_nothing(self, airflow: Users, path: str) -> None:
        answer = airflow.get(path, as_=None)
        assert answer.status_code == 401
        assert answer.json() == {
            "detail": "nobody is logged in to Airflow here; log in, then open this page again"
        }

    @pytest.mark.parametrize("role", ROLES)
    def test_every_role_may_look(self, airflow: Users, path: str, role: str) -> None:
        assert airflow.get(path, as_=role).status_code == 200

    def test_a_forged_token_opens_nothing(self, airflow: Users, path: str) -> None:
        airflow.tokens = {**airflow.tokens, "forged": airflow.tokens["viewer"][:-8] + "AAAAAAAA"}
        assert airflow.get(path, as_="forged").status_code in (401, 403)


@pytest.mark.parametrize("command", COMMANDS)
class TestSaying:
    def test_nobody_says_anything(self, airflow: Users, command: str) -> None:
        assert airflow.say(command, BODIES[command], as_=None).status_code == 401

    def test_a_viewer_is_told_what_he_lacks(self, airflow: Users, command: str) -> None:
        answer = airflow.say(command, BODIES[command], as_="viewer")
        assert answer.status_code == 403
        assert answer.json()["detail"].startswith("viewer may ")

    @pytest.mark.parametrize("role", ["user", "op"])
    def test_who_may_trigger_reconcile_may_say_all_but_what_admins_say(
        self, writable: Users, command: str, role: str
    ) -> None:
        answer = writable.say(command, BODIES[command], as_=role)
        if command in ADMINS:
            assert answer.status_code == 403
            assert answer.json()["detail"].endswith("only an admin of Airflow may do that")
        else:
            assert answer.status_code in DONE

    def test_an_admin_may_say_everything(self, writable: Users, command: str) -> None:
        assert writable.say(command, BODIES[command], as_="admin").status_code in DONE


def test_each_command_has_a_body_here() -> None:
    assert set(BODIES) == set(COMMANDS)


def test_the_list_of_routes_is_whole() -> None:
    """A new route is asked by everybody too."""
    routes = {route.path for route in make_app().routes}
    assert routes == {
        "/",
        "/static/{name}",
        "/api/board",
        "/api/outages/{outage_id}",
        "/api/outages/{outage_id}/items.csv",
        "/api/outages/{outage_id}/items.json",
        "/api/runs/{run_id:path}",
        "/api/items/{key:path}",
        "/api/reports/{run_id:path}",
        "/api/trust",
        "/api/commands/{name}",
        "/reports/{name}",
        "/bundles/{key:path}",
    }


@pytest.mark.parametrize(
    "path", ["/pro2/docs", "/pro2/redoc", "/pro2/openapi.json", "/pro2/static/../app.py"]
)
def test_nothing_else_is_there(airflow: Users, path: str) -> None:
    assert airflow.get(path, as_="admin").status_code == 404


def test_the_page_is_told_what_its_reader_may(airflow: Users) -> None:
    may = {role: airflow.get("/pro2/api/board", as_=role).json()["me"] for role in ROLES}
    assert {role: (me["acts"], me["answers"], me["admin"]) for role, me in may.items()} == {
        "viewer": (False, False, False),
        "user": (True, True, False),
        "op": (True, True, False),
        "admin": (True, True, True),
    }
    assert may["op"]["name"] == "op"


class TestAdmins:
    """As the FAB auth manager answers, which this package does not install."""

    @staticmethod
    def fab(edits_roles: bool) -> Any:
        def team(**_: object) -> bool:
            raise NotImplementedError

        asked: list[tuple[str, str]] = []

        def view(*, method: str, resource_name: str, user: object) -> bool:
            asked.append((method, resource_name))
            return edits_roles

        return SimpleNamespace(is_authorized_custom_view=view, is_authorized_team=team, asked=asked)

    @pytest.mark.parametrize("edits_roles", [True, False])
    def test_who_may_edit_roles_is_one(self, edits_roles: bool) -> None:
        manager = self.fab(edits_roles)
        assert is_admin(manager, None) is edits_roles  # type: ignore[arg-type]
        assert manager.asked == [("PUT", "Roles")]

    def test_no_team_can_have_the_name_that_is_asked_about(self) -> None:
        """The simple auth manager's users are written ``name:role:team``."""
        assert ":" in NOBODYS_TEAM


def test_a_bearer_token_counts_as_well_as_the_cookie(airflow: Users) -> None:
    headers = {**HERE, "authorization": f"Bearer {airflow.tokens['viewer']}"}
    assert airflow.get("/pro2/api/board", as_=None, headers=headers).status_code == 200
