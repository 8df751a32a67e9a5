"""``python -m pro2_reconciliation learn``: from an exported file to a proposal, before there is any jobs.yaml."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pro2_reconciliation.__main__ import main
from pro2_reconciliation.desk.learn import learned
from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.schedule import due_times

ZONE = "America/Chicago"
END = datetime(2026, 11, 25, 12, tzinfo=UTC)
RULES = """\
path: file:///exports
as_of: name
name_format: activity-%Y%m%d-%H%M.csv
date_format: "%Y-%m-%d %H:%M:%S"
columns: {job_id: Id, job: Job, process: Process, started: Started, finished: Finished, status: Status}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "activity_export.yaml").write_text(RULES)
    return folder


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Six weeks in local times; an hour of them the clocks showed twice."""
    from zoneinfo import ZoneInfo

    lines = ["Id,Job,Process,Started,Finished,Status"]
    for job_id, cron in (("j-1", "0 * * * *"), ("j-2", "30 6 * * MON-FRI")):
        for due in due_times(cron, ZONE, END - timedelta(weeks=6), END - timedelta(minutes=10)):
            at = due.astimezone(ZoneInfo(ZONE))
            shown = f"{at:%Y-%m-%d %H:%M}:20,{at + timedelta(minutes=4):%Y-%m-%d %H:%M}:00"
            lines.append(f"{job_id},Job {job_id},Integrated Import,{shown},Completed")
    path = tmp_path / "activity-20261125-0600.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_proposes_what_loads(config: Path, export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        "learn",
        "--activity-log",
        str(export),
        "--config",
        str(config),
        "--zone",
        ZONE,
        "--organization",
        "playhouse",
    ]
    assert main(asked) == 0
    (config / "jobs.yaml").write_text(capsys.readouterr().out)
    assert {job.id: job.cron for job in load_site(config).jobs} == {
        "j-1": "0 * * * *",
        "j-2": "30 6 * * MON-FRI",
    }


def test_writes_a_new_file_and_never_over_another(
    config: Path, export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config / "jobs.yaml").write_text(f"organization: playhouse\nzone: {ZONE}\njobs: []\n")
    asked = [
        "learn",
        "--activity-log",
        str(export),
        "--config",
        str(config),
        "--out",
        str(tmp_path / "proposal.yaml"),
    ]
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert "j-2  Job j-2  30 6 * * MON-FRI" in told
    assert told.rstrip().endswith("Read it, then copy it to jobs.yaml")
    assert main(asked) == 2
    assert "is there already; give another name by --out" in capsys.readouterr().err


def test_of_the_hour_that_the_clocks_showed_twice_nothing_is_concluded(config: Path, export: Path) -> None:
    found = learned([str(export)], config=str(config), zone=ZONE, organization="playhouse", now=END)
    twice = datetime(2026, 11, 1, 7, tzinfo=UTC)
    assert [(start, end) for start, end in found.holes] == [
        (twice - timedelta(hours=1), twice + timedelta(hours=1))
    ]
    assert all(not lesson.missed and not lesson.strays for lesson in found.lessons)


def learn(export: Path, config: Path) -> list[str]:
    """The whole command; what is given once more counts instead."""
    return [
        *f"learn --zone {ZONE} --organization x --activity-log".split(),
        str(export),
        "--config",
        str(config),
    ]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (["--zone", "America/Chicgo"], "did you mean 'America/Chicago'"),
        (["--zone", ""], "add --zone ZONE, such as America/Chicago"),
        (["--organization", ""], "add --organization NAME"),
        (["--activity-log", "nowhere.csv"], "nowhere.csv cannot be read (No such file or directory)"),
        (["--config", "nowhere"], "does not exist; write it after config/activity_export.example.yaml"),
    ],
)
def test_what_is_missing_is_said(
    config: Path, export: Path, changed: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*learn(export, config), *changed]) == 2
    assert says in capsys.readouterr().err


def test_a_file_that_does_not_fit_names_line_and_column(
    config: Path, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export.write_text("Id,Job,Process,Start,Finished,Status\n")
    assert main(learn(export, config)) == 2
    assert "has no column 'Started'; its header in line 1 is" in capsys.readouterr().err
