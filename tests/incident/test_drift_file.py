"""The CSV of a drift: every contact once with its address, for its owner alone, and never in the way of a plan."""

from __future__ import annotations

import csv
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.incident.drifting import Follows

from pro2 import files
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError, Unreadable
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Remedy

CONTEXT = {"dag_run": SimpleNamespace(run_id="ask__9c41/../f0")}
FILE = "ask__9c41____f0.drift.csv"


@pytest.fixture(scope="module")
def follows(tmp_path_factory: pytest.TempPathFactory) -> Follows:
    return Follows(tmp_path_factory.mktemp("evening"))


@pytest.fixture(scope="module")
def plan(follows: Follows) -> Plan:
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    return plan


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(files.REPORTS, f"file://{tmp_path}/reports")
    return tmp_path / "reports"


def written(reports: Path) -> list[dict[str, str]]:
    with (reports / FILE).open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_contact_of_every_proposal_stands_in_it_once(
    follows: Follows, plan: Plan, reports: Path
) -> None:
    files.write_drift(CONTEXT, follows.evening.account("plan"), plan)
    rows = written(reports)
    proposals = [d for d in plan.decisions if d.remedy in (Remedy.ADD_TAG, Remedy.REMOVE_TAG)]
    assert len(rows) == len({tuple(row.values()) for row in rows}) == sum(d.audience or 0 for d in proposals)
    assert {row["email"] for row in rows} == {f"patron{row['contact']}@example.org" for row in rows}
    assert {(row["job"], row["action"]) for row in rows} == {
        ("j-204", "add"),
        ("j-204", "remove"),
        ("j-217", "add"),
    }
    assert stat.S_IMODE((reports / FILE).stat().st_mode) == 0o600
    assert files.drift_file(CONTEXT) == FILE


def test_two_proposals_about_the_same_tags_read_them_once(
    follows: Follows, plan: Plan, reports: Path
) -> None:
    account = follows.evening.account("plan")
    reads: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(account.contacts, name)

        def holders(self, tag_id: str, *rest: Any) -> set[str]:
            reads.append(tag_id)
            return account.contacts.holders(tag_id, *rest)

    files.write_drift(CONTEXT, follows.evening.account("plan", contacts=Counting()), plan)
    assert len(reads) == len(set(reads)) == 4


def test_every_line_names_the_plan_that_it_is_of(follows: Follows, plan: Plan, reports: Path) -> None:
    files.write_drift(CONTEXT, follows.evening.account("plan"), plan)
    assert {row["plan_hash"] for row in written(reports)} == {plan.hash}


def test_without_a_drift_there_is_no_file(follows: Follows, reports: Path) -> None:
    files.write_drift(CONTEXT, follows.evening.account("plan"), follows.first)
    assert not reports.exists()
    assert files.drift_file(CONTEXT) == ""


def test_one_that_cannot_be_read_is_left_out_and_said(
    follows: Follows, plan: Plan, reports: Path, caplog: pytest.LogCaptureFixture
) -> None:
    account = follows.evening.account("plan")

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(account.contacts, name)

        def tag_id(self, tag: str) -> str | None:
            if "j-204" in tag:
                raise Unreadable("it says <html>")
            return account.contacts.tag_id(tag)

    files.write_drift(CONTEXT, follows.evening.account("plan", contacts=Failing()), plan)
    assert {row["job"] for row in written(reports)} == {"j-217"}
    assert "could not be listed: it says <html>" in caplog.text


def test_a_folder_that_cannot_be_written_does_not_stop_the_plan(
    follows: Follows,
    plan: Plan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv(files.REPORTS, f"file://{tmp_path}/taken")
    files.write_drift(CONTEXT, follows.evening.account("plan"), plan)
    assert "could not be written" in caplog.text


class TestTheFolder:
    def test_of_a_storage_that_airflow_does_not_know_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for named in ("s3://bucket/reports", "memory://reports", "nonsense://reports"):
            monkeypatch.setenv(files.REPORTS, named)
            with pytest.raises(ConfigurationError, match="install the Airflow provider of that storage"):
                files.reports_folder()

    def test_is_in_the_home_of_airflow_unless_a_site_says_where(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(files.REPORTS, raising=False)
        monkeypatch.setenv("AIRFLOW_HOME", "/nowhere/airflow")
        assert str(files.reports_folder()) == "file:///nowhere/airflow/reports"

    def test_is_looked_at_without_being_made(self, reports: Path) -> None:
        assert files.drift_file(CONTEXT) == ""
        with pytest.raises(
            ReconciliationError, match=r"there is no file://.*it lies on the disk of another host"
        ):
            files.report_of("ask__9c41")
        assert not reports.exists()


class TestWhatAPersonMayBeShown:
    @pytest.mark.parametrize(
        "ending", ["drift.csv", "recording.json", "../../etc/passwd", "html/../x", "HTML", ""]
    )
    def test_is_never_the_drift_nor_a_recording_nor_another_file(self, reports: Path, ending: str) -> None:
        reports.mkdir()
        (reports / f"x.{ending.rpartition('/')[2]}").write_text("addresses")
        with pytest.raises(ReconciliationError, match="is not shown"):
            files.shown_file(f"x.{ending}")
        with pytest.raises(ReconciliationError, match="is not shown"):
            files.report_of("x", ending)

    def test_stays_in_the_folder_whatever_the_dag_run_is_called(self, reports: Path, tmp_path: Path) -> None:
        reports.mkdir()
        (tmp_path / "secret.html").write_text("secret")
        with pytest.raises(ReconciliationError, match="has not reported yet"):
            files.report_of("../secret")
        for name in ("../secret.html", "..%2fsecret.html", "/etc/x.html", ".html", "a/b.html", "x\n.html"):
            with pytest.raises(ReconciliationError, match="is not shown"):
                files.shown_file(name)


def test_two_long_names_of_dag_runs_are_two_files() -> None:
    one, other = files.name_of(f"{'x' * 300}1"), files.name_of(f"{'x' * 300}2")
    assert one != other
    assert max(len(one), len(other)) < 220
