"""From connections to an account: what is missing is named, and nothing is guessed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pro2 import accounts
from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import Seen

WRITABLE = {"read_only": False, "pace_ms": 0}


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Define connections by id."""

    def define(**connections: dict[str, Any]) -> None:
        for name, parts in connections.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(parts))

    return define


@pytest.fixture
def all_connections(connect: Any) -> Any:
    """The three connections of an account; ``changes`` are to their extra fields."""

    def define(**changes: dict[str, Any]) -> None:
        host = {"host": "https://example.org", "password": "s3cret"}
        extras = {
            "pro2": {**WRITABLE},
            "pro2_dashboard": {**WRITABLE, "organization": "playhouse"},
            "tessitura": {},
        }
        connect(
            **{
                name: {"conn_type": name, **host, "extra": {**extra, **changes.get(name, {})}}
                | ({"login": "reader:ops:web"} if name == "tessitura" else {})
                for name, extra in extras.items()
            }
        )

    return define


@pytest.mark.parametrize("missing", ["pro2", "pro2_dashboard", "tessitura"])
def test_a_missing_connection_is_named_with_the_command_that_adds_it(
    all_connections: Any, site_folder: Path, ledger: Any, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    all_connections()
    monkeypatch.delenv(f"AIRFLOW_CONN_{missing.upper()}")
    command = f"airflow connections add {missing} --conn-type {missing} "
    with pytest.raises(ConfigurationError, match=f"there is no connection {missing}; add it with: {command}"):
        accounts.open_account("a test")


def test_an_account_knows_its_site_and_who_acts(all_connections: Any, site_folder: Path, ledger: Any) -> None:
    all_connections()
    account = accounts.open_account("reconcile/manual__1/send_campaign[2]")
    assert account.organization == "playhouse"
    assert account.owner.startswith("reconcile/manual__1/send_campaign[2] on ")
    assert account.ledger.identity.uuid == ledger.identity.uuid
    assert account.refusal_of(Verb) is None


def test_an_account_does_only_what_the_ledger_knows_as_proven(
    all_connections: Any, site_folder: Path, ledger: Any
) -> None:
    all_connections()
    account = accounts.open_account("a test")
    assert account.proven() == frozenset()
    told = Seen(Capability.RUN_NOW, True, "the test job ran", "kim", "", ledger.now())
    ledger.note_capabilities("playhouse", [told])
    assert account.proven() == {Capability.RUN_NOW}


@pytest.mark.parametrize("which", ["pro2", "pro2_dashboard"])
@pytest.mark.parametrize("said", [{"read_only": True}, {"read_only": None}, {"read_only": "yes"}])
def test_a_read_only_connection_is_named_with_how_to_allow_repairs(
    all_connections: Any, site_folder: Path, ledger: Any, which: str, said: dict[str, Any]
) -> None:
    all_connections(**{which: said})
    account, other = accounts.open_account("a test"), {"pro2": Verb.RUN_NOW, "pro2_dashboard": Verb.ADD_TAG}
    assert account.refusal_of([other[which]]) is None, "the other connection may act"
    assert account.refusal_of(Verb) == (
        f"connection {which} is read-only, so nothing may be changed; "
        "set its extra field read_only to false to allow repairs"
    )


def test_a_read_only_connection_whose_buttons_a_person_presses_does_not_close_the_other(
    all_connections: Any, site_folder: Path, ledger: Any
) -> None:
    all_connections(pro2={"read_only": True, "actions": "manual"})
    account = accounts.open_account("a test")
    assert account.refusal_of([Verb.REPEAT_IMPORT, Verb.STOP_CAMPAIGN]) is None
    assert "connection pro2 is read-only" in str(account.refusal_of([Verb.ADD_TAG])), "nobody can press that"


class TestTheLedgerIs:
    def test_a_file_in_airflow_home_without_a_connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_HOME", "/var/airflow")
        assert accounts.ledger_url() == "sqlite:////var/airflow/reconciliation_ledger.db"

    @pytest.mark.parametrize("said", [{"host": "/data/ledger.db"}, {"schema": "/data/ledger.db"}])
    def test_the_file_that_a_sqlite_connection_names(self, connect: Any, said: dict[str, str]) -> None:
        connect(reconciliation_ledger={"conn_type": "sqlite", **said})
        assert accounts.ledger_url() == "sqlite:////data/ledger.db"

    def test_the_file_of_a_connection_that_is_written_as_a_url(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", "sqlite:////data/ledger.db")
        assert accounts.ledger_url() == "sqlite:////data/ledger.db"

    def test_never_a_file_that_nobody_named(self, connect: Any) -> None:
        connect(reconciliation_ledger={"conn_type": "sqlite"})
        with pytest.raises(
            ConfigurationError, match=r"reconciliation_ledger names no file; put its absolute"
        ):
            accounts.ledger_url()

    def test_a_postgres_database_whatever_its_password_is_made_of(self, connect: Any) -> None:
        from sqlalchemy.engine import make_url

        connect(
            reconciliation_ledger={
                "conn_type": "postgres",
                "host": "db.example.org",
                "port": 5433,
                "login": "pro2",
                "password": "a@b/c:d",
                "schema": "ledger",
            }
        )
        url = make_url(accounts.ledger_url())
        assert (url.get_backend_name(), url.host, url.port, url.database) == (
            "postgresql",
            "db.example.org",
            5433,
            "ledger",
        )
        assert (url.username, url.password) == ("pro2", "a@b/c:d")

    def test_a_database_behind_a_socket_is_not_taken_for_the_name_of_a_database(self, connect: Any) -> None:
        from sqlalchemy.engine import make_url

        connect(
            reconciliation_ledger={"conn_type": "postgres", "host": "/var/run/postgresql", "schema": "ledger"}
        )
        url = make_url(accounts.ledger_url())
        assert (url.database, url.query["host"]) == ("ledger", "/var/run/postgresql")

    def test_no_other_kind_of_thing(self, connect: Any) -> None:
        connect(reconciliation_ledger={"conn_type": "mysql", "host": "db"})
        with pytest.raises(
            ConfigurationError, match=r"is of type 'mysql'; the ledger needs sqlite or postgres"
        ):
            accounts.ledger_url()


@pytest.mark.parametrize(("map_index", "shown"), [(-1, ""), (0, "[0]"), (7, "[7]")])
def test_who_acts_names_dag_run_task_and_index(map_index: int, shown: str) -> None:
    ti = SimpleNamespace(dag_id="reconcile", run_id="manual__1", task_id="send_campaign", map_index=map_index)
    assert accounts.who_acts({"ti": ti}) == f"reconcile/manual__1/send_campaign{shown}"
