"""The dashboard over files: which are read, what is never sent, and how a connection chooses it."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pro2 import accounts
from pro2.hooks.asynchronous import DashboardAsyncHook
from pro2.hooks.dashboard import Pro2DashboardHook
from pro2.hooks.export import ExportDashboard
from pro2.hooks.factory import carrier_of, open_board
from pro2_reconciliation.domain.config import DIRECTORY, Site, load_site
from pro2_reconciliation.domain.errors import ConfigurationError, NeverSent, NoConsole, Unreadable
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.wire.exchange import Request

NOW = datetime(2031, 3, 6, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=3)
HEADER = "Job ID,Started,Status,Run ID"
RULES = """
as_of: modified
margin_minutes: 0
columns: {job_id: Job ID, started: Started, status: Status, run_id: Run ID}
"""
JOBS = """
organization: playhouse
zone: America/Chicago
jobs:
  - {id: "j-201", name: Members sync, process_type: data_sync, cron: "30 18 * * *"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    exports = tmp_path / "exports"
    exports.mkdir()
    return exports


@pytest.fixture
def site(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A site whose export lies in ``folder``, or elsewhere; also the one of the environment."""
    monkeypatch.setenv(DIRECTORY, str(tmp_path))

    def build(path: str | None = None, more: str = "") -> Site:
        (tmp_path / "jobs.yaml").write_text(JOBS)
        (tmp_path / "activity_export.yaml").write_text(f"path: '{path or folder.as_uri()}'\n{RULES}{more}")
        return load_site(tmp_path)

    return build


def put(path: Path, *runs: str, made: datetime = NOW) -> None:
    """An export: runs as ``id at day`` of March 2031, six in the evening."""
    lines = [f"j-201,2031-03-{day:0>2} 18:00,Completed,{run}" for run, day in (one.split() for one in runs)]
    path.write_text("".join(f"{line}\n" for line in (HEADER, *lines)))
    os.utime(path, (made.timestamp(), made.timestamp()))


def runs(site: Site) -> list[str]:
    log = ExportDashboard(site, now=lambda: NOW).activity(SINCE, NOW)
    return [row.run_id for row in log.rows]


class TestTheFiles:
    def test_of_a_folder_are_its_tables(self, site: Any, folder: Path) -> None:
        put(folder / "a.csv", "r1 04")
        put(folder / "b.CSV", "r2 05")
        (folder / "README.md").write_text("not a table")
        (folder / "~$b.xlsx").write_text("a lock of Excel")
        (folder / "done.csv").mkdir()
        assert runs(site()) == ["r1", "r2"]

    def test_of_a_pattern_are_what_fits(self, site: Any, folder: Path) -> None:
        (folder / "2031-03").mkdir()
        put(folder / "2031-03" / "log-1", "r1 04")
        put(folder / "2031-03" / "other", "r2 04")
        assert runs(site(f"{folder.as_uri()}/2031*/log-*")) == ["r1"]

    def test_may_be_one_with_or_without_a_scheme(self, site: Any, folder: Path) -> None:
        put(folder / "log", "r1 04")
        assert runs(site(str(folder / "log"))) == runs(site((folder / "log").as_uri())) == ["r1"]

    def test_that_are_older_than_what_is_asked_are_not_even_opened(self, site: Any, folder: Path) -> None:
        put(folder / "a.csv", "r1 04")
        (folder / "old.csv").write_text("rubbish")
        os.utime(folder / "old.csv", (SINCE.timestamp() - 60,) * 2)
        assert runs(site()) == ["r1"]

    def test_that_are_all_too_old_still_say_until_when_they_tell(self, site: Any, folder: Path) -> None:
        old = SINCE - timedelta(days=1)
        put(folder / "a.csv", "r1 01", made=old)
        log = ExportDashboard(site(), now=lambda: NOW).activity(SINCE, NOW)
        assert (log.rows, log.as_of) == ((), old)

    def test_that_are_not_there_are_unreadable(self, site: Any, folder: Path) -> None:
        with pytest.raises(Unreadable, match=r"there is no export at file:///.*; put one there"):
            runs(site())
        with pytest.raises(Unreadable, match=r"there is nothing at file:///.*nowhere; put an export there"):
            runs(site(f"{folder.as_uri()}/nowhere"))

    def test_that_the_storage_cannot_give_are_unreadable(
        self, site: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def denied(*_: object) -> None:
            raise PermissionError("Access Denied")

        put(folder / "a.csv", "r1 04")
        monkeypatch.setattr("airflow.sdk.ObjectStoragePath.read_bytes", denied)
        with pytest.raises(Unreadable, match=r"cannot be read: Access Denied"):
            runs(site())

    def test_in_a_storage_that_is_not_installed_is_a_mistake_of_the_configuration(self, site: Any) -> None:
        with pytest.raises(ConfigurationError, match="path 'nosuch://x/y' cannot be opened"):
            runs(site("nosuch://x/y"))


class TestNothingIsSent:
    def test_there_is_no_console(self, site: Any) -> None:
        with pytest.raises(NoConsole, match="the export has no Console"):
            ExportDashboard(site()).console()

    @pytest.mark.parametrize(
        ("button", "arguments"),
        [
            ("stop_run", ("j",)),
            ("run_now", ("j",)),
            ("repeat_import", ("j",)),
            ("import_list", ("7", "tag", "name")),
        ],
    )
    def test_no_button_is_pressed(self, site: Any, button: str, arguments: tuple[str, ...]) -> None:
        with pytest.raises(NeverSent, match="an export has no buttons; a person presses it"):
            getattr(ExportDashboard(site()), button)(*arguments)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> str:
    """A connection that says export, and neither host nor secret."""
    for name, extra in (("pro2_dashboard", {"adapter": "export"}), ("pro2", {"read_only": False})):
        host = {} if name == "pro2_dashboard" else {"host": "https://x.example", "password": "s3cret"}
        monkeypatch.setenv(
            f"AIRFLOW_CONN_{name.upper()}", json.dumps({"conn_type": name, "extra": extra, **host})
        )
    return "pro2_dashboard"


class TestTheConnection:
    def test_chooses_the_export(self, connected: str, site: Any, folder: Path) -> None:
        site()
        put(folder / "a.csv", "r1 04", made=datetime.now(UTC) - timedelta(days=1))
        assert isinstance(open_board(connected), ExportDashboard)

    def test_without_an_activity_export_says_what_to_write(
        self, connected: str, tmp_path: Path, site: Any
    ) -> None:
        site()
        (tmp_path / "activity_export.yaml").unlink()
        with pytest.raises(ConfigurationError, match=r"has no activity_export\.yaml; write one"):
            open_board(connected)

    def test_with_another_word_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = {"conn_type": "pro2_dashboard", "extra": {"adapter": "exports"}}
        monkeypatch.setenv("AIRFLOW_CONN_PRO2_DASHBOARD", json.dumps(wrong))
        with pytest.raises(ConfigurationError, match="has adapter = 'exports'; write http or export"):
            open_board("pro2_dashboard")

    def test_makes_every_button_of_the_dashboard_a_persons(self, connected: str) -> None:
        expected = {Verb.STOP_RUN, Verb.RUN_NOW, Verb.REPEAT_IMPORT, Verb.IMPORT_LIST}
        assert accounts.manual_verbs() == expected

    def test_closes_nothing_although_it_is_read_only(self, connected: str) -> None:
        """No request leaves over it, and what a person presses is not closed by it."""
        assert set(accounts._read_only()) == accounts.manual_verbs()

    def test_carries_no_request(self, connected: str) -> None:
        with pytest.raises(ConfigurationError, match=r"reads an export \(adapter: export\) and has no host"):
            carrier_of(connected).carry(Request("GET", "x"))

    def test_is_tested_by_reading_the_files(self, connected: str, site: Any, folder: Path) -> None:
        site()
        assert Pro2DashboardHook(connected).test_connection() == (
            False,
            f"There is no export at {folder.as_uri()}; put one there",
        )
        yesterday = datetime.now(UTC) - timedelta(days=1)
        (folder / "a.csv").write_text(f"{HEADER}\nj-201,{yesterday.isoformat()},Completed,r1\n")
        good, said = Pro2DashboardHook(connected).test_connection()
        assert good
        whole = local(yesterday, "America/Chicago")
        assert said.startswith(f"It works. 1 runs of seven days were read; the log is whole from {whole} to ")

    def test_is_read_in_the_triggerer_too_without_a_console(
        self, connected: str, site: Any, folder: Path
    ) -> None:
        site()
        made = datetime.now(UTC) - timedelta(minutes=1)
        put(folder / "a.csv", "r1 04", made=made)

        async def poll() -> Any:
            async with DashboardAsyncHook(connected) as hook:
                return await hook.activity(SINCE, NOW), await hook.console()

        log, console = asyncio.run(poll())
        assert [row.run_id for row in log.rows] == ["r1"]
        assert console is None
