"""Exports of an Activity Log, made up: rules, lines, files, and what is read out of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.export import ActivityExport
from pro2_reconciliation.domain.jobs import ActivityLog, Job
from pro2_reconciliation.domain.words import ProcessType
from pro2_reconciliation.wire.export import Export, ExportFile

ZONE = "America/Chicago"
HEADER = (
    "Organization;Process;Job ID;Job;Started;Finished;Status;Returned;Updated;Failed;Tag;Run ID;Started by"
)
COLUMNS = {
    "organization": "Organization",
    "process": "Process",
    "job_id": "Job ID",
    "job": "Job",
    "started": "Started",
    "finished": "Finished",
    "status": "Status",
    "returned": "Returned",
    "updated": "Updated",
    "failed": "Failed",
    "tag": "Tag",
    "run_id": "Run ID",
    "started_by": "Started by",
}
NOW = datetime(2031, 3, 6, 12, tzinfo=UTC)
MADE = datetime(2031, 3, 6, 6, tzinfo=UTC)
SINCE = datetime(2031, 3, 1, tzinfo=UTC)


def rules(**changes: Any) -> ActivityExport:
    plain: dict[str, Any] = {
        "path": "file:///exports",
        "columns": COLUMNS,
        "as_of": "modified",
        "margin_minutes": 0,
        "delimiter": ";",
        "day_first": True,
    }
    return ActivityExport.model_validate({**plain, **changes})


def line(
    run: str = "r1", started: str = "04/03/2031 18:30:00", status: str = "Completed", **more: str
) -> str:
    cells = {
        "organization": "playhouse",
        "process": "Data Sync",
        "job_id": "j-201",
        "job": "Members sync",
        "started": started,
        "finished": "",
        "status": status,
        "returned": "1204",
        "updated": "1200",
        "failed": "4",
        "tag": "members",
        "run_id": run,
        "started_by": "Schedule",
        **more,
    }
    return ";".join(cells[key] for key in COLUMNS)


def sheet_of(*lines: str, header: str = HEADER) -> bytes:
    return "".join(f"{one}\r\n" for one in (header, *lines)).encode()


def file(content: bytes, name: str = "a.csv", made: datetime = MADE) -> ExportFile:
    return ExportFile(name, made, content)


def job(job_id: str, name: str) -> Job:
    return Job(
        organization="playhouse",
        id=job_id,
        name=name,
        process_type=ProcessType.DATA_SYNC,
        cron="30 18 * * *",
        zone=ZONE,
    )


def read(
    *files: ExportFile | bytes, since: datetime = SINCE, jobs: tuple[Job, ...] = (), **changes: Any
) -> ActivityLog:
    export = Export(rules(**changes), "playhouse", ZONE, jobs)
    return export.log([one if isinstance(one, ExportFile) else file(one) for one in files], since, NOW, NOW)


def refusal(*files: ExportFile | bytes, **changes: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        read(*files, **changes)
    return str(caught.value)
