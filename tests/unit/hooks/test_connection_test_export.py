"""The Test button of a dashboard whose Activity Log comes as files: there is no host to ask."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.hooks.test_connection_test import no_site, site

from pro2.hooks.dashboard import Pro2DashboardHook

__all__ = ["no_site", "site"]


@pytest.fixture
def said(connect: Any, site: Any, tmp_path: Path) -> Callable[..., tuple[bool, str]]:
    def check(*rows: str, age: timedelta = timedelta(hours=1), path: str = "") -> tuple[bool, str]:
        folder = site()
        exports = tmp_path / "exports"
        (folder / "activity_export.yaml").write_text(
            f"path: {path or exports}\ncolumns: {{started: Start, status: Result, job_id: Job}}\nas_of: modified\n"
        )
        if rows:
            exports.mkdir()
            file = exports / "log.csv"
            file.write_text("\n".join(("Start,Result,Job", *rows)) + "\n")
            moment = (datetime.now(UTC) - age).timestamp()
            os.utime(file, (moment, moment))
        return Pro2DashboardHook(
            connect("pro2_dashboard", "", password="", extra={"adapter": "export"})
        ).test_connection()

    return check


def test_an_export_whose_files_are_there(said: Any) -> None:
    good, words = said("2026-11-19 18:00,Completed,j-1")
    assert good
    assert words.startswith("It works. ")
    assert "the log is whole" in words
    assert " CST" in words or " CDT" in words
    assert "A person presses what changes something." in words


def test_an_export_whose_files_are_missing(said: Any, tmp_path: Path) -> None:
    assert said() == (False, f"There is nothing at {tmp_path / 'exports'}; put an export there")


def test_an_export_whose_newest_file_is_old(said: Any) -> None:
    good, words = said("2026-11-19 18:00,Completed,j-1", age=timedelta(hours=50))
    assert not good
    assert words.startswith("The newest export is 50 h old: put a new one there.")


def test_an_export_that_is_not_described(connect: Any, site: Any) -> None:
    site()
    hook = Pro2DashboardHook(connect("pro2_dashboard", "", password="", extra={"adapter": "export"}))
    good, words = hook.test_connection()
    assert not good
    assert "write one beside jobs.yaml" in words
