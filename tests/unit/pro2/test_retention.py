"""Files go when they are old and provably ours, never the newest report, and never anybody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from tests.unit.pro2.conftest import NOW
from tests.unit.repair.reports import report, row

from pro2 import files, retention
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.ledger import Ledger

ENDINGS = ("html", "txt", "csv", "json", "digest.html", "recording.json", "drift.csv")
Made = Callable[..., Plan]


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    monkeypatch.setenv(files.REPORTS, f"file://{folder}")
    return folder


@pytest.fixture
def account(ledger: Ledger) -> Any:
    return SimpleNamespace(ledger=ledger, organization="playhouse", policy=Policy(), now=lambda: NOW)


@pytest.fixture
def made(ledger: Ledger, reports: Path) -> Made:
    """A plan of so many days ago with all its files."""

    def make(run: str, days: float, organization: str = "playhouse", content: str | None = None) -> Plan:
        at = NOW - timedelta(days=days)
        identity = ledger.identity
        plan = Plan(
            organization=organization,
            zone="UTC",
            window=Window(start=at - timedelta(hours=1), end=at),
            created_at=at,
            ledger_uuid=identity.uuid,
            ledger_epoch=identity.epoch,
            run=run,
            decisions=(),
        )
        ledger.save_plan(plan, run)
        for ending in ENDINGS:
            (reports / f"{files.name_of(run)}.{ending}").write_text(content or f"... {plan.hash} ...")
        return plan

    return make


def left(reports: Path) -> dict[str, set[str]]:
    """The endings that are left, by dag run."""
    found: dict[str, set[str]] = {}
    for path in reports.iterdir():
        name, _, ending = path.name.partition(".")
        found.setdefault(name, set()).add(ending)
    return found


def test_files_older_than_90_days_go_and_addresses_after_14(account: Any, made: Made, reports: Path) -> None:
    made("old", 91)
    made("kept", 89)
    made("fresh", 13)
    deleted = retention.delete_old(account)
    assert left(reports) == {"kept": set(ENDINGS) - {"drift.csv"}, "fresh": set(ENDINGS)}
    assert sorted(deleted) == sorted([*(f"old.{ending}" for ending in ENDINGS), "kept.drift.csv"])
    assert retention.delete_old(account) == []


def test_a_site_may_keep_them_longer_or_shorter(account: Any, made: Made, reports: Path) -> None:
    account.policy = Policy(keep_reports_days=5, keep_addresses_days=200)
    made("a", 6)
    made("b", 4)
    retention.delete_old(account)
    assert left(reports) == {"b": set(ENDINGS)}


def test_the_newest_report_stays_however_old_it_is_without_its_addresses(
    account: Any, made: Made, reports: Path
) -> None:
    made("older", 300)
    made("newest", 200)
    retention.delete_old(account)
    assert left(reports) == {"newest": set(ENDINGS) - {"drift.csv"}}


def test_what_an_open_item_refers_to_stays(account: Any, made: Made, reports: Path, ledger: Ledger) -> None:
    account.policy = Policy(keep_reports_days=10)
    plan = made("open", 20)
    made("newer", 1)
    ledger.open_item("playhouse", "campaign:1", name="x", rule="C14", reason="x", plan_hash=plan.hash)
    retention.delete_old(account)
    assert left(reports) == {"open": set(ENDINGS) - {"drift.csv"}, "newer": set(ENDINGS)}


class TestNothingElseIsTouched:
    def test_a_file_with_our_name_that_names_no_plan_of_ours(
        self, account: Any, made: Made, reports: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Another Airflow may have a dag run of the same name, and write into the same folder."""
        made("scheduled__1", 100, content="a report of another Airflow, plan 0123456789abcdef")
        made("newest", 1)
        assert retention.delete_old(account) == []
        assert "names no plan of ours; it stays" in caplog.text

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_no_such_file_of_any_ending(self, account: Any, made: Made, reports: Path, ending: str) -> None:
        """One that names another plan is another's, though all the others of that name are ours."""
        made("old", 100)
        made("newest", 1)
        other = reports / f"old.{ending}"
        other.write_text(
            '"job","action","contact","email","plan_hash"\r\n"j-1","add","7","a@b.c","0123456789abcdef"'
        )
        assert sorted(retention.delete_old(account)) == sorted(
            f"old.{one}" for one in ENDINGS if one != ending
        )
        assert other.exists()

    def test_files_of_other_names_and_endings(self, account: Any, made: Made, reports: Path) -> None:
        plan = made("old", 100)
        made("newest", 1)
        others = ["notes.txt", "old.text", "old.html.bak", "olds.html", "unknown.html", "old"]
        for name in others:
            (reports / name).write_text(plan.hash)
        retention.delete_old(account)
        assert [name for name in others if not (reports / name).exists()] == []
        assert not (reports / "old.html").exists()

    def test_the_files_of_another_organization_in_the_same_ledger(
        self, account: Any, made: Made, reports: Path
    ) -> None:
        made("theirs", 100, organization="opera")
        made("newest", 1)
        assert retention.delete_old(account) == []

    def test_a_dag_run_that_planned_again_lately_is_not_old(
        self, account: Any, made: Made, reports: Path
    ) -> None:
        made("cleared", 100)
        made("cleared", 1)
        assert retention.delete_old(account) == []


