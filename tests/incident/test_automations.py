"""Automations that an outage touched: counted, named, linked, never repaired (rule A1)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.incident.harness import Evening

from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import ItemKind, Mode
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.report import End


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


def test_who_entered_in_the_outage_and_who_stopped_shortly_before_it(evening: Evening) -> None:
    linked = evening.site.policy.model_copy(
        update={"automation_link": "https://p.example/app/automations/{id}"}
    )
    site = evening.site.model_copy(update={"policy": linked})
    _, report = evening.reconcile(Mode.PLAN, account=evening.account("run-1", site=site))
    rows = {row.item_id: row for row in report.rows if row.kind is ItemKind.AUTOMATION}
    assert set(rows) == {"301", "304"}
    assert {row.outcome for row in rows.values()} == {End.REPORTED}
    assert rows["301"].reason == (
        "0 contacts entered it in the outage; in progress with no step since: 7 that stopped in it or shortly "
        "before, 0 that wait for longer (a long wait looks the same)"
    )
    assert rows["304"].reason.startswith("9 contacts entered it in the outage and may enter again; ")
    assert rows["304"].pro2_url == "https://p.example/app/automations/304"


def test_a_night_without_an_outage_names_none(evening: Evening) -> None:
    night = Window(start=evening.window().start - timedelta(hours=12), end=evening.clock.at, source="nightly")
    assert take_inventory(evening.account("night"), night).automations == ()
    outage = evening.window().model_copy(update={"outage_known": False, "outage_ids": ("3f2a",)})
    assert len(take_inventory(evening.account("night"), outage).automations) == 2
