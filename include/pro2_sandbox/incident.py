"""The incident format: what an account holds at T0, what happens by itself afterwards, and what must come of it.

Every model is frozen and refuses unknown keys, so a typing mistake is an error and never a silent default.
Jobs, outages and the play stand in ``incident_jobs``, ``incident_outages`` and ``incident_play``. Times are offsets
from T0 (:mod:`pro2_sandbox.timeshift`). References between the parts are checked by :mod:`pro2_sandbox.crosscheck`;
docs/sandbox.md explains the format and docs/incident.schema.json is made from here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, field_validator

from pro2_sandbox.faults import Fault
from pro2_sandbox.incident_jobs import AutomationModel, JobModel
from pro2_sandbox.incident_outages import MaintenanceModel, OutageModel
from pro2_sandbox.incident_play import ExpectedModel, ExpectedOutage, MustReach, PlayModel
from pro2_sandbox.part import Part
from pro2_sandbox.timeshift import Offset


class Tokens(Part):
    """What a client must show. They guard nothing: the sandbox listens on loopback only."""

    api_token: str = "sandbox-api-token"  # noqa: S105 - a word, not a secret
    dashboard_token: str = "sandbox-dashboard-token"  # noqa: S105
    tessitura_user: str = "sandbox:web:box-office"
    tessitura_password: str = "sandbox"  # noqa: S105


class ListModel(Part):
    """A list of the sending side: the first ``members`` contacts of the account."""

    id: str
    name: str
    members: int = Field(gt=0)


class TagModel(Part):
    """A contact tag, held by ``holders`` contacts, or by those of the List Manager list ``like``.

    Of that list ``lacks`` do not hold it, and ``extra`` others do.
    """

    id: str
    name: str
    holders: int = Field(default=0, ge=0)
    like: str | None = None
    lacks: int = Field(default=0, ge=0)
    extra: int = Field(default=0, ge=0)


class TessituraListModel(Part):
    """A List Manager list. ``every``: from T0 on it is generated so often by a schedule of Tessitura's own."""

    id: str
    name: str
    members: int = Field(gt=0)
    dynamic: bool = True
    generated: Offset | None = None
    every: Offset | None = None
    used: Offset | None = None


class Counters(Part):
    """What a campaign, or its report, claims. Absent in ``report``: as the campaign."""

    send_amt: int = Field(default=0, ge=0)
    opens: int = Field(default=0, ge=0)
    clicks: int = Field(default=0, ge=0)
    bounces: int = Field(default=0, ge=0)
    unsubscribes: int = Field(default=0, ge=0)


class Growth(Part):
    """A campaign that is going out: ``from`` patrons at T0, then a steady stream, complete at ``until``."""

    at_start: int = Field(alias="from", ge=0)
    per_second: float = Field(gt=0)
    until: Offset


class CampaignModel(Part):
    """One campaign as it stands at T0, and how it behaves from then on.

    A status 1 campaign whose ``due`` lies in the past stays pending for good unless ``sends_itself`` says when the
    vendor sends it after all; one that is due after T0 goes out when it is due.
    """

    id: str = Field(pattern=r"^\d+$")
    name: str
    type: str = "single"
    list: str
    recipients: int = Field(gt=0)
    segment: str = "0"
    subject: str | None = None
    source: str = "web"
    status: int = Field(default=1, ge=0, le=7)
    due: Offset | None = None
    created: Offset = Field(default="-3d", validate_default=True)
    modified: Offset | None = None
    sent: Offset | None = None
    counters: Counters = Counters()
    report: Counters | None = None
    series: str = "0"
    kin: str | None = None
    sends_itself: Offset | None = None
    sends_over_seconds: float = Field(default=2, gt=0)
    grows: Growth | None = None
    stop: Literal["takes", "disables", "ignored", "forgotten"] = "takes"
    counters_stuck: bool = False


class PersonModel(Part):
    """Somebody works in Pro2 at a scripted time. ``item`` is a campaign or a job; of ``import`` a List Manager list."""

    at: Offset
    does: Literal[
        "duplicate",
        "duplicate_and_send",
        "send",
        "stop",
        "reschedule",
        "edit",
        "unschedule",
        "run_now",
        "repeat_import",
        "stop_run",
        "import",
    ]
    item: str
    to: Offset | None = None
    subject: str | None = None
    tag: str | None = None


class VendorModel(Part):
    """The vendor does something to the whole account at a scripted time.

    ``restore`` puts the campaigns back as they were at T0 (copies vanish, mail does not); ``review`` holds
    everything that is to be sent (status 7); ``release`` ends the review.
    """

    at: Offset
    does: Literal["restore", "review", "release"]


class AccountModel(Part):
    """How the account as a whole behaves."""

    sends: Literal["normally", "held_for_review", "completes_empty", "stays_pending"] = "normally"
    copy_keeps_audience: bool = True
    bulk_import_backlog: int = Field(default=0, ge=0)
    backlog_drains: Offset | None = None


class Neighbour(Part):
    """Another organization with the same ids: as the incident, but for what stands here."""

    organization: str = Field(pattern=r"^[a-z0-9-]+$")
    changes: dict[str, Any] = Field(default_factory=dict)


class Incident(Part):
    """One scripted evening (or morning) of an organization, and of its ``neighbours``.

    ``t0`` fixes the start, for what only happens on a certain day; such an incident needs a clock of its own.
    """

    name: str
    about: str = ""
    seed: int = 1
    t0: AwareDatetime | None = None
    organization: str = Field(pattern=r"^[a-z0-9-]+$")
    zone: str = "UTC"
    tokens: Tokens = Tokens()
    run_seconds: float = Field(default=3, gt=0)
    outages: tuple[OutageModel, ...]
    maintenance: tuple[MaintenanceModel, ...] = ()
    account: AccountModel = AccountModel()
    lists: tuple[ListModel, ...] = ()
    tags: tuple[TagModel, ...] = ()
    tessitura_lists: tuple[TessituraListModel, ...] = ()
    campaigns: tuple[CampaignModel, ...] = ()
    jobs: tuple[JobModel, ...] = ()
    automations: tuple[AutomationModel, ...] = ()
    people: tuple[PersonModel, ...] = ()
    vendor: tuple[VendorModel, ...] = ()
    faults: tuple[Fault, ...] = ()
    policy: dict[str, Any] = Field(default_factory=dict)
    sources: dict[str, Any] = Field(default_factory=dict)
    play: PlayModel = PlayModel()
    must_reach: MustReach = MustReach()
    expected: tuple[ExpectedModel, ...] = ()
    expected_outages: tuple[ExpectedOutage, ...] | None = None
    alarms: tuple[str, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

    @property
    def begin(self) -> timedelta:
        """When the first outage starts; T0 when there is none."""
        return min((outage.start for outage in self.outages), default=timedelta(0))

    @field_validator("zone")
    @classmethod
    def _a_known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                f"{value!r} is not a time zone; write an IANA name such as America/Chicago"
            ) from None
        return value
