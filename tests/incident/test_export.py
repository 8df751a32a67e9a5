"""The same evening read through the HTTP contract and from the exported file: the same runs, the same decisions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.incident.harness import Evening

from pro2_reconciliation.domain.export import ActivityExport
from pro2_reconciliation.domain.words import Outcome
from pro2_reconciliation.wire.export import Export, ExportFile
from pro2_reconciliation.wire.ports import DashboardPort
from pro2_sandbox.export import file_name


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    """Both services are back; before, nobody can export anything."""
    found = Evening(tmp_path)
    found.end_outage()
    return found


def from_file(evening: Evening, content: bytes, **changes: Any) -> Any:
    now = evening.clock.now()
    rules = yaml.safe_load(evening.sandbox.call("GET", "/sandbox/config/activity_export.yaml").text)
    export = Export(
        ActivityExport.model_validate({**rules, "margin_minutes": 0, **changes}),
        evening.site.organization,
        evening.site.zone,
        evening.site.jobs,
    )
    name = file_name(evening.world)
    return export.log([ExportFile(name, now, content)], now - timedelta(days=5), now, now)


@pytest.mark.parametrize("hours", [3, 12, 30])
def test_a_file_tells_the_same_runs_as_the_dashboard(evening: Evening, hours: int) -> None:
    evening.clock.sleep(hours * 3600)
    now = evening.clock.now()
    board = DashboardPort(evening.dashboard, evening.site.organization, sleep=evening.clock.sleep)
    told = board.activity(now - timedelta(days=5), now)
    read = from_file(evening, evening.sandbox.call("GET", "/sandbox/activity.csv").text.encode())
    whole_seconds = [
        row.model_copy(
            update={
                "started": row.started.replace(microsecond=0),
                "finished": row.finished and row.finished.replace(microsecond=0),
            }
        )
        for row in told.rows
    ]
    assert len(read.rows) > 10
    assert {row.outcome for row in read.rows} > {Outcome.SUCCESS}
    assert sorted(read.rows, key=lambda row: row.run_id) == sorted(whole_seconds, key=lambda row: row.run_id)


def test_the_file_of_another_code_page_tells_the_same(evening: Evening) -> None:
    text = evening.sandbox.call("GET", "/sandbox/activity.csv").text
    assert from_file(evening, text.encode("utf-16")).rows == from_file(evening, text.encode()).rows
