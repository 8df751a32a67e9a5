"""The Activity Log as somebody exports it by hand: a CSV for spreadsheets, local times, a line of totals at the end."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

from pro2_sandbox.runs import Run
from pro2_sandbox.world import World

PROCESSES = {
    "data_sync": "Data Sync",
    "scheduled_trigger": "Scheduled Trigger",
    "integrated_import": "Integrated Import",
    "segment_transfer": "Segment Transfer",
    "eaddress_changes": "eAddress Changes",
}
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
"""What ``activity_export.yaml`` calls a column, and what the export calls it."""
HEADER = tuple(COLUMNS.values())
FILE_NAME = "activity-%Y%m%d-%H%M%S.csv"
"""Local time; the file's name says when it was made."""
DAY_FIRST = "%d/%m/%Y %H:%M:%S"


def file_name(world: World) -> str:
    """What the dashboard calls an export that is made now."""
    return f"{world.now.astimezone(world.zone):{FILE_NAME}}"


def activity_csv(world: World) -> str:
    """Every row of the Activity Log until now, oldest first, and how many there are."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    rows = world.jobs.activity(datetime.min.replace(tzinfo=world.now.tzinfo), world.now, world.now)
    for run in rows:
        writer.writerow(_row(world, run))
    writer.writerow(("Total", len(rows)))
    return out.getvalue()


def _row(world: World, run: Run) -> tuple[object, ...]:
    ended = run.ended(world.now)
    counts = run.counts if ended else None
    numbers = ("", "", "") if counts is None else (counts.returned, counts.updated, counts.failed)
    by = {"schedule": "Schedule", "manual": "User"}.get(run.origin or "", "")
    finished = _local(run.finished, world.zone) if ended else ""
    return (
        world.incident.organization, PROCESSES[run.process_type], run.process_id, run.name,
        _local(run.started, world.zone), finished, run.status(world.now), *numbers, run.tag or "", run.id, by,
    )  # fmt: skip


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else f"{moment.astimezone(zone):{DAY_FIRST}}"
