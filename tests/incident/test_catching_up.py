"""A whole night over a catalog that is out of date: the report and the digest say so, with the lines to paste."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.incident.harness import Evening
from tests.unit.pro2.conftest import make_context

from pro2 import reporting
from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import Mode, Service
from pro2_reconciliation.repair.catalog import check_catalog
from pro2_reconciliation.repair.gates import GUARD
from pro2_sandbox import Incident

JOBS = {
    "j-moved": ("Members sync", {"daily": "-14h"}, 30),
    "j-still": ("Ticket buyers import", {"daily": "-9h"}, 30),
    "j-new": ("Donors import", {"daily": "-4h"}, 30),
    "j-right": ("E-mail address changes", {"hourly": "-35m"}, 800),
}
SILENT_DAYS = 10


def month() -> Incident:
    """Five weeks of runs; one job has not run for ten days."""
    jobs: list[dict[str, Any]] = [
        {
            "id": job_id,
            "name": name,
            "process_type": "integrated_import",
            "schedule": schedule,
            "history": history,
        }
        for job_id, (name, schedule, history) in JOBS.items()
    ]
    jobs[1]["runs"] = [{"due": f"-{9 + 24 * day}h", "missed": True} for day in range(SILENT_DAYS)]
    return Incident.model_validate(
        {
            "name": "A month",
            "organization": "playhouse",
            "zone": "America/Chicago",
            "seed": 1,
            "outages": [{"services": ["sending"], "start": "-20m", "end": "-10m"}],
            "jobs": jobs,
        }
    )


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    return Evening(tmp_path, month())


def write_catalog(evening: Evening, **crons: str) -> None:
    """jobs.yaml as somebody wrote it: without the new job, and with these crons."""
    path = evening.folder / "config" / "jobs.yaml"
    body = yaml.safe_load(path.read_text())
    body["jobs"] = [job for job in body["jobs"] if job["id"] != "j-new"]
    for job in body["jobs"]:
        job["cron"] = crons.get(job["id"].replace("-", "_"), job["cron"])
    path.write_text(yaml.safe_dump(body))
    evening.site = load_site(path.parent)


def night(
    evening: Evening, reports: Path, monkeypatch: pytest.MonkeyPatch, run_id: str = "scheduled__1"
) -> tuple[dict[str, Any], str]:
    """The nightly dag run up to its report: what it wrote as JSON, and the digest."""
    now = evening.clock.now()
    window = Window(start=now - timedelta(days=1), end=now, source=reporting.NIGHTLY)
    plan, _ = evening.reconcile(Mode.PLAN, window=window, dag_run=run_id)
    evening.ledger().beat(GUARD)
    monkeypatch.setenv("PRO2_RECONCILIATION_REPORTS", f"file://{reports}")
    monkeypatch.setattr(reporting, "open_account", lambda owner: evening.account(owner))
    resolved = {"mode": "plan", "reason": "", "window": window.model_dump(mode="json")}
    reporting.report(make_context(run_id=run_id), resolved, plan.hash, None)
    written = json.loads((reports / f"{run_id}.json").read_text(encoding="utf-8"))
    return written, (reports / f"{run_id}.digest.html").read_text(encoding="utf-8")


def test_the_night_tells_what_moved_what_stopped_and_what_is_new(
    evening: Evening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_catalog(evening, j_moved="30 9 * * *")
    told, digest = night(evening, tmp_path / "reports", monkeypatch)
    found = {one["job_id"]: one for one in told["catalog"]["findings"]}

    assert {key: one["kind"] for key, one in found.items()} == {
        "j-moved": "moved",
        "j-still": "does not run",
        "j-new": "not in the catalog",
    }
    assert found["j-moved"]["lines"] == ['cron: "5 4 * * *"']
    assert found["j-moved"]["text"].startswith(
        "«Members sync» (j-moved) never ran when it was due by jobs.yaml («30 9 * * *»): its runs since"
    )
    assert "did not run for 10 days" in found["j-still"]["text"]
    assert found["j-new"]["lines"][:2] == ['- id: "j-new"', '  name: "Donors import"']
    page = (tmp_path / "reports" / "scheduled__1.html").read_text(encoding="utf-8")
    for text in (page, digest):
        assert "Members sync" in text
        assert "cron: &#34;5 4 * * *&#34;" in text
        assert "did not run for 10 days" in text
    assert "The catalog may be out of date (R5)" in digest


def test_a_catalog_that_is_put_right_is_not_told_again(
    evening: Evening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_catalog(evening, j_moved="30 9 * * *")
    first, _ = night(evening, tmp_path / "reports", monkeypatch)
    lines = {one["job_id"]: one["lines"] for one in first["catalog"]["findings"]}
    path = evening.folder / "config" / "jobs.yaml"
    body = yaml.safe_load(path.read_text())
    for job in body["jobs"]:
        for line in lines.get(job["id"], []):
            job |= yaml.safe_load(line)
    body["jobs"] += yaml.safe_load("\n".join(lines["j-new"]))
    path.write_text(yaml.safe_dump(body))
    evening.site = load_site(path.parent)

    again, digest = night(evening, tmp_path / "reports", monkeypatch, "scheduled__2")
    assert again["catalog"]["findings"] == []
    assert "The catalog may be out of date" not in digest


def test_nothing_is_changed_by_it(evening: Evening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalog(evening, j_moved="30 9 * * *")
    before = {path.name: path.read_bytes() for path in (evening.folder / "config").iterdir()}
    night(evening, tmp_path / "reports", monkeypatch)
    assert {path.name: path.read_bytes() for path in (evening.folder / "config").iterdir()} == before
    assert evening.effects() == []


def test_a_known_outage_is_no_reason_to_doubt_the_catalog(evening: Evening) -> None:
    write_catalog(evening)
    now = evening.clock.now()
    outage = Outage(
        id="3f2a", organization="playhouse", service=Service.DASHBOARD, start=now - timedelta(days=SILENT_DAYS + 1),
        end=now, state=OutageState.CLOSED,
    )  # fmt: skip
    assert "j-still" in {one.job_id for one in check_catalog(evening.account()).findings}
    evening.ledger().replace_outages("playhouse", [outage], "known by the test")
    assert "j-still" not in {one.job_id for one in check_catalog(evening.account()).findings}


def test_a_log_that_cannot_be_read_is_said_and_fails_nothing(evening: Evening) -> None:
    evening.dashboard.headers["Authorization"] = "Bearer wrong"
    assert "the Activity Log could not be read" in check_catalog(evening.account()).unread
