"""Propose ``jobs.yaml`` from exported files of the Activity Log, at a desk, without Airflow and without a ledger.

    learn --activity-log FILE [FILE ...] [--zone ZONE] [--organization NAME] [--out FILE]

How the files are read says ``activity_export.yaml`` of ``--config``; its ``path`` is not used. Organization and zone
are those of ``jobs.yaml`` there, where it exists. Without ``--out`` the proposal is printed, else it is written to a
new file and a table is printed. Nothing else is changed, ever. Fails with one sentence.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pro2_reconciliation.desk.out import new_place
from pro2_reconciliation.desk.site import folder_of
from pro2_reconciliation.domain.config import DIRECTORY, load_site, read_export
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError
from pro2_reconciliation.domain.export import ActivityExport
from pro2_reconciliation.domain.jobs import ActivityLog, Job
from pro2_reconciliation.domain.learning import Learning, joined, learn
from pro2_reconciliation.domain.learning_lesson import Span
from pro2_reconciliation.domain.localtime import find_zone, repeated_hours
from pro2_reconciliation.domain.proposal import proposal, summary
from pro2_reconciliation.wire.export import Export, ExportFile

FAR_BACK = timedelta(days=731)
"""Runs that are older say nothing of today's schedules."""


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    command = commands.add_parser("learn", help="propose jobs.yaml from an export of the Activity Log")
    command.add_argument(
        "--activity-log",
        required=True,
        nargs="+",
        metavar="FILE",
        help="CSV or XLSX, a year of runs (docs/learn.md)",
    )
    command.add_argument("--config", default=argparse.SUPPRESS, help="directory with activity_export.yaml")
    command.add_argument("--zone", help="the organization's IANA zone; that of jobs.yaml without it")
    command.add_argument("--organization", help="the account; that of jobs.yaml without it")
    command.add_argument("--out", metavar="FILE", help="where to write the proposal; what is there stays")
    command.set_defaults(do=_learn)


def _learn(given: argparse.Namespace) -> str:
    """The proposal, or the table of what was written. Raises ``ReconciliationError``."""
    learning = learned(
        given.activity_log,
        config=given.config,
        zone=given.zone,
        organization=given.organization,
        now=datetime.now(UTC),
    )
    text = proposal(learning, ", ".join(Path(name).name for name in given.activity_log))
    if not given.out:
        return text.rstrip("\n")
    path = Path(given.out)
    _write(path, text)
    return "\n".join(
        [*summary(learning), "", f"The proposal is in {path}. Read it, then copy it to jobs.yaml"]
    )


def learned(
    files: Sequence[str], *, config: str | None, zone: str | None, organization: str | None, now: datetime
) -> Learning:
    """Read the files and learn. Raises ``ConfigurationError`` and ``Unreadable``."""
    named = folder_of(config)
    if not named:
        raise ConfigurationError(
            f"{DIRECTORY} is not set; name the directory that holds activity_export.yaml by --config"
        )
    rules = read_export(Path(named) / "activity_export.yaml")
    if rules is None:
        raise ConfigurationError(
            f"{Path(named) / 'activity_export.yaml'} does not exist; write it after "
            "config/activity_export.example.yaml, it says how the file is to be read"
        )
    jobs: tuple[Job, ...] = ()
    if (Path(named) / "jobs.yaml").exists():
        site = load_site(named)
        jobs, zone, organization = site.jobs, zone or site.zone, organization or site.organization
    if not zone or not organization:
        missing = "--zone ZONE, such as America/Chicago" if not zone else "--organization NAME"
        raise ConfigurationError(f"there is no {Path(named) / 'jobs.yaml'} yet; add {missing}")
    find_zone(zone)
    read = [_file(Path(name)) for name in files]
    reader = Export(rules, organization, zone, jobs)
    log, holes = _whole_log(reader, rules, read, now)
    return learn(organization, log, zone, holes=holes)


def _whole_log(
    reader: Export, rules: ActivityExport, files: Sequence[ExportFile], now: datetime
) -> tuple[ActivityLog, tuple[Span, ...]]:
    """All rows but those of an hour that autumn repeats: nobody knows which of the two a local time means."""
    start, end = now - FAR_BACK, now + timedelta(minutes=5)
    unclear = repeated_hours(rules.zone or reader.zone, start, end)
    logs = [reader.log(files, since, until, now) for since, until in _between(unclear, start, end)]
    rows = {row.run_id: row for log in logs for row in log.rows}
    return logs[-1].model_copy(update={"rows": tuple(rows.values())}), joined(unclear)


def _between(unclear: Sequence[Span], start: datetime, end: datetime) -> Iterator[Span]:
    for begin, until in unclear:
        yield start, begin
        start = until
    yield start, end


def _file(path: Path) -> ExportFile:
    try:
        return ExportFile(str(path), datetime.fromtimestamp(path.stat().st_mtime, UTC), path.read_bytes())
    except OSError as error:
        raise ReconciliationError(
            f"{path} cannot be read ({error.strerror}); name the exported file"
        ) from None


def _write(path: Path, text: str) -> None:
    with new_place(path), path.open("x", encoding="utf-8") as file:
        file.write(text)
