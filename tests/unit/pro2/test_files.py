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
from pro2_reconciliation.domain.errors import Unreadable
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
