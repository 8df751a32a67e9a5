"""The Test button says in words what is wrong, and the forms show labelled fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pro2.connection_types import CONNECTION_TYPES
from pro2.hooks.dashboard import Pro2DashboardHook
from pro2.hooks.factory import ports_from_connections
from pro2.hooks.pro2 import Pro2Hook
from pro2.hooks.status_feed import StatusFeedHook
from pro2.hooks.tessitura import TessituraHook
from pro2.provider import get_provider_info
from pro2_reconciliation.domain.errors import ConfigurationError

HOOKS = [Pro2Hook, Pro2DashboardHook, TessituraHook, StatusFeedHook]


def test_a_good_connection_says_that_it_is_read_only(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(200, {"user": {}}))
    good, words = Pro2Hook(connect("pro2", server.url)).test_connection()
    assert good
    assert "read-only" in words
    good, words = Pro2Hook(connect("pro2", server.url, extra={"read_only": False})).test_connection()
    assert good
    assert "may CHANGE" in words


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, "{}", "does not accept the secret (401)"),
        (403, "{}", "does not accept the secret (403)"),
        (404, "{}", "does not know the path"),
        (200, "<html>", "not with JSON"),
        (500, "", "answered 500"),
        (429, "", "refused with 429"),
    ],
)
def test_a_bad_answer_is_explained(
    server: Any, answers: Any, connect: Any, status: int, body: str, words: str
) -> None:
    server.will(answers.reply(status, body))
    good, said = Pro2Hook(connect("pro2", server.url)).test_connection()
    assert not good
    assert words in said


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("http://no-such-host.invalid", "could not be looked up"),
        ("http://127.0.0.1:1", "refused the connection"),
        ("", "give the base URL"),
    ],
)
def test_a_host_that_is_not_there_is_explained(connect: Any, host: str, words: str) -> None:
    good, said = Pro2Hook(connect("pro2", host)).test_connection()
    assert not good
    assert words in said


def test_a_silent_host_is_explained(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.silence)
    assert "no answer within 0.4 s" in Pro2Hook(connect("pro2", server.url)).test_connection()[1]


def test_each_connection_type_asks_its_own_cheap_question(server: Any, connect: Any) -> None:
    Pro2DashboardHook(
        connect("pro2_dashboard", server.url, extra={"organization": "north west"})
    ).test_connection()
    TessituraHook(connect("tessitura", server.url, login="a:b:c")).test_connection()
    StatusFeedHook(connect("status_feed", server.url)).test_connection()
    assert [one.path for one in server.seen] == [
        "/dashboard/v1/organizations/north%20west/console",
        "/TessituraService/Diagnostics/Status",
        "/api/v2/incidents.json",
    ]


def test_the_provider_info_passes_the_schema_that_airflow_checks_it_with() -> None:
    airflow = pytest.importorskip("airflow")
    jsonschema = pytest.importorskip("jsonschema")

    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_is_the_one_that_its_connection_type_names(hook: Any) -> None:
    (entry,) = [one for one in CONNECTION_TYPES if one["connection-type"] == hook.conn_type]
    assert entry["hook-class-name"] == f"{hook.__module__}.{hook.__name__}"
    assert entry["hook-name"] == hook.hook_name
    behaviour = hook.get_ui_field_behaviour()
    assert behaviour["relabeling"] == entry["ui-field-behaviour"]["relabeling"]
    assert all(one["label"] for one in entry["conn-fields"].values())
    assert hook(**{hook.conn_name_attr: "x"}).http_conn_id == "x"


def test_read_only_is_switched_on_in_the_form() -> None:
    for entry in CONNECTION_TYPES:
        if "read_only" in entry["conn-fields"]:
            assert entry["conn-fields"]["read_only"]["schema"]["default"] is True


def test_the_ports_come_from_three_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    def define(conn_id: str, **parts: Any) -> None:
        connection = {"host": "https://x.example", "password": "s3cret-token", **parts}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))

    define("pro2_default", conn_type="pro2")
    with pytest.raises(ConfigurationError, match="pro2_dashboard_default"):
        ports_from_connections()
    define("pro2_dashboard_default", conn_type="pro2_dashboard", extra={"organization": "north"})
    define("tessitura_default", conn_type="tessitura", login="a:b:c")
    campaigns, contacts, dashboard, lists = ports_from_connections()
    assert id(campaigns) == id(contacts)
    assert hasattr(dashboard, "stop_run")
    assert hasattr(lists, "generated_at")
