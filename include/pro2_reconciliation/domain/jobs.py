"""Jobs (configured integrated processes), their occurrences, and the rows that the dashboard shows of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.words import Outcome, ProcessType, Service

YesNo = Literal["yes", "no", "unknown"]


class Audience(Value):
    """Whom a Scheduled Trigger picks: ``exact`` moves every day, ``range`` heals itself, ``static`` never moves.

    Two times share an audience when both fall into one window of ``window_hours`` that starts at the due time;
    after ``valid_hours`` the trigger's mail has lost its point (curtain up).
    """

    kind: Literal["exact", "range", "static", "unknown"] = "unknown"
    window_hours: float | None = Field(default=None, gt=0)
    valid_hours: float | None = Field(default=None, gt=0)


class Job(Value):
    """One integrated process of one organization, as ``jobs.yaml`` describes it (docs/configuration.md)."""

    organization: str
    id: str
    name: str
    process_type: ProcessType
    cron: str
    zone: str
    grace_minutes: float = Field(default=10, gt=0)
    usual_minutes: float = Field(default=10, gt=0)
    starts_mail: YesNo = "unknown"
    adds_to_list: bool | None = None
    usual_partial_share: float = Field(default=0.0, ge=0, le=1)
    tessitura_list: str | None = None
    sync_tag: str | None = None
    mode: Literal["add_only", "add_and_remove"] | None = None
    automation: str | None = None
    reentry: Literal["once", "many", "unknown"] = "unknown"
    audience: Audience = Audience()
    feeds: tuple[str, ...] = ()
    needs: tuple[Service, ...] = (Service.SENDING, Service.DASHBOARD, Service.TESSITURA)
    paused: bool = False

    @property
    def grace(self) -> timedelta:
        return timedelta(minutes=self.grace_minutes)

    @property
    def usual(self) -> timedelta:
        return timedelta(minutes=self.usual_minutes)


class Occurrence(Value):
    """One due time of a job. Its key never contains the outage, so two outages cannot repair it twice."""

    organization: str
    job_id: str
    due: UtcTime
    next_due: UtcTime | None = None

    @property
    def key(self) -> str:
        return f"{self.job_id}@{self.due:%Y-%m-%dT%H:%M:%SZ}"


class Counts(Value):
    returned: int | None = None
    updated: int | None = None
    failed: int | None = None


class ActivityRow(Value):
    """One run in the Activity Log. ``manual`` None: the log does not say who started it."""

    organization: str
    run_id: str
    process_type: ProcessType | None
    job_id: str
    name: str = ""
    started: UtcTime
    finished: UtcTime | None = None
    outcome: Outcome
    raw_status: str = ""
    manual: bool | None = None
    counts: Counts | None = None
    tag: str | None = None

    @property
    def failed_share(self) -> float | None:
        """Failed contacts over all returned ones, 0 to 1; None where the row has no counts."""
        if self.counts is None or self.counts.failed is None or not self.counts.returned:
            return None
        return self.counts.failed / self.counts.returned


class ConsoleRow(Value):
    """One run that is queued or running now. ``progressed`` is when its progress last changed."""

    organization: str
    run_id: str
    job_id: str
    running: bool
    started: UtcTime | None = None
    scheduled_for: UtcTime | None = None
    progress: int | None = None
    progressed: UtcTime | None = None


class ActivityLog(Value):
    """Rows of a span with the time as of which the source is whole (invariant 11)."""

    as_of: UtcTime
    rows: tuple[ActivityRow, ...]

    def of(self, job_id: str) -> tuple[ActivityRow, ...]:
        return tuple(row for row in self.rows if row.job_id == job_id)

    def covers(self, moment: datetime) -> bool:
        return self.as_of >= moment


class Console(Value):
    as_of: UtcTime
    rows: tuple[ConsoleRow, ...]

    def of(self, job_id: str) -> tuple[ConsoleRow, ...]:
        return tuple(row for row in self.rows if row.job_id == job_id)
