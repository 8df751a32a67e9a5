"""A report in the browser: for who may look, by its name alone, and without any right to run something."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.incident.web.conftest import ROLES, Users
from tests.unit.repair.reports import EVIL, report, row

from pro2 import files
from pro2_reconciliation.repair.report_page import render

NAME = "outage__3f2a__g1"


@pytest.fixture(autouse=True)
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.setenv(files.REPORTS, f"file://{folder}")
    (folder / f"{NAME}.html").write_text(render(report(row("1", name=EVIL))), encoding="utf-8")
    (folder / f"{NAME}.csv").write_text("a,b", encoding="utf-8")
    (folder / f"{NAME}.drift.csv").write_text("ada@example.org", encoding="utf-8")
    (folder / f"{NAME}.recording.json").write_text("{}", encoding="utf-8")
    (tmp_path / "secret.html").write_text("secret", encoding="utf-8")
    return folder


@pytest.mark.parametrize("role", ROLES)
def test_everybody_who_may_look_sees_it(airflow: Users, role: str) -> None:
    answer = airflow.get(f"/pro2/reports/{NAME}.html", as_=role)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "conn.pro2.password" in answer.text


def test_nobody_sees_nothing(airflow: Users) -> None:
    assert airflow.get(f"/pro2/reports/{NAME}.html", as_=None).status_code == 401


def test_it_may_be_styled_and_run_nothing(airflow: Users) -> None:
    policy = airflow.get(f"/pro2/reports/{NAME}.html").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "sandbox allow-downloads allow-popups" in policy
    assert "style-src 'unsafe-inline'" in policy


def test_its_table_is_taken_away_as_a_file(airflow: Users) -> None:
    answer = airflow.get(f"/pro2/reports/{NAME}.csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{NAME}.csv"'
    assert answer.text == "a,b"


@pytest.mark.parametrize(
    "name",
    [
        f"{NAME}.drift.csv",
        f"{NAME}.recording.json",
        "unknown.html",
        "..%2fsecret.html",
        "%2e%2e%2fsecret.html",
        ".html",
        "%00.html",
        f"{NAME}.html%0d%0aset-cookie:x",
    ],
)
def test_addresses_and_other_files_are_not_shown(airflow: Users, name: str) -> None:
    answer = airflow.get(f"/pro2/reports/{name}")
    assert answer.status_code == 404
    assert "detail" in answer.json()
    assert "secret" not in answer.text.replace("..%2fsecret", "").replace("../secret.html", "")
    assert "ada@" not in answer.text
