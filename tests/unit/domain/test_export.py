"""activity_export.yaml: what it means, and what a wrong value says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.export import ActivityExport
from pro2_reconciliation.domain.words import Outcome

ROOT = Path(__file__).parents[3]
JOBS = """
organization: playhouse
zone: America/Chicago
jobs:
  - {id: "j-201", name: Members sync, process_type: data_sync, cron: "30 18 * * *"}
"""
PLAIN: dict[str, Any] = {
    "path": "/exports",
    "as_of": "modified",
    "columns": {"started": "Started", "status": "Status", "job_id": "Job ID"},
}


def loaded(folder: Path, text: str | None) -> ActivityExport | None:
    (folder / "jobs.yaml").write_text(JOBS)
    if text is not None:
        (folder / "activity_export.yaml").write_text(text)
    return load_site(folder).export


def complaint(folder: Path, changes: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, yaml.safe_dump({**PLAIN, **changes}))
    return str(caught.value).replace(f"{folder}/", "")


def test_the_example_of_the_project_loads(tmp_path: Path) -> None:
    export = loaded(tmp_path, (ROOT / "config" / "activity_export.example.yaml").read_text())
    assert export is not None
    assert export.columns.named["started_by"] == "Started by"
    assert export.outcomes == {"Finished": Outcome.SUCCESS}
    assert (export.day_first, export.totals.required) == (True, True)


def test_without_the_file_there_is_no_export(tmp_path: Path) -> None:
    assert loaded(tmp_path, None) is None


def test_an_empty_file_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'path' is missing"):
        loaded(tmp_path, "")


def test_a_tab_is_written_as_a_word(tmp_path: Path) -> None:
    export = loaded(tmp_path, yaml.safe_dump({**PLAIN, "delimiter": "tab"}))
    assert export is not None
    assert export.delimiter == "\t"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"encodng": "utf-8"}, "unknown key 'encodng'; did you mean 'encoding'?"),
        ({"path": "exports"}, "path 'exports' cannot be used (begin it with file:///, s3://"),
        (
            {"path": "s3://key:secret@bucket/x"},
            "path holds a secret; put it into an Airflow connection",
        ),
        ({"as_of": "now"}, "as_of 'now' is not known; write one of modified, name, column"),
        ({"as_of": "name"}, "as_of: name needs name_format, such as activity-"),
        ({"as_of": "column"}, "as_of: column needs columns.as_of"),
        ({"organization": "Opera"}, "name columns.organization too"),
        ({"day_first": True, "date_format": "%d"}, "write either date_format or day_first"),
        ({"by_hand": ["Schedule"]}, "'schedule' stands in scheduled and in by_hand"),
        ({"zone": "America/Chicgo"}, "did you mean 'America/Chicago'?"),
        ({"encoding": "klingon"}, "write for example utf-8, cp1252 or utf-16"),
        ({"delimiter": ";;"}, "write one character such as ; or the word tab"),
        ({"margin_minutes": -1}, "margin_minutes -1 must be at least 0"),
        ({"outcomes": {"Done": "good"}}, "Done 'good' is not known; write one of success"),
        ({"totals": {"pattern": "("}}, "no regular expression"),
        (
            {"columns": {"started": "S", "status": "T"}},
            "a run needs its job: name the column of job_id or of job",
        ),
    ],
)
def test_a_wrong_value_says_what_to_write(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    words = complaint(tmp_path, changes)
    assert words.startswith("activity_export.yaml")
    assert said in words


def test_an_error_never_repeats_a_secret(tmp_path: Path) -> None:
    assert "s3cret" not in complaint(tmp_path, {"path": "s3://key:s3cret@bucket/x"})
