"""One line of an exported Activity Log as an ``ActivityRow``.

Labels that are not known become UNKNOWN (outcome) or None (process, who started it) and keep their text. Raises
``Unreadable`` with file, line, column and next step where organization, job or a time cannot be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.export import ActivityExport
from pro2_reconciliation.domain.jobs import ActivityRow, Counts, Job
from pro2_reconciliation.domain.words import Outcome, ProcessType
from pro2_reconciliation.wire.dashboard import OUTCOMES
from pro2_reconciliation.wire.export_cells import ShownTwice, count, folded, moment, text
from pro2_reconciliation.wire.tables import FILE, Cell, Line


class Rows:
    """Lines of one file as rows of the domain. ``places``: where each of our columns stands."""

    def __init__(
        self,
        rules: ActivityExport,
        organization: str,
        zone: str,
        jobs: Sequence[Job],
        *,
        name: str,
        epoch: datetime | None,
        places: Mapping[str, int],
    ) -> None:
        self.rules, self.organization, self.zone, self.jobs = rules, organization, zone, jobs
        self.name, self.epoch, self.places = name, epoch, places
        self.outcomes = OUTCOMES | {folded(key): value for key, value in rules.outcomes.items()}
        usual = {folded(one.value.replace("_", " ")): one for one in ProcessType}
        self.processes = usual | {folded(key): value for key, value in rules.processes.items()}
        self.origins = {folded(one): False for one in rules.scheduled} | {
            folded(one): True for one in rules.by_hand
        }

    def cell(self, line: Line, key: str) -> Cell:
        at = self.places.get(key)
        return line.cells[at] if at is not None and at < len(line.cells) else None

    def text(self, line: Line, key: str) -> str:
        return text(self.cell(line, key))

    def where(self, line: Line, key: str) -> str:
        return f"{self.name}, line {line.number}: {self.rules.columns.named[key]!r}"

    def time(self, line: Line, key: str) -> datetime:
        return moment(self.cell(line, key), self.where(line, key), self.rules, self.zone, self.epoch)

    def earliest(self, line: Line, key: str) -> datetime:
        """The same; of a time that the clocks showed twice the first instant: too early an export is only stale."""
        try:
            return self.time(line, key)
        except ShownTwice as error:
            return min(error.moments)

    def other(self, line: Line) -> str | None:
        """The organization of a row that is not ours; None for ours."""
        if "organization" not in self.places:
            return None
        named = self.text(line, "organization")
        if not named:
            raise Unreadable(f"{self.where(line, 'organization')} is empty; a run needs its organization")
        ours = self.rules.organization or self.organization
        return None if folded(named) == folded(ours) else named

    def row(self, line: Line, started: datetime) -> ActivityRow:
        label = self.text(line, "status")
        job_id = self._job(line)
        return ActivityRow(
            organization=self.organization,
            run_id=self.text(line, "run_id") or f"{job_id}@{started:%Y-%m-%dT%H:%M:%SZ}",
            process_type=self.processes.get(folded(self.text(line, "process"))),
            job_id=job_id,
            name=self.text(line, "job"),
            started=started,
            finished=self._finished(line),
            outcome=self.outcomes.get(folded(label), Outcome.UNKNOWN),
            raw_status=label,
            manual=self.origins.get(folded(self.text(line, "started_by"))),
            counts=self._counts(line),
            tag=self.text(line, "tag") or None,
        )

    def _job(self, line: Line) -> str:
        """The id of the job: its own column, or the job of ``jobs.yaml`` with this name, or the name itself."""
        given, name = self.text(line, "job_id"), self.text(line, "job")
        if given or not name:
            if given:
                return given
            key = "job_id" if "job_id" in self.places else "job"
            raise Unreadable(f"{self.where(line, key)} is empty; a run without a job cannot be placed")
        named = [job.id for job in self.jobs if folded(job.name) == folded(name)]
        if len(named) > 1:
            raise Unreadable(
                f"{self.where(line, 'job')} is {name!r}, the name of jobs {', '.join(named)}; "
                f"export the ids too and map columns.job_id in {FILE}"
            )
        return named[0] if named else name

    def _finished(self, line: Line) -> datetime | None:
        if not self.text(line, "finished"):
            return None
        try:
            return self.time(line, "finished")
        except ShownTwice:
            return None  # no decision rests on it

    def _counts(self, line: Line) -> Counts | None:
        found = {
            key: count(self.cell(line, key), self.where(line, key))
            for key in ("returned", "updated", "failed")
            if self.text(line, key)
        }
        return Counts(**found) if found else None
