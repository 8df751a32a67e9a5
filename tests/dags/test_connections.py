"""Connections as people add them: each command of the documentation is run, and each form is what Airflow shows."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pro2 import accounts, channels
from pro2.connection_types import CONNECTION_TYPES
from pro2.hooks.settings import missing

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TYPES = {one["connection-type"]: one for one in CONNECTION_TYPES}
ADD = "airflow connections add "


def commands() -> Iterator[Any]:
    """Every such command in a block of code of a page, on one line."""
    for page in PAGES:
        for block in re.findall(r"```\w*\n(.*?)```", page.read_text(), re.S):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip().startswith(ADD):
                    words = shlex.split(line)
                    yield pytest.param(words, id=f"{page.stem}-{words[3]}")
    for kind in TYPES:  # what an error tells to do is a command too
        told = str(missing(f"a_{kind}", kind)).partition("add it with: ")[2]
        yield pytest.param(shlex.split(told), id=f"error-{kind}")


@pytest.fixture(scope="module")
def database() -> Iterator[Any]:
    """Airflow's own database, as far as connections need it."""
    from airflow import models, settings
    from airflow.models.base import Base
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    models.import_all_models()
    Base.metadata.create_all(settings.engine)
    yield create_session
    with create_session() as session:
        session.query(Connection).delete()


@pytest.fixture
def add(database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command, and lets hooks find the connection as it was stored."""
    from airflow.cli.cli_parser import get_parser
    from airflow.models.connection import Connection

    monkeypatch.setenv("AIRFLOW__DATABASE__CHECK_MIGRATIONS", "False")  # its tables are enough

    def run(words: list[str]) -> Any:
        given = get_parser().parse_args(words[1:])
        with database() as session:
            session.query(Connection).delete()
        given.func(given)
        with database() as session:
            made = session.query(Connection).filter_by(conn_id=words[3]).one()
            monkeypatch.setenv(f"AIRFLOW_CONN_{words[3].upper()}", made.as_json())
            session.expunge(made)
        return made

    return run


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_of_the_documentation_adds_a_connection_that_is_understood(
    words: list[str], add: Any
) -> None:
    made = add(words)
    if made.conn_type in TYPES:
        module, _, name = TYPES[made.conn_type]["hook-class-name"].rpartition(".")
        settings = getattr(import_module(module), name)(made.conn_id).settings
        assert settings.read_only
        assert settings.secret == (made.password or "")
        assert set(made.extra_dejson) <= set(TYPES[made.conn_type]["conn-fields"])
    elif made.conn_type == "apprise":
        from apprise import Apprise

        for address in channels.addresses_of(made.conn_id):
            assert Apprise.instantiate(address.url) is not None, "apprise does not understand it"
    elif made.conn_id == accounts.LEDGER:
        assert accounts.ledger_url().startswith("postgresql://")
    else:
        assert (made.conn_id, made.conn_type) == ("reconciliation_rate", "redis")


def test_there_is_a_command_for_each_of_our_types_and_for_notifications() -> None:
    found = {word for one in commands() for word in one.values[0]}
    assert found >= {*TYPES, "apprise", accounts.LEDGER}


@pytest.fixture(scope="module")
def forms() -> dict[str, Any]:
    """Every form as Airflow's own page gets it, by connection type."""
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    return {one.connection_type: one for one in HookMetaService.hook_meta_data()}


class TestTheForm:
    @pytest.mark.parametrize("kind", TYPES)
    def test_shows_labels_and_placeholders_and_nothing_that_is_not_used(
        self, forms: dict[str, Any], kind: str
    ) -> None:
        standard = forms[kind].standard_fields
        wanted = TYPES[kind]["ui-field-behaviour"]
        shown = {
            name: field
            for name, field in dict(standard).items()
            if name != "description" and not (field and field.hidden)
        }
        hidden = {"url_schema" if name == "schema" else name for name in wanted["hidden-fields"]}
        assert set(shown) == {"host", "login", "password", "port", "url_schema"} - hidden
        assert "port" not in shown
        for name, label in wanted["relabeling"].items():
            assert shown[name].title == label
        for name, placeholder in wanted["placeholders"].items():
            assert shown[name].placeholder == placeholder

    @pytest.mark.parametrize("kind", TYPES)
    def test_has_a_label_and_a_description_for_each_extra_field_and_no_secret_among_them(
        self, forms: dict[str, Any], kind: str
    ) -> None:
        extra = json.loads(json.dumps(forms[kind].extra_fields, default=str))
        assert list(extra) == list(TYPES[kind]["conn-fields"])
        for name, field in extra.items():
            assert field["schema"].get("title"), name
            assert field["description"], name
            assert field["schema"].get("format") != "password", "a secret has one place: the password"
