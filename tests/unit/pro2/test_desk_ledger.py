"""Which ledger a command of the desk speaks to: the one of Airflow's tasks, unless somebody names another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pro2_reconciliation.__main__ import main
from pro2_reconciliation.ledger import Ledger

CONNECTION = "AIRFLOW_CONN_RECONCILIATION_LEDGER"
METASTORE = "airflow.secrets.metastore.MetastoreBackend.get_connection"


@dataclass
class Shell:
    """A shell on a host of Airflow. ``run`` gives the exit code, stdout and stderr of one command."""

    folder: Path
    home: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *said: str) -> tuple[int, str, str]:
        code = copy_context().run(main, ["--who", "kim", *said])
        told = self.capsys.readouterr()
        return code, told.out, told.err

    def ledger(self, name: str) -> Ledger:
        return Ledger.open(f"sqlite:///{self.folder / name}", clock=lambda: datetime.now(UTC), create=False)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jobs.yaml").write_text(
        "organization: playhouse\nzone: America/Chicago\njobs: []\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PRO2_RECONCILIATION_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("AIRFLOW_HOME", str(home))
    monkeypatch.setattr(METASTORE, lambda *_, **__: None)
    return Shell(tmp_path, home, capsys)


@pytest.fixture
def connected(shell: Shell, new_ledger: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Airflow has a connection of the ledger, as README's step 4 makes one."""
    shutil.copyfile(new_ledger, shell.folder / "tasks.db")
    connect(monkeypatch, shell.folder / "tasks.db")
    return shell


def connect(monkeypatch: pytest.MonkeyPatch, file: Path, behind: str = "") -> None:
    monkeypatch.setenv(f"{CONNECTION}{behind}", json.dumps({"conn_type": "sqlite", "host": str(file)}))


def test_the_ledger_of_airflows_connection_is_adopted(connected: Shell) -> None:
    code, told, beside = connected.run("adopt", "--why", "first start")

    assert code == 0, beside
    assert connected.ledger("tasks.db").identity.adopted_by == "kim"
    assert f"Ledger: sqlite:///{connected.folder}/tasks.db, named by Airflow's connection" in beside
    assert "Ledger:" not in told, "stdout is the answer alone"
    assert list(connected.home.iterdir()) == []


