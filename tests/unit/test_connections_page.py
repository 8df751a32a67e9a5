"""``docs/configuration.md`` about connections and environment variables: every key, and what a wrong value says."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.unit.test_configuration_page import LEFT_OUT, PAGE, read_value

from pro2 import accounts, detection, files, nightly
from pro2.connection_types import CONNECTION_TYPES
from pro2.hooks import pacing, permits, settings
from pro2_reconciliation.__main__ import main
from pro2_reconciliation.desk.place import LEDGER_VARIABLE
from pro2_reconciliation.desk.site import ORGANIZATION, open_site
from pro2_reconciliation.domain.config import DIRECTORY, load_site
from pro2_reconciliation.domain.errors import ConfigurationError

ROOT = PAGE.parents[1]
TYPES = {one["connection-type"]: one for one in CONNECTION_TYPES}
FIELDS = ("host", "login", "password")
STAYS_READ_ONLY = "nothing: it stays read-only"


def rows_of(mark: str) -> list[list[str]]:
    """The rows of the table below a comment on the page."""
    table = re.search(rf"<!-- {mark} -->\n\n((?:\|.*\n)+)", PAGE.read_text())
    assert table, f"{PAGE.name} has no table {mark}"
    return [re.split(r" \| ", line.strip().strip("|").strip()) for line in table[1].splitlines()[2:]]


def plain(cell: str) -> str:
    return cell.strip("`")


CASES = pytest.mark.parametrize(
    ("kind", "row"),
    [
        pytest.param(kind, row, id=f"{kind}-{plain(row[0])}")
        for kind in TYPES
        for row in rows_of(f"connection: {kind}")
    ],
)


def settings_of(kind: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the hook makes of a connection that is as the page shows it, with these keys changed."""
    values = {
        plain(row[0]): read_value(plain(row[1]))
        for row in rows_of(f"connection: {kind}")
        if row[2] == "needed"
    }
    values = {key: value for key, value in {**values, **changes}.items() if value != LEFT_OUT}
    extra = {key: value for key, value in values.items() if key not in FIELDS}
    parts = {key: value for key, value in values.items() if key in FIELDS}
    monkeypatch.setenv(
        f"AIRFLOW_CONN_{kind.upper()}", json.dumps({"conn_type": kind, **parts, "extra": extra})
    )
    module, _, name = TYPES[kind]["hook-class-name"].rpartition(".")
    return getattr(import_module(module), name)(kind).settings


@pytest.mark.parametrize("kind", TYPES)
def test_every_key_of_a_connection_is_on_the_page_with_its_default_and_its_meaning(kind: str) -> None:
    told = {plain(row[0]): (row[2], row[3]) for row in rows_of(f"connection: {kind}")}
    form, extra = TYPES[kind]["ui-field-behaviour"], TYPES[kind]["conn-fields"]
    fields = [key for key in FIELDS if key not in form["hidden-fields"]]
    assert set(told) == {*fields, *extra}
    for key, field in extra.items():
        assert told[key] == (shown(field["schema"].get("default")), field["description"])
    for key in fields:
        default, meaning = told[key]
        assert default == "needed"
        assert form["relabeling"].get(key, meaning) == meaning


def shown(default: Any) -> str:
    if default is None:
        return "needed"
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


@CASES
def test_the_example_is_accepted(kind: str, row: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of(kind, {plain(row[0]): read_value(plain(row[1]))}, monkeypatch).conn_id == kind


@CASES
def test_a_wrong_value_says_what_the_page_says(
    kind: str, row: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, wrong, says = plain(row[0]), row[4], row[5]
    change = {key: LEFT_OUT if wrong == LEFT_OUT else read_value(plain(wrong))}
    if says == STAYS_READ_ONLY:
        assert settings_of(kind, change, monkeypatch).read_only
        return
    with pytest.raises(ConfigurationError) as refused:
        settings_of(kind, change, monkeypatch)
    assert str(refused.value) == plain(says)


def test_an_export_needs_no_host_and_no_secret_and_a_person_presses(monkeypatch: pytest.MonkeyPatch) -> None:
    left_out = dict.fromkeys(("host", "password", "organization"), LEFT_OUT)
    found = settings_of("pro2_dashboard", {**left_out, "adapter": "export"}, monkeypatch)
    assert found.manual


def test_the_other_keys_of_an_extra_are_on_the_page() -> None:
    named = re.search(r"Besides, the extra may hold (.*?), as Airflow's", PAGE.read_text(), re.S)
    assert named
    assert set(re.findall(r"`(\w+)`", named[1])) == settings._HTTP_OPTIONS


def test_a_connection_that_is_missing_says_what_the_page_says() -> None:
    page = " ".join(PAGE.read_text().split())
    assert f"`{settings.missing('pro2', 'pro2')}`" in page


@pytest.mark.parametrize("row", rows_of("ledger"), ids=lambda row: plain(row[0]))
def test_the_connection_of_the_ledger_says_what_the_page_says(
    row: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", plain(row[0]))
    if row[1] == "nothing":
        assert accounts.ledger_url().partition(":")[0] in ("sqlite", "postgresql")
        return
    with pytest.raises(ConfigurationError) as refused:
        accounts.ledger_url()
    assert str(refused.value) == plain(row[1])


VARIABLES = {plain(row[0]): row for row in rows_of("variables")}


def test_every_variable_that_is_read_is_on_the_page() -> None:
    code = [*(ROOT / "include" / "pro2_reconciliation").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    read = {name for file in code for name in re.findall(r'= "(PRO2_[A-Z_]+)"', file.read_text())}
    assert set(VARIABLES) == read


class TestAWrongVariable:
    """Says what the page says."""

    @pytest.fixture
    def said(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "jobs.yaml").write_text("organization: playhouse\nzone: UTC\njobs: []\n")
        monkeypatch.chdir(tmp_path)

        def check(name: str, read: Any) -> None:
            wrong, says = VARIABLES[name][4], plain(VARIABLES[name][5])
            monkeypatch.delenv(name, raising=False)
            if wrong != LEFT_OUT:
                monkeypatch.setenv(name, plain(wrong))
            with pytest.raises(ConfigurationError) as refused:
                read()
            assert str(refused.value).endswith(says)

        return check

    def test_of_the_directory(self, said: Any) -> None:
        said(DIRECTORY, load_site)

    def test_of_the_reports(self, said: Any) -> None:
        said(files.REPORTS, lambda: files.folder_and_name({}))

    def test_of_the_mode(self, said: Any) -> None:
        said(detection.MODE_VARIABLE, lambda: detection._mode(plain(VARIABLES[detection.MODE_VARIABLE][4])))

    def test_of_the_nightly(self, said: Any) -> None:
        said(nightly.VARIABLE, nightly.nightly)

    def test_of_the_organization_of_a_shell(self, said: Any) -> None:
        said(ORGANIZATION, lambda: open_site("config"))

    def test_of_the_rate_store(self, said: Any) -> None:
        said(permits.ENV, lambda: pacing.Pacer("https://account.api-us1.com", 270).wait())

    def test_of_the_ledger(
        self, said: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        row = VARIABLES[LEDGER_VARIABLE]
        monkeypatch.setenv(LEDGER_VARIABLE, plain(row[4]))
        assert main(["--config", "config", "status"]) == 2
        assert capsys.readouterr().err.strip() == plain(row[5])
