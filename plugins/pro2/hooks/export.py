"""The Integrated Dashboard where it has no API: the Activity Log as files in an Airflow object storage path.

Reads only. There is no Console, so what left no row is UNKNOWN and for a person (rule R1); what changes something is
pressed by a person, and none of it is ever sent from here. A storage that fails is ``Unreadable``: the next poll tries
again. Fails with ``ConfigurationError`` where ``activity_export.yaml`` is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

from airflow.sdk import ObjectStoragePath

from pro2.organization import open_site
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import (
    ConfigurationError,
    NoConsole,
    ReadOnly,
    ReconciliationError,
    Unreadable,
)
from pro2_reconciliation.domain.jobs import ActivityLog, Console
from pro2_reconciliation.domain.words import StopAnswer
from pro2_reconciliation.wire.export import Export, ExportFile

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls")
"""What counts as an export in a folder; a pattern or a single file may be called anything."""
_WILD = "*?["


class ExportDashboard:
    """The port ``Dashboard`` over files. ``now`` is aware UTC, for exports that claim to be from the future."""

    def __init__(self, site: Site, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        if site.export is None:
            raise ConfigurationError(
                "the dashboard is read from an export (adapter: export), and the site has no activity_export.yaml; "
                "write one beside jobs.yaml after config/activity_export.example.yaml"
            )
        self._rules = site.export
        self._export = Export(site.export, site.organization, site.zone, site.jobs)
        self._now = now

    def activity(self, since: datetime, until: datetime) -> ActivityLog:
        """The rows of [since, until) from every file that may hold some. Raises ``Unreadable``."""
        return self._export.log(self._files(since), since, until, self._now())

    def console(self) -> Console:
        raise NoConsole("the export has no Console: what is queued or running now cannot be seen")

    def stop_run(self, job_id: str) -> StopAnswer:
        _not_pressed(f"job {job_id} was not stopped")

    def run_now(self, job_id: str) -> None:
        _not_pressed(f"job {job_id} was not run")

    def repeat_import(self, job_id: str) -> None:
        _not_pressed(f"import {job_id} was not repeated")

    def import_list(self, list_id: str, tag: str, name: str) -> None:
        _not_pressed(f"list {list_id} was not imported")

    def _files(self, since: datetime) -> list[ExportFile]:
        """Those made since ``since``, and the newest one whatever its age: what it lacks is told by its age."""
        try:
            found = [(path, path.stat()) for path in self._paths()]
            dated = [(self._export.stamp(str(path), _modified(stat)), path, stat) for path, stat in found]
            newest = max((stamp for stamp, _, _ in dated if stamp), default=since)
            return [
                _read(path, stat)
                for stamp, path, stat in dated
                if stamp is None or stamp >= since or stamp == newest
            ]
        except ReconciliationError:
            raise
        except Exception as error:  # each storage has its own: OSError, botocore, adlfs, ...
            raise Unreadable(f"the export at {self._rules.path} cannot be read: {error}") from error

    def _paths(self) -> Iterator[Any]:
        base, wild = _split(self._rules.path)
        try:
            path = ObjectStoragePath(base, conn_id=self._rules.connection)
        except (ValueError, ImportError) as error:
            raise ConfigurationError(
                f"activity_export.yaml: path {self._rules.path!r} cannot be opened ({error}); "
                "correct it, or install the Airflow provider of that storage"
            ) from None
        if wild:
            yield from (one for one in sorted(path.glob(wild), key=str) if one.is_file())
        elif path.is_dir():
            for one in sorted(path.iterdir(), key=str):
                if one.name.lower().endswith(TABLES) and one.name[0] not in ".~" and one.is_file():
                    yield one
        elif path.exists():
            yield path
        else:
            raise Unreadable(f"there is nothing at {self._rules.path}; put an export there")


def open_export() -> ExportDashboard:
    """The dashboard of the current site (``pro2.organization``), read from its export."""
    return ExportDashboard(open_site())


def _split(path: str) -> tuple[str, str]:
    """("s3://bucket/logs", "2031*/*.csv") for "s3://bucket/logs/2031*/*.csv": what is fixed, and the pattern."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        scheme, rest = "file", path
    parts = rest.split("/")
    fixed = next((i for i, part in enumerate(parts) if any(c in part for c in _WILD)), len(parts))
    return f"{scheme}://{'/'.join(parts[:fixed])}", "/".join(parts[fixed:])


def _modified(stat: Any) -> datetime | None:
    """When the storage says that a file was written; each names it in its own way."""
    for key in ("mtime", "LastModified", "last_modified", "updated"):
        value = stat.get(key)
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if value:
            return datetime.fromtimestamp(value, UTC)
    return None


def _read(path: Any, stat: Any) -> ExportFile:
    content = path.read_bytes()
    if stat.st_size and len(content) != stat.st_size:
        raise Unreadable(f"{path} changed while it was read; it is read again at the next poll")
    return ExportFile(str(path), _modified(stat), content)


def _not_pressed(what: str) -> NoReturn:
    raise ReadOnly(f"{what}: an export has no buttons; a person presses it in the dashboard")
