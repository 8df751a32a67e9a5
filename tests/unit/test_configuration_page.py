"""``docs/configuration.md`` names every key of every file, with an example that is accepted and a wrong value that says
what the page says. The tables are read from the page, the keys, defaults and meanings from the models.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.config_words import _loader
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.export import ActivityExport, Columns, Totals
from pro2_reconciliation.domain.jobs import Audience, EarlierSchedule, Job
from pro2_reconciliation.domain.notifications import Notifications
from pro2_reconciliation.domain.policy import CampaignPolicy, Policy
from pro2_reconciliation.domain.schema import TOP_OF_JOBS
from pro2_reconciliation.domain.sources import (
    ActivityInference,
    Declared,
    Feed,
    Maintenance,
    Probe,
    Sources,
    WindowRules,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
HELP = "; see docs/configuration.md"
LEFT_OUT = "left out"
Body = dict[str, Any]

JOB = {"id": "j-201", "name": "Members sync", "process_type": "data_sync", "cron": "30 18 * * *"}
TOP = {"organization": "playhouse", "zone": "America/Chicago", "jobs": []}
EXPORT: Body = {
    "path": "file:///exports/*.csv",
    "as_of": "modified",
    "columns": {"started": "Start", "status": "Result", "job": "Process", "organization": "For"},
}
SECTIONS: dict[str, tuple[Any, Body, Callable[[Body], tuple[str, Body]]]] = {
    "jobs.yaml": (None, TOP, lambda x: ("jobs", x)),
    "Job": (Job, JOB, lambda x: ("jobs", {**TOP, "jobs": [x]})),
    "Audience": (Audience, {}, lambda x: ("jobs", {**TOP, "jobs": [{**JOB, "audience": x}]})),
    "EarlierSchedule": (
        EarlierSchedule,
        {"cron": "0 6 * * *", "until": "2026-11-19T18:00"},
        lambda x: ("jobs", {**TOP, "jobs": [{**JOB, "schedules": [x]}]}),
    ),
    "Policy": (Policy, {}, lambda x: ("policy", x)),
    "CampaignPolicy": (CampaignPolicy, {"match": "Gala*"}, lambda x: ("policy", {"campaigns": [x]})),
    "Sources": (Sources, {}, lambda x: ("sources", x)),
    "Feed": (Feed, {"connection": "page", "service": "sending"}, lambda x: ("sources", {"feeds": [x]})),
    "Probe": (Probe, {"connection": "pro2", "service": "sending"}, lambda x: ("sources", {"probes": [x]})),
    "ActivityInference": (ActivityInference, {}, lambda x: ("sources", {"activity": x})),
    "Maintenance": (
        Maintenance,
        {"service": "tessitura", "cron": "0 3 * * 0", "duration_minutes": 120},
        lambda x: ("sources", {"maintenance": [x]}),
    ),
    "WindowRules": (WindowRules, {}, lambda x: ("sources", {"windows": x})),
    "Declared": (
        Declared,
        {"service": "dashboard", "start": "2026-11-19T18:00", "reason": "by phone"},
        lambda x: ("sources", {"declared": [x]}),
    ),
    "Notifications": (Notifications, {}, lambda x: ("notifications", x)),
    "ActivityExport": (ActivityExport, EXPORT, lambda x: ("activity_export", x)),
    "Columns": (
        Columns,
        EXPORT["columns"],
        lambda x: ("activity_export", {**EXPORT, "columns": x}),
    ),
    "Totals": (Totals, {}, lambda x: ("activity_export", {**EXPORT, "totals": x})),
}
"""Each table of keys: its model, an entry that is accepted, and where the entry stands."""


def read_value(text: str) -> Any:
    """A value as the loader of our files reads it."""
    return yaml.load(f"value: {text}", Loader=_loader())["value"]  # noqa: S506 (a SafeLoader)


def load(section: str, change: Body, folder: Path) -> None:
    """Load a site in which one entry of the section has these keys; a key that is LEFT_OUT is taken away."""
    _, base, wrap = SECTIONS[section]
    body = {**base, **change}
    if section == "Probe" and "url" in change:
        body.pop("connection", None)
    name, file = wrap({key: value for key, value in body.items() if value != LEFT_OUT})
    (folder / "jobs.yaml").write_text(json.dumps(TOP))
    (folder / f"{name}.yaml").write_text(json.dumps(file))
    load_site(folder)


def said_of(section: str, change: Body, folder: Path) -> str:
    """What the loader says, with plain file names and without the reference to the page."""
    with pytest.raises(ConfigurationError) as refused:
        load(section, change, folder)
    text = str(refused.value).replace(f"{folder}/", "")
    return "\n".join(line.removesuffix(HELP) for line in text.splitlines())


def keys_of(section: str) -> dict[str, tuple[str, str]]:
    """Key to (default, meaning), as the page has to show them."""
    model = SECTIONS[section][0]
    if model is None:
        return {key: ("needed", meaning) for key, meaning in TOP_OF_JOBS.items()}
    found = {}
    for key, field in model.model_fields.items():
        if section == "Job" and key == "organization":
            continue
        found[key] = (shown(section, key, field.default), field.description.replace("|", "\\|"))
    return found


def shown(section: str, key: str, default: Any) -> str:
    if section == "Job" and key == "zone":
        return "that of the file"
    if default is PydanticUndefined:
        return "needed"
    if isinstance(default, BaseModel):
        return "its own"
    if default in (None, (), {}, ""):
        return "none"
    plain = to_jsonable_python(default)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    return f"`{plain}`" if isinstance(plain, str) else f"`{json.dumps(plain)}`"


def tables() -> dict[str, list[list[str]]]:
    """The rows of each table that a comment on the page marks."""
    found = {}
    for name, table in re.findall(r"<!-- keys: (.+?) -->\n\n((?:\|.*\n)+)", PAGE.read_text()):
        rows = [re.split(r"(?<!\\) \| ", line.strip().strip("|").strip()) for line in table.splitlines()]
        found[name] = rows[2:]
    return found


ROWS = [(section, row) for section, rows in tables().items() for row in rows]
CASES = pytest.mark.parametrize(("section", "row"), ROWS, ids=[f"{s}-{r[0]}" for s, r in ROWS])


def test_the_page_has_a_table_for_every_part_of_every_file() -> None:
    assert list(tables()) == list(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_on_the_page_with_its_default_and_its_meaning(section: str) -> None:
    told = {row[0].strip("`"): (row[2], row[3]) for row in tables()[section]}
    wanted = keys_of(section)
    for key, (default, meaning) in wanted.items():
        row = f"| `{key}` | `an example` | {default} | {meaning} | `a wrong value` | `what it says` |"
        assert told.get(key) == (default, meaning), f"write into the table {section} of {PAGE.name}: {row}"
    assert set(told) == set(wanted)


@CASES
def test_the_example_is_accepted(section: str, row: list[str], tmp_path: Path) -> None:
    load(section, {row[0].strip("`"): read_value(row[1].strip("`"))}, tmp_path)


@CASES
def test_a_wrong_value_says_what_the_page_says(section: str, row: list[str], tmp_path: Path) -> None:
    key, wrong, says = row[0].strip("`"), row[4], row[5].strip("`")
    value = LEFT_OUT if wrong == LEFT_OUT else read_value(wrong.strip("`"))
    said = said_of(section, {key: value}, tmp_path)
    assert [line for line in said.splitlines() if line.endswith(says)], (
        f"the page: {says}\nthe loader: {said}"
    )


MISTAKES = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for table in re.findall(r"<!-- mistakes -->\n\n((?:\|.*\n)+)", PAGE.read_text())
    for line in table.splitlines()[2:]
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake[0])
def test_a_mistake_says_the_whole_line_of_the_page(mistake: list[str], tmp_path: Path) -> None:
    _, section, written, says = mistake
    change = yaml.load(written.strip("`"), Loader=_loader())  # noqa: S506 (a SafeLoader)
    assert said_of(section, change, tmp_path) == says.strip("`")


def test_there_are_mistakes_on_the_page() -> None:
    assert len(MISTAKES) >= 7


def test_a_key_that_stands_twice_says_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text("organization: playhouse\nzone: UTC\njobs: []\nzone: UTC\n")
    with pytest.raises(ConfigurationError) as refused:
        load_site(tmp_path)
    said = str(refused.value).replace(f"{tmp_path}/", "")
    assert f"`{said}`" in PAGE.read_text()
