"""``docs/form.md`` names every field of the form as it is, and what a wrong value says."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from tests.unit.test_configuration_page import PAGE

from pro2 import form
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.run_form import FIELDS, read_form
from pro2_reconciliation.domain.words import Mode

TEXT = PAGE.with_name("form.md").read_text()
NOW = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
SITE = Site(
    organization="playhouse", zone="America/Chicago", jobs=(), policy=Policy(max_sends=5, max_actions=20)
)
EVENING = {"from": "2026-11-19T18:00", "to": "2026-11-19T21:05"}


def rows() -> list[list[str]]:
    table = re.search(r"<!-- form -->\n\n((?:\|.*\n)+)", TEXT)
    assert table
    return [line.strip().strip("|").strip().split(" | ") for line in table[1].splitlines()[2:]]


ROWS = {row[1].strip("`"): row for row in rows()}


def test_every_field_is_on_the_page_in_the_order_of_the_form() -> None:
    assert tuple(ROWS) == tuple(form.params()) == FIELDS


@pytest.mark.parametrize("key", FIELDS)
def test_a_field_is_told_as_the_form_shows_it(key: str) -> None:
    param, row = form.params()[key], ROWS[key]
    stands = "empty" if param.value is None else f"`{json.dumps(param.value).strip(chr(34))}`"
    assert row[0] == param.schema["title"]
    assert row[2] == stands
    assert row[3] == param.description


@pytest.mark.parametrize("key", FIELDS)
def test_a_wrong_value_says_what_the_page_says(key: str) -> None:
    given = {key: json.loads(ROWS[key][4].strip("`"))}
    if key in EVENING:
        given = {**EVENING, **given}
    with pytest.raises(ConfigurationError) as refused:
        read_form(given, SITE, now=NOW)
    assert str(refused.value) == f"form: {ROWS[key][5].strip('`')}"


def test_the_command_of_the_page_is_a_form_that_is_meant() -> None:
    command = re.search(r"--conf '(.*)'", TEXT)
    assert command
    assert read_form(json.loads(command[1]), SITE, now=NOW).window is not None


def test_the_command_of_the_runbook_asks_about_the_latest_outage() -> None:
    command = re.search(
        r"`airflow dags trigger reconcile --conf '(.*)'`", PAGE.with_name("runbook.md").read_text()
    )
    assert command
    asked = read_form(json.loads(command[1]), SITE, now=NOW)
    assert (asked.mode, asked.outage) == (Mode.ASK, "latest")
