"""The JSON schemas of a site's files: as they are kept, true of the examples, as strict as the loader."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from shutil import copyfile
from typing import Any

import jsonschema
import pytest
from tests.unit.test_configuration_page import SECTIONS

from pro2_reconciliation.domain import config
from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.config_words import read_yaml
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.schema import SCHEMAS, TOP_OF_JOBS, schema_of

ROOT = Path(__file__).resolve().parents[3]
MODELS = tuple(dict.fromkeys(model for model, _, _ in SECTIONS.values() if model is not None))
JOB = {"id": "j-1", "name": "A", "process_type": "data_sync", "cron": "30 18 * * *"}
EXPORT: dict[str, Any] = {
    "path": "/exports/*.csv",
    "as_of": "modified",
    "columns": {"started": "Start", "status": "Result", "job": "Process", "organization": "For"},
}
JOBS = {"organization": "playhouse", "zone": "America/Chicago", "jobs": [JOB]}


@cache
def validator_of(name: str) -> Any:
    return jsonschema.Draft202012Validator(schema_of(name))


def with_job(**changes: Any) -> dict[str, Any]:
    return {**JOBS, "jobs": [{**JOB, **changes}]}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_that_is_kept_is_the_one_in_use(name: str) -> None:
    kept = json.loads((ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text())
    assert kept == schema_of(name), (
        f"run: python -m pro2_reconciliation schema {name} > docs/schemas/{name}.schema.json"
    )


EXAMPLES = ["jobs", "policy", "sources"]


@pytest.mark.parametrize("name", ["activity_export", "notifications"])
def test_an_example_that_is_renamed_to_be_used_obeys_its_schema(name: str, tmp_path: Path) -> None:
    path = ROOT / "config" / f"{name}.example.yaml"
    jsonschema.Draft202012Validator(schema_of(name)).validate(dict(read_yaml(path, needed=True)))
    copyfile(ROOT / "config" / "jobs.yaml", tmp_path / "jobs.yaml")
    copyfile(path, tmp_path / f"{name}.yaml")
    load_site(tmp_path)
    schema = (path.parent / path.read_text().splitlines()[0].partition("$schema=")[2]).resolve()
    assert json.loads(schema.read_text())["title"] == f"{name}.yaml"


def test_the_example_of_notifications_names_every_kind() -> None:
    body = read_yaml(ROOT / "config" / "notifications.example.yaml", needed=True)
    assert list(body) == list(schema_of("notifications")["properties"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_schema_is_one_and_the_example_obeys_it(name: str) -> None:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    path = ROOT / "config" / f"{name}.yaml"
    jsonschema.Draft202012Validator(schema).validate(dict(read_yaml(path, needed=True)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_editor_finds_the_schema_of_the_example(name: str) -> None:
    path = ROOT / "config" / f"{name}.yaml"
    first = path.read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    found = (path.parent / first.partition("$schema=")[2]).resolve()
    assert json.loads(found.read_text())["title"] == path.name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_says_what_it_means(model: Any) -> None:
    silent = [key for key, field in model.model_fields.items() if not field.description]
    assert silent == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("jobs", {**JOBS, "jobz": []}),
        ("jobs", {"organization": "playhouse", "jobs": []}),
        ("jobs", {**JOBS, "jobs": None}),
        ("jobs", with_job(grase_minutes=5)),
        ("jobs", with_job(grace_minutes=0)),
        ("jobs", with_job(process_type="datasync")),
        ("jobs", with_job(tessitura_list=501)),
        ("jobs", with_job(feeds="103")),
        ("jobs", with_job(needs=["mail"])),
        ("jobs", with_job(audience={"kind": "exact", "hours": 3})),
        ("jobs", {**JOBS, "jobs": [{"id": "j-1"}]}),
        ("policy", {"max_sends": -1}),
        ("policy", {"max_sends": "many"}),
        ("policy", {"max_sent": 3}),
        ("policy", {"max_removal_share": 1.5}),
        ("policy", {"sending_hours": ["08:00"]}),
        ("policy", {"predictive_sending": "always"}),
        ("policy", {"campaigns": [{"leave_alone": True}]}),
        ("sources", {"feeds": [{"connection": "x", "service": "sendng"}]}),
        ("sources", {"probes": [{"url": "https://a.example", "service": "sending", "timeout_seconds": 61}]}),
        ("sources", {"activity": {"min_jobs": 1}}),
        ("sources", {"maintenance": [{"service": "tessitura", "cron": "0 3 * * 0"}]}),
        ("sources", {"windows": {"padding_minutes": -1}}),
        ("sources", {"declared": [{"service": "sending", "start": "2026-11-19T18:00"}]}),
        ("activity_export", {"path": "/exports/*.csv"}),
        ("activity_export", {**EXPORT, "as_of": "now"}),
        ("activity_export", {**EXPORT, "margin_minutes": -1}),
        ("activity_export", {**EXPORT, "outcomes": {"Well": "good"}}),
        ("activity_export", {**EXPORT, "columns": {**EXPORT["columns"], "begun": "Start"}}),
    ],
    ids=str,
)
def test_what_the_loader_refuses_the_schema_refuses(name: str, body: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text(json.dumps(JOBS))
    (tmp_path / f"{name}.yaml").write_text(json.dumps(body))
    with pytest.raises(ConfigurationError):
        load_site(tmp_path)
    assert not validator_of(name).is_valid(body)


def test_a_time_without_an_offset_is_no_mistake_in_an_editor(tmp_path: Path) -> None:
    body = {"declared": [{"service": "sending", "start": "2026-11-19T18:00", "reason": "x"}]}
    (tmp_path / "jobs.yaml").write_text(json.dumps(JOBS))
    (tmp_path / "sources.yaml").write_text(json.dumps(body))
    load_site(tmp_path)
    strict = jsonschema.Draft202012Validator(
        schema_of("sources"), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    assert strict.is_valid(body)


VALUES: list[Any] = [
    *(None, True, False, -1, 0, 1, 2026, 0.5, "", "5", "yes", "sending", "2026-11-19T18:00"),
    *([], ["x"], ["sending", "sending"], ["08:00", "21:30"], {}, {"a": 1}),
]
SECOND_LOOK = {
    *(
        "cron",
        "zone",
        "start",
        "end",
        "until",
        "sending_hours",
        "automation_link",
        "campaign_link",
        "job_link",
        "organization",
    ),
    *("connection", "url", "path", "encoding", "delimiter", "pattern", "job", "job_id", "name_format"),
}
"""Keys of which only the reader of the files knows whether a value of the right kind can be used."""


@pytest.mark.parametrize("section", SECTIONS)
def test_schema_and_loader_take_the_same_values(
    section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, base, wrap = SECTIONS[section]
    if wrap(base)[0] != "jobs":  # then they are the same each time
        monkeypatch.setattr(config, "_jobs", cache(config._jobs))
    (tmp_path / "jobs.yaml").write_text(json.dumps(JOBS))
    for key in TOP_OF_JOBS if model is None else model.model_fields:
        for value in VALUES:
            body = {**base, key: value}
            if section == "Probe" and key == "url":
                del body["connection"]
            name, file = wrap(body)
            written = tmp_path / f"{name}.yaml"
            written.unlink(
                missing_ok=True
            )  # to write a file anew makes some file systems flush it to the disk
            written.write_text(json.dumps(file))
            try:
                load_site(tmp_path)
                taken = True
            except ConfigurationError:
                taken = False
            seen = validator_of(name).is_valid(file)
            assert seen or not taken, f"{key}: {value!r} is taken, and an editor calls it a mistake"
            assert taken or not seen or key in SECOND_LOOK, (
                f"{key}: {value!r} is refused only when it is read"
            )
