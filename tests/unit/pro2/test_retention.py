"""Files go when they are old and provably ours, never the newest report, and never anybody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.pro2.conftest import NOW

from pro2 import files, retention
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.ledger import Ledger

ENDINGS = ("html", "csv", "json", "digest.html", "recording.json", "drift.csv")
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

    def test_files_of_other_names_and_endings(self, account: Any, made: Made, reports: Path) -> None:
        plan = made("old", 100)
        made("newest", 1)
        others = ["notes.txt", "old.txt", "old.html.bak", "olds.html", "unknown.html", "old"]
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
