"""The API server opens site and ledger once, and again when they are not what they were."""

from __future__ import annotations

import json
import os
from pathlib import Path
from shutil import copyfile

import pytest

from pro2.web.desk import Desk
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError
from pro2_reconciliation.ledger import Ledger

CONNECTION = "AIRFLOW_CONN_RECONCILIATION_LEDGER"


def test_the_ledger_is_opened_once(ledger: Ledger) -> None:
    desk = Desk()
    assert desk.ledger() is desk.ledger()
    assert desk.ledger().identity.uuid == ledger.identity.uuid


def test_a_ledger_that_was_put_in_its_place_is_opened_anew(
    ledger: Ledger, new_ledger: Path, tmp_path: Path
) -> None:
    desk = Desk()
    first = desk.ledger()
    copyfile(new_ledger, tmp_path / "other.db")
    os.replace(tmp_path / "other.db", tmp_path / "site-ledger.db")
    assert desk.ledger() is not first
    assert desk.ledger().identity.epoch == ledger_epoch(new_ledger)


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
    desk = Desk()
    first = desk.ledger().address
    copyfile(new_ledger, tmp_path / "second.db")
    monkeypatch.setenv(CONNECTION, json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "second.db")}))
    assert desk.ledger().address != first


def test_the_page_begins_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = tmp_path / "nowhere.db"
    monkeypatch.setenv(CONNECTION, json.dumps({"conn_type": "sqlite", "host": str(nowhere)}))
    with pytest.raises(LedgerError, match="There is no ledger at"):
        Desk().ledger()
    assert not nowhere.exists()


def test_the_site_is_read_again_when_a_file_changed(site_folder: Path) -> None:
    desk = Desk()
    first = desk.site()
    assert desk.site() is first
    file = site_folder / "jobs.yaml"
    file.write_text(file.read_text().replace("America/Chicago", "Europe/London"))
    assert desk.site().zone == "Europe/London"


def test_a_mistake_in_the_site_is_told_at_each_look_until_it_is_mended(site_folder: Path) -> None:
    desk = Desk()
    file = site_folder / "jobs.yaml"
    good = file.read_text()
    file.write_text(good.replace("America/Chicago", "America/Nowhere"))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="America/Nowhere"):
            desk.site()
    file.write_text(good)
    assert desk.site().zone == "America/Chicago"


def test_without_a_site_it_says_which_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRO2_RECONCILIATION_CONFIG", raising=False)
    with pytest.raises(ConfigurationError, match="PRO2_RECONCILIATION_CONFIG is not set"):
        Desk().site()
