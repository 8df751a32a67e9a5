"""One run of a job, as the Activity Log and the Console show it at a given moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_sandbox.effects import By
from pro2_sandbox.incident_jobs import CountsModel

IN_PROGRESS, STOPPED = "In progress", "Stopped"


@dataclass(eq=False)
class Run:
    """``finished`` None: it hangs. ``label`` is the status it has once it is finished.

    ``accepted`` is when it was queued. ``logged_at_start`` False: the Activity Log learns of it when it ends, as of
    work that was accepted just now.
    """

    id: str
    process_id: str
    process_type: str
    name: str
    started: datetime
    finished: datetime | None
    label: str
    origin: str | None
    by: By = "vendor"
    counts: CountsModel | None = None
    tag: str | None = None
    due: datetime | None = None
    in_console: bool = True
    in_log: bool = True
    logged_at_start: bool = True
    progress: int = 0
    progressed: datetime | None = None
    per_minute: float | None = None
    accepted: datetime | None = None

    def running(self, at: datetime) -> bool:
        """Queued or under way, so that the Console shows it."""
        begun = (self.accepted or self.started) <= at
        if self.finished is None:
            return begun and self.label == IN_PROGRESS
        return begun and at < self.finished

    def visible_in_log(self, at: datetime) -> bool:
        if not self.in_log or self.started > at:
            return False
        return self.logged_at_start or not self.running(at)

    def ended(self, at: datetime) -> bool:
        return self.finished is not None and self.finished <= at

    def status(self, at: datetime) -> str:
        return IN_PROGRESS if self.running(at) else self.label

    def progress_at(self, at: datetime) -> tuple[int, datetime]:
        """The progress in percent and when it last changed."""
        if self.per_minute is None:
            return self.progress, self.progressed or self.started
        step = timedelta(minutes=1 / self.per_minute)
        steps = min(max(0, (at - self.started) // step), 99 - self.progress)
        return self.progress + steps, self.started + steps * step

    def stop(self, at: datetime) -> None:
        self.finished, self.label, self.counts = at, STOPPED, None
        self.started = min(self.started, at)
        self.logged_at_start = True
