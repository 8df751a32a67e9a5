"""Learn the sandbox's own schedules from its exported Activity Log, with the command that a person uses."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import Evening

from pro2_reconciliation.desk.learn import learned
from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.proposal import proposal
from pro2_reconciliation.domain.schedule import due_times
from pro2_sandbox import Incident
from pro2_sandbox.export import file_name

KINDS = {
    "daily": {"daily": "-2h"},
    "hourly": {"hourly": "-35m"},
    "every-6": {"every_hours": 6, "at": "-1h"},
    "every-4": {"every_hours": 4, "at": "-70m"},
}


def quiet_month() -> Incident:
    """Four weeks of runs of every shape that the sandbox knows, and a short outage at their end."""
    jobs: list[dict[str, Any]] = [
        {
            "id": f"j-{number}",
            "name": f"{kind} {process}",
            "process_type": process,
            "schedule": schedule,
            "history": 28 if kind == "daily" else 300,
            "usual_minutes": 8,
        }
        for number, (kind, schedule) in enumerate(KINDS.items())
        for process in (("data_sync", "integrated_import", "scheduled_trigger", "eaddress_changes")[number],)
    ]
    jobs[1]["usual_partial_share"] = 0.02
    return Incident.model_validate(
        {
            "organization": "playhouse",
            "zone": "America/Chicago",
            "seed": 1,
            "name": "A quiet month",
            "outages": [{"services": ["sending"], "start": "-3h", "end": "-2h"}],
            "jobs": jobs,
        }
    )


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path, quiet_month())
    rules = found.sandbox.call(
        "GET", "/sandbox/config/activity_export.yaml", params={"path": "file:///exports"}
    )
    (tmp_path / "config" / "activity_export.yaml").write_text(rules.text)
    found.clock.sleep(6 * 3600)
    return found


def exported(evening: Evening, folder: Path) -> Path:
    path = folder / file_name(evening.world)
    path.write_bytes(evening.sandbox.call("GET", "/sandbox/activity.csv").text.encode())
    return path


def test_the_proposal_is_the_catalog_of_the_sandbox(evening: Evening, tmp_path: Path) -> None:
    file = exported(evening, tmp_path)
    now = evening.clock.now()
    learning = learned([str(file)], config=str(tmp_path / "config"), zone=None, organization=None, now=now)
    proposed = tmp_path / "proposed"
    proposed.mkdir()
    (proposed / "jobs.yaml").write_text(proposal(learning, file.name))
    found = load_site(proposed)

    assert (found.organization, found.zone) == ("playhouse", "America/Chicago")
    assert found.jobs_by_id.keys() == evening.site.jobs_by_id.keys()
    for job in evening.site.jobs:
        proposed_job = found.jobs_by_id[job.id]
        assert (proposed_job.name, proposed_job.process_type) == (job.name, job.process_type)
        until = now + timedelta(days=366)
        assert due_times(proposed_job.cron, proposed_job.zone, now, until) == due_times(
            job.cron, job.zone, now, until
        ), (job.cron, proposed_job.cron)
