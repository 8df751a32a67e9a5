"""The API server opens site and ledger once, and again when they are not what they were."""

from __future__ import annotations

import json
import os
from pathlib import Path
from shutil import copyfile

import pytest

from pro2.web.opened import Opened
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError
from pro2_reconciliation.ledger import Ledger

CONNECTION = "AIRFLOW_CONN_RECONCILIATION_LEDGER"


def test_the_ledger_is_opened_once(ledger: Ledger) -> None:
    opened = Opened()
    assert opened.ledger() is opened.ledger()
    assert opened.ledger().identity.uuid == ledger.identity.uuid


def test_a_ledger_that_was_put_in_its_place_is_opened_anew(
    ledger: Ledger, new_ledger: Path, tmp_path: Path
) -> None:
    opened = Opened()
    first = opened.ledger()
    copyfile(new_ledger, tmp_path / "other.db")
    os.replace(tmp_path / "other.db", tmp_path / "site-ledger.db")
    assert opened.ledger() is not first
    assert opened.ledger().identity.epoch == ledger_epoch(new_ledger)


def ledger_epoch(path: Path) -> int:
    from datetime import UTC, datetime

    opened = Ledger.open(f"sqlite:///{path}", clock=lambda: datetime.now(UTC))
    try:
        return opened.identity.epoch
    finally:
        opened.close()


def test_another_connection_leads_to_another_ledger(
    ledger: Ledger, new_ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Opened()
    first = opened.ledger().address
    copyfile(new_ledger, tmp_path / "second.db")
    monkeypatch.setenv(CONNECTION, json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "second.db")}))
    assert opened.ledger().address != first


def test_the_page_begins_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = tmp_path / "nowhere.db"
    monkeypatch.setenv(CONNECTION, json.dumps({"conn_type": "sqlite", "host": str(nowhere)}))
    with pytest.raises(LedgerError, match="There is no ledger at"):
        Opened().ledger()
    assert not nowhere.exists()


def test_the_site_is_read_again_when_a_file_changed(site_folder: Path) -> None:
    opened = Opened()
    first = opened.site()
    assert opened.site() is first
    file = site_folder / "jobs.yaml"
    file.write_text(file.read_text().replace("America/Chicago", "Europe/London"))
    assert opened.site().zone == "Europe/London"


def test_a_mistake_in_the_site_is_told_at_each_look_until_it_is_mended(site_folder: Path) -> None:
    opened = Opened()
    file = site_folder / "jobs.yaml"
    good = file.read_text()
    file.write_text(good.replace("America/Chicago", "America/Nowhere"))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="America/Nowhere"):
            opened.site()
    file.write_text(good)
    assert opened.site().zone == "America/Chicago"


def test_without_a_site_it_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRO2_RECONCILIATION_CONFIG", raising=False)
    with pytest.raises(ConfigurationError, match="PRO2_RECONCILIATION_CONFIG is not set"):
        Opened().site()