def test_the_variable_goes_before_airflows_connection(
    connected: Shell, new_ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(new_ledger, connected.folder / "other.db")
    monkeypatch.setenv("PRO2_RECONCILIATION_LEDGER", f"sqlite:///{connected.folder}/other.db")

    _, _, beside = connected.run("hold", "campaign:103", "--why", "I call the vendor")

    assert "named by PRO2_RECONCILIATION_LEDGER" in beside
    assert [*connected.ledger("other.db").holds("playhouse")] == ["campaign:103"]
    assert connected.ledger("tasks.db").holds("playhouse") == {}


def test_without_a_connection_it_is_the_file_that_tasks_use(shell: Shell, new_ledger: Path) -> None:
    shutil.copyfile(new_ledger, shell.home / "reconciliation_ledger.db")

    code, told, beside = shell.run("status")

    assert code == 0
    assert f"at sqlite:///{shell.home}/reconciliation_ledger.db" in told
    assert "because Airflow has no connection reconciliation_ledger" in beside


def test_a_ledger_that_is_not_there_is_an_error_that_says_where_was_looked_and_what_to_do(
    shell: Shell,
) -> None:
    code, _, told = shell.run("status")

    assert code == 2
    assert f"There is no ledger at sqlite:///{shell.home}/reconciliation_ledger.db" in told
    assert "This place is the file that tasks use, because Airflow has no connection" in told
    assert "name the ledger by --ledger or PRO2_RECONCILIATION_LEDGER" in told
    assert list(shell.home.iterdir()) == []


def test_a_new_ledger_is_begun_where_tasks_look_for_it_and_only_once(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, shell.folder / "tasks.db")

    code, told, _ = shell.run("adopt", "--create", "--why", "first start")
    again = shell.run("adopt", "--create", "--why", "once more")[1]

    assert code == 0
    assert told.startswith("A new ledger was begun, named by Airflow's connection reconciliation_ledger. ")
    assert "A new ledger" not in again
    assert shell.ledger("tasks.db").identity.epoch == 3
    assert list(shell.home.iterdir()) == []


@pytest.mark.parametrize("said", [("status",), ("adopt", "--create", "--why", "first start")])
def test_nothing_is_guessed_while_airflows_database_does_not_answer(
    shell: Shell, new_ledger: Path, monkeypatch: pytest.MonkeyPatch, said: tuple[str, ...]
) -> None:
    """A connection may stand there, and the file be one of an earlier year."""
    shutil.copyfile(new_ledger, shell.home / "reconciliation_ledger.db")

    def down(*_: object, **__: object) -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr(METASTORE, down)

    code, _, told = shell.run(*said)

    assert code == 2
    assert "Airflow cannot say whether there is a connection reconciliation_ledger" in told
    assert "MetastoreBackend says ConnectionError" in told
    assert "environment of the scheduler" in told
    opened = Ledger.open(f"sqlite:///{shell.home}/reconciliation_ledger.db", clock=lambda: datetime.now(UTC))
    assert opened.identity.adopted_by != "kim"


class TestWithoutAnAirflow:
    @pytest.fixture(autouse=True)
    def alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pro2_reconciliation.desk.airflow.entry_points", lambda **_: [])

    def test_it_is_the_file_in_airflow_home(self, shell: Shell, new_ledger: Path) -> None:
        shutil.copyfile(new_ledger, shell.home / "reconciliation_ledger.db")
        code, _, beside = shell.run("status")
        assert code == 0
        assert "because no Airflow is here to be asked" in beside

    def test_a_new_one_is_begun_only_where_somebody_says(self, shell: Shell) -> None:
        code, _, told = shell.run("adopt", "--create", "--why", "first start")
        assert code == 2
        assert "Name the place by --ledger" in told
        assert list(shell.home.iterdir()) == []


class TestOfSeveralOrganizations:
    @pytest.fixture
    def consortium(self, shell: Shell, new_ledger: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
        monkeypatch.setenv("PRO2_RECONCILIATION_ORGANIZATIONS", "opera,ballet")
        (shell.folder / "config" / "jobs.yaml").unlink()
        for name in ("opera", "ballet"):
            (shell.folder / "config" / name).mkdir()
            jobs = f"organization: {name}\nzone: America/Chicago\njobs: []\n"
            (shell.folder / "config" / name / "jobs.yaml").write_text(jobs)
            shutil.copyfile(new_ledger, shell.folder / f"{name}.db")
            connect(monkeypatch, shell.folder / f"{name}.db", f"__{name.upper()}")
        return shell

    def meant(self, shell: Shell, monkeypatch: pytest.MonkeyPatch, how: str) -> list[str]:
        if how == "the folder":
            return ["--config", str(shell.folder / "config" / "opera")]
        monkeypatch.setenv("PRO2_RECONCILIATION_ORGANIZATION", "opera")
        return []

    @pytest.mark.parametrize("how", ["the folder", "the variable"])
    def test_the_ledger_of_the_one_that_is_meant_is_taken(
        self, consortium: Shell, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        said = self.meant(consortium, monkeypatch, how)
        code, _, beside = consortium.run(*said, "adopt", "--why", "first start")
        assert code == 0, beside
        assert "named by Airflow's connection reconciliation_ledger__opera" in beside
        assert consortium.ledger("opera.db").identity.adopted_by == "kim"
        assert consortium.ledger("ballet.db").identity.adopted_by != "kim"

    def test_somebody_has_to_say_which(self, consortium: Shell) -> None:
        code, _, told = consortium.run("status")
        assert code == 2
        assert (
            "lists opera,ballet; say whose desk this is: export PRO2_RECONCILIATION_ORGANIZATION=opera"
            in told
        )

    def test_folder_and_variable_must_mean_the_same(
        self, consortium: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PRO2_RECONCILIATION_ORGANIZATION", "ballet")
        opera = str(consortium.folder / "config" / "opera")
        code, _, told = consortium.run("--config", opera, "adopt", "--why", "first start")
        assert code == 2
        assert "PRO2_RECONCILIATION_ORGANIZATION says 'ballet', and jobs.yaml" in told
        assert consortium.ledger("ballet.db").identity.adopted_by != "kim"

    def test_one_that_is_not_served_here_is_refused(self, consortium: Shell) -> None:
        (consortium.folder / "config" / "jobs.yaml").write_text(
            "organization: playhouse\nzone: America/Chicago\njobs: []\n"
        )
        code, _, told = consortium.run("status")
        assert code == 2
        assert "organization 'playhouse' is not known" in told


def test_a_drill_takes_no_other_ledger_than_that_of_the_connections(connected: Shell) -> None:
    code, _, told = connected.run("--ledger", f"sqlite:///{connected.folder}/other.db", "drill", "5")
    assert code == 2
    assert "leave --ledger out" in told


@pytest.mark.parametrize("named", ["the variable", "--ledger"])
def test_airflow_is_not_loaded_where_the_ledger_is_named(shell: Shell, new_ledger: Path, named: str) -> None:
    url = f"sqlite:///{new_ledger}"
    said = ["--ledger", url] if named == "--ledger" else []
    code = (
        f"import sys; from pro2_reconciliation.__main__ import main; code = main({[*said, 'status']!r}); "
        "print([name for name in sys.modules if name.startswith('airflow')]); sys.exit(code)"
    )
    variables: dict[str, str] = {"PRO2_RECONCILIATION_LEDGER": url} if not said else {}

    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"
