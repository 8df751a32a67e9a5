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
    after ``valid_hours`` the trigger's mail has lost its point (curtain up). What is not said is unknown, and a
    trigger of which anything is unknown is never run by software (decisions R11).
    """

    kind: Literal["exact", "range", "static", "unknown"] = Field(
        default="unknown",
        description="exact: other patrons every day; range: the next run also picks those of this one; "
        "static: always the same",
    )
    window_hours: float | None = Field(
        default=None,
        gt=0,
        le=8760,
        description="So many hours after the due time the same patrons are picked",
    )
    valid_hours: float | None = Field(
        default=None, gt=0, le=8760, description="After so many hours the mail has lost its point"
    )


class EarlierSchedule(Value):
    """A schedule that a job had until a moment; after the last of them its ``cron`` holds."""

    cron: str = Field(description="When the job was due then, in five fields; none: it was paused until then")
    zone: str | None = Field(
        default=None, description="IANA zone of its wall clock; none given: that of the job"
    )
    until: UtcTime = Field(
        description="When it was replaced: local time of its zone, or with an offset; not due any more then"
    )

    @property
    def paused(self) -> bool:
        return self.cron == "none"


class Job(Value):
    """One integrated process of one organization, as ``jobs.yaml`` describes it (docs/configuration.md)."""

    organization: str = Field(description="Name of the account")
    id: str = Field(description="The id under which the Activity Log and the Console list it")
    name: str = Field(description="For people")
    process_type: ProcessType = Field(description="What kind of integrated process it is")
    cron: str = Field(description="When it is due: minute, hour, day, month, weekday")
    zone: str = Field(description="IANA zone of this job's own wall clock; none given: that of the file")
    schedules: tuple[EarlierSchedule, ...] = Field(
        default=(), description="Earlier schedules, oldest first, when this one changed lately"
    )
    grace_minutes: float = Field(
        default=10, gt=0, le=10080, description="How late a run may start and still be on time"
    )
    usual_minutes: float = Field(default=10, gt=0, le=10080, description="How long a run usually takes")
    starts_mail: YesNo = Field(
        default="unknown",
        description="May what it does start an automation that mails? Unknown counts as yes",
    )
    adds_to_list: bool | None = Field(
        default=None, description="Does it add contacts to a List? Not said counts as yes"
    )
    usual_partial_share: float = Field(
        default=0.0, ge=0, le=1, description="Share of contacts, 0 to 1, that usually fails"
    )
    tessitura_list: str | None = Field(
        default=None, description="Data sync: the List Manager list that it copies"
    )
    sync_tag: str | None = Field(default=None, description="Data sync: the tag that it writes")
    mode: Literal["add_only", "add_and_remove"] | None = Field(
        default=None, description="Data sync: whether it also removes the tag from contacts"
    )
    automation: str | None = Field(
        default=None,
        description="Scheduled trigger: the automation that its contacts enter; import: the one that its tag starts",
    )
    reentry: Literal["once", "many", "unknown"] = Field(
        default="unknown",
        description="May a contact enter that automation once or many times",
    )
    audience: Audience = Field(default=Audience(), description="Scheduled trigger: whom it picks")
    feeds: tuple[str, ...] = Field(
        default=(), description="Ids or names of campaigns that wait until this job has ended well"
    )
    needs: tuple[Service, ...] = Field(
        default=(Service.SENDING, Service.DASHBOARD, Service.TESSITURA),
        description="The services that it works through",
    )
    paused: bool = Field(default=False, description="Nothing is expected of a paused job")

    @property
    def grace(self) -> timedelta:
        return timedelta(minutes=self.grace_minutes)

    @property
    def usual(self) -> timedelta:
        return timedelta(minutes=self.usual_minutes)


class Occurrence(Value):
    """One due time of a job. Its key never contains the outage, so two outages cannot repair it twice.

    ``excused_until``: the end of known maintenance that it was due in; its grace counts from then.
    """

    organization: str
    job_id: str
    due: UtcTime
    next_due: UtcTime | None = None
    excused_until: UtcTime | None = None

    @property
    def key(self) -> str:
        return f"{self.job_id}@{self.due.isoformat()[:19]}Z"  # strftime takes ten times as long

    @property
    def expected(self) -> datetime:
        """From when a start is expected: its due time, or the end of the maintenance then."""
        return self.excused_until or self.due


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
    """Rows of a span with the time as of which the source is whole (invariant 11).

    ``whole_from``: from when on; None: as far back as was asked (an export may reach back less, ADR 0008).
    """

    as_of: UtcTime
    rows: tuple[ActivityRow, ...]
    whole_from: UtcTime | None = None

    def of(self, job_id: str) -> tuple[ActivityRow, ...]:
        return tuple(row for row in self.rows if row.job_id == job_id)

    def covers(self, moment: datetime) -> bool:
        return self.as_of >= moment

    def begins_after(self, moment: datetime) -> bool:
        return self.whole_from is not None and self.whole_from > moment


class Console(Value):
    as_of: UtcTime
    rows: tuple[ConsoleRow, ...]

    def of(self, job_id: str) -> tuple[ConsoleRow, ...]:
        return tuple(row for row in self.rows if row.job_id == job_id)
