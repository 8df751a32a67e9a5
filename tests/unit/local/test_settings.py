"""A local Airflow listens on loopback only and keeps its secrets to itself."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from pro2_sandbox.local.airflow import MARK, LocalAirflow
from pro2_sandbox.local.processes import LocalRunError
from pro2_sandbox.local.settings import ROLES, Secrets, airflow_settings, password_file, write_private


def settings(home: Path) -> dict[str, str]:
    return airflow_settings(home=home, dags_folder=home / "dags", port=5, secrets=Secrets(), parallelism=4)


def test_everything_is_on_loopback(tmp_path: Path) -> None:
    made = settings(tmp_path)
    assert made["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert made["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:5"
    assert made["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:5/execution/"
    assert made["AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"] == "False"


def test_there_is_a_user_for_each_role(tmp_path: Path) -> None:
    assert (
        settings(tmp_path)["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
        == "admin:admin,op:op,user:user,viewer:viewer"
    )


def test_secrets_are_private_and_survive_a_restart(tmp_path: Path) -> None:
    first = Secrets.kept_in(tmp_path)
    assert Secrets.kept_in(tmp_path) == first
    for path in (tmp_path / "secrets.json", password_file(tmp_path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(json.loads(password_file(tmp_path).read_text())) == set(ROLES)


def test_secrets_differ_from_run_to_run_and_do_not_show_in_a_traceback() -> None:
    one, other = Secrets(), Secrets()
    assert one != other
    assert len(one.jwt) == 64
    assert one.jwt not in repr(one)
    assert one.passwords["admin"] not in repr(one)


def test_a_private_file_replaces_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


class TestHome:
    @pytest.mark.parametrize("keep", [False, True])
    def test_a_folder_that_is_not_ours_is_left_alone(self, tmp_path: Path, keep: bool) -> None:
        (tmp_path / "thesis.txt").write_text("years of work")
        with pytest.raises(LocalRunError, match="not ours"):
            LocalAirflow(tmp_path, tmp_path, keep=keep).start()
        assert (tmp_path / "thesis.txt").exists()

    def test_ours_is_emptied(self, tmp_path: Path) -> None:
        self.prepare(tmp_path / "home", keep=False)
        assert not (tmp_path / "home" / "airflow.db").exists()

    def test_ours_is_kept_when_asked(self, tmp_path: Path) -> None:
        self.prepare(tmp_path / "home", keep=True)
        assert (tmp_path / "home" / "airflow.db").exists()

    def prepare(self, home: Path, *, keep: bool) -> None:
        home.mkdir()
        (home / MARK).touch()
        (home / "airflow.db").touch()
        LocalAirflow(home, home, keep=keep)._prepare_home()
        assert (home / MARK).exists()
        assert (home / ".gitignore").read_text() == "*\n"
