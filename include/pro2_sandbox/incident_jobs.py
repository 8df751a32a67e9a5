"""The part of the incident format that describes jobs, their runs, and automations."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from pro2_sandbox.part import Part, Service
from pro2_sandbox.timeshift import Offset

ProcessType = Literal[
    "data_sync", "scheduled_trigger", "integrated_import", "segment_transfer", "eaddress_changes"
]


class ScheduleModel(Part):
    """When a job is due. Each form names one occurrence by its offset; it is cut down to the whole minute.

    ``{daily: -2h}``, ``{hourly: -35m}``, or ``{every_hours: 6, at: -1h}`` (a divisor of 24).
    """

    daily: Offset | None = None
    hourly: Offset | None = None
    every_hours: Literal[1, 2, 3, 4, 6, 8, 12, 24] | None = None
    at: Offset | None = None

    @model_validator(mode="after")
    def _one_form(self) -> ScheduleModel:
        forms = [self.daily is not None, self.hourly is not None, self.every_hours is not None]
        if sum(forms) != 1 or (self.every_hours is not None) != (self.at is not None):
            raise ValueError("write exactly one of daily, hourly, or every_hours together with at")
        return self


class CountsModel(Part):
    returned: int = Field(ge=0)
    updated: int = Field(ge=0)
    failed: int = Field(default=0, ge=0)


class AudienceModel(Part):
    """Whom a trigger picks; passed through to jobs.yaml."""

    kind: Literal["exact", "range", "static", "unknown"] = "unknown"
    window_hours: float | None = Field(default=None, gt=0)
    valid_hours: float | None = Field(default=None, gt=0)


class RunModel(Part):
    """A scripted row of the Activity Log.

    ``due`` names the occurrence it belongs to; ``started`` defaults to 20 seconds after it. Without ``finished``
    and with status "In progress" it hangs. ``progress`` and ``progressed`` are what the Console shows of a hanging
    run; ``per_minute`` makes the progress grow instead. From ``queued`` on the Console shows it as waiting.
    ``missed: true`` says that this occurrence left no row.
    """

    due: Offset | None = None
    queued: Offset | None = None
    started: Offset | None = None
    finished: Offset | None = None
    status: str = "Completed"
    origin: Literal["schedule", "manual"] | None = "schedule"
    counts: CountsModel | None = None
    console: bool = True
    logged: bool = True
    progress: int = Field(default=0, ge=0, le=100)
    progressed: Offset | None = None
    per_minute: float | None = Field(default=None, gt=0)
    missed: bool = False

    @model_validator(mode="after")
    def _has_a_time(self) -> RunModel:
        if self.due is None and self.started is None:
            raise ValueError("give due (the occurrence it belongs to) or started")
        return self


class JobModel(Part):
    """One integrated process. Its occurrences before the outage succeeded (``history``), those named in ``runs`` did
    what is written there, those during the outage left no trace, and later ones run when they are due. What stands in
    ``config`` goes into jobs.yaml as it is."""

    id: str
    name: str
    process_type: ProcessType
    schedule: ScheduleModel
    usual_minutes: float = Field(default=5, gt=0)
    grace_minutes: float = Field(default=10, gt=0)
    starts_mail: Literal["yes", "no", "unknown"] = "no"
    adds_to_list: bool = False
    usual_partial_share: float = Field(default=0.0, ge=0, le=1)
    usual_count: int = Field(default=240, gt=0)
    tessitura_list: str | None = None
    sync_tag: str | None = None
    tag: str | None = None
    mode: Literal["add_only", "add_and_remove"] | None = None
    automation: str | None = None
    reentry: Literal["once", "many", "unknown"] | None = None
    audience: AudienceModel | None = None
    feeds: tuple[str, ...] = ()
    needs: tuple[Service, ...] | None = None
    history: int = Field(default=25, ge=0)
    runs: tuple[RunModel, ...] = ()
    stop: Literal["stopped", "refused", "nothing", "forgotten"] = "stopped"
    manual_run: Literal["succeeds", "fails", "partial"] = "succeeds"
    runs_again: bool = True
    config: dict[str, Any] = Field(default_factory=dict)


class EntriesModel(Part):
    """Contacts that entered an automation; those with ``stalled`` are still in it, without a step since then."""

    at: Offset
    count: int = Field(gt=0)
    stalled: Offset | None = None


class AutomationModel(Part):
    id: str
    name: str
    active: bool = True
    mails: bool = True
    multientry: bool = False
    entries: tuple[EntriesModel, ...] = ()