class TestTheDriftOfAnEarlierVersion:
    """It did not name its plan, and it holds addresses."""

    @pytest.mark.parametrize("head", ["job,action,contact,email", '\ufeff"job","action","contact","email"'])
    def test_goes_with_its_age_by_its_name_and_its_columns(
        self, account: Any, made: Made, reports: Path, head: str
    ) -> None:
        for run, days in (("old", 15), ("fresh", 13)):
            made(run, days)
            (reports / f"{run}.drift.csv").write_text(f"{head}\r\nj-201,add,7,patron7@example.org\r\n")
        assert retention.delete_old(account) == ["old.drift.csv"]
        assert (reports / "fresh.drift.csv").exists()

    @pytest.mark.parametrize("content", ["", "contact,email\r\n7,a@b.c", "job,action,contact,email,note\r\n"])
    def test_with_other_columns_is_somebody_elses(
        self, account: Any, made: Made, reports: Path, content: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        made("old", 15)
        (reports / "old.drift.csv").write_text(content)
        assert retention.delete_old(account) == []
        assert "it stays" in caplog.text

    def test_whose_dag_run_the_ledger_does_not_know_stays(
        self, account: Any, made: Made, reports: Path
    ) -> None:
        made("newest", 1)
        (reports / "theirs.drift.csv").write_text("job,action,contact,email\r\n")
        assert retention.delete_old(account) == []

    def test_is_no_reason_to_delete_another_file_with_such_a_line(
        self, account: Any, made: Made, reports: Path
    ) -> None:
        made("old", 100)
        made("newest", 1)
        (reports / "old.csv").write_text("job,action,contact,email\r\n")
        retention.delete_old(account)
        assert left(reports)["old"] == {"csv"}


class TestAStorageThatFails:
    def test_is_said_and_costs_nothing_else(
        self, account: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refused() -> Any:
            raise RuntimeError("AccessDenied")

        monkeypatch.setattr(retention, "reports_folder", refused)
        assert retention.delete_old(account) == []
        assert "Not every old file could be deleted: AccessDenied" in caplog.text

    def test_a_folder_that_is_not_there_is_empty(self, account: Any, made: Made, reports: Path) -> None:
        made("old", 100)
        for path in reports.iterdir():
            path.unlink()
        reports.rmdir()
        assert retention.delete_old(account) == []


class TestAnObjectStorage:
    """One without folders, as a bucket is. Airflow gets it as it gets those of its providers."""

    @pytest.fixture
    def bucket(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        storage = MemoryFileSystem()
        storage.store.clear()
        monkeypatch.setattr("airflow.sdk.io.fs._register_filesystems", lambda: {"memory": lambda _: storage})
        monkeypatch.setenv(files.REPORTS, "memory://bucket/reports")
        yield "/bucket/reports"
        storage.store.clear()

    def test_takes_every_file_gives_it_back_and_loses_it_when_it_is_old(
        self, account: Any, ledger: Ledger, made: Made, bucket: str
    ) -> None:
        plan, newest = made("manual__1", 100), made("manual__2", 1)
        for one in (plan, newest):
            context = {"dag_run": SimpleNamespace(run_id=one.run)}
            written = files.write_report(context, report(row("1"), plan_hash=one.hash))
            assert written == f"memory:/{bucket}/{one.run}.html"
        assert files.drift_file(context) == ""
        assert b"Item 1" in files.report_of("manual__1")
        assert files.report_of("manual__1", "csv").startswith(b"\xef\xbb\xbf")
        assert sorted(retention.delete_old(account)) == [
            f"manual__1.{e}" for e in ("csv", "html", "json", "txt")
        ]
        assert {path.name for path in files.reports_folder().iterdir()} == {
            f"manual__2.{ending}" for ending in ("csv", "html", "json", "txt")
        }
