"""The site's policy: times, limits and exceptions. What each key means: docs/configuration.md.

A policy may only make a rule stricter; the demo's file shortens the times so that an evening fits into minutes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import quote

from pydantic import Field, field_validator

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.drill import MOST
from pro2_reconciliation.domain.words import ItemKind

_LINK = re.compile(r"https?://[^\s{}]+\{id\}[^\s{}]*")
"""A link to a thing in Pro2: the web address differs from account to account."""


MOST_HOURS = 8760
"""A year: no time of a policy is longer, and none leaves the calendar when it is added to a moment."""


class CampaignPolicy(Value):
    """Exceptions for the campaigns whose id or name matches ``match`` (a shell pattern)."""

    match: str = Field(
        description="Id or name of the campaigns; * stands for anything, upper and lower case differ"
    )
    send_by_hours: float | None = Field(
        default=None,
        gt=0,
        le=MOST_HOURS,
        description="As in the policy, for these campaigns; none given: that of the policy",
    )
    feeds: tuple[str, ...] = Field(
        default=(), description="Ids of jobs that must have ended well before the send"
    )
    leave_alone: bool = Field(default=False, description="Never offered, always left to a person")

    def applies_to(self, campaign: Campaign) -> bool:
        return fnmatchcase(campaign.id, self.match) or fnmatchcase(campaign.name, self.match)


class Policy(Value):
    """Every time is in the unit that its name ends with: seconds, minutes or hours."""

    settle_seconds: float = Field(
        default=600,
        ge=0,
        le=MOST_HOURS * 3600,
        description="Wait after the end of an outage before anything is done",
    )
    settle_max_seconds: float = Field(
        default=3600,
        ge=0,
        le=MOST_HOURS * 3600,
        description="Longest such wait while ActiveCampaign's import backlog drains; afterwards only asking",
    )
    read_gap_seconds: float = Field(
        default=300,
        ge=0,
        le=MOST_HOURS * 3600,
        description="At least so long between two reads that must agree",
    )
    watch_campaign_seconds: float = Field(
        default=1800, ge=0, le=MOST_HOURS * 3600, description="How long a pending campaign is watched"
    )
    watch_occurrence_min_seconds: float = Field(
        default=900,
        ge=0,
        le=MOST_HOURS * 3600,
        description="How long a job is watched at least (else twice its usual length, or until its grace is over)",
    )
    watch_occurrence_max_seconds: float = Field(
        default=7200, ge=0, le=MOST_HOURS * 3600, description="How long a job is watched at most"
    )
    watch_total_seconds: float = Field(
        default=2700,
        ge=0,
        le=MOST_HOURS * 3600,
        description="All watching of one dag run; later items go to the next",
    )
    complete_empty_watch_seconds: float = Field(
        default=3600,
        ge=0,
        le=MOST_HOURS * 3600,
        description="How long a complete campaign with an empty report is watched",
    )
    partly_sent_flat_seconds: float = Field(
        default=1800,
        ge=0,
        le=MOST_HOURS * 3600,
        description="A campaign whose count stands still so long is partly sent",
    )
    stop_settle_seconds: float = Field(
        default=600, ge=0, le=MOST_HOURS * 3600, description="How long a stop may take to show"
    )
    confirm_seconds: float = Field(
        default=2700, ge=0, le=MOST_HOURS * 3600, description="How long a repair may take to be proven"
    )
    quiet_seconds: float = Field(
        default=600,
        ge=0,
        le=MOST_HOURS * 3600,
        description="Wait after a request with an unknown outcome before its absence counts",
    )
    poll_seconds: float = Field(
        default=30,
        gt=0,
        le=MOST_HOURS * 3600,
        description="Between two looks; up to 120 while nothing changes",
    )
    guard_hours: float = Field(
        default=72, gt=0, le=MOST_HOURS, description="How long an original is guarded after its repair"
    )
    guard_heartbeat_seconds: float = Field(
        default=600,
        gt=0,
        le=MOST_HOURS * 3600,
        description="Without a guard's pass younger than this nothing is sent",
    )
    lead_hours: float = Field(
        default=2,
        ge=0,
        le=MOST_HOURS,
        description="Campaigns due so long before an outage may have been touched",
    )
    tail_minutes: float = Field(
        default=60,
        ge=0,
        le=MOST_HOURS * 60,
        description="Items due so long after an outage may have been touched",
    )
    overdue_grace_seconds: float = Field(
        default=300, ge=0, le=MOST_HOURS * 3600, description="A campaign is overdue so long after its time"
    )
    send_by_hours: float = Field(
        default=12,
        gt=0,
        le=MOST_HOURS,
        description="So long after its time a campaign must not be sent any more",
    )
    next_occurrence_wait_minutes: float = Field(
        default=15, ge=0, le=MOST_HOURS * 60, description="A job that is due again so soon is waited for"
    )
    missed_sync_wait_hours: float = Field(
        default=6,
        ge=0,
        le=MOST_HOURS,
        description="A missed sync that is due again so soon is left to its next run",
    )
    max_removal_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Largest share of a tag's contacts, 0 to 1, that a repair may remove",
    )
    max_sends: int = Field(default=5, ge=0, le=1_000_000, description="Most campaigns that one dag run sends")
    max_actions: int = Field(default=20, ge=0, le=1_000_000, description="Most actions of one dag run")
    max_window_hours: float = Field(
        default=48, gt=0, le=MOST_HOURS, description="A longer window must be confirmed"
    )
    max_sensors: int = Field(
        default=500, gt=0, le=1_000_000, description="Most items that one dag run watches"
    )
    lean_above: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="With more items to watch, the triggerer alone does it, and sensors show no names; none: never",
    )
    min_sending_recipients: int = Field(
        default=500,
        ge=0,
        le=1_000_000,
        description="A campaign in sending with nothing sent is judged only from so many recipients on",
    )
    short_share: float = Field(
        default=0.95, ge=0, le=1, description="Less than this share of the recipients, 0 to 1, is short"
    )
    predictive_sending: Literal["never", "unknown"] = Field(
        default="unknown", description="never: the account does not spread sends over a day; unknown: it may"
    )
    sending_hours: tuple[str, str] = Field(
        default=("08:00", "21:30"),
        description="Local hours in which mail may leave without being chosen explicitly",
    )
    vendor_contact: str | None = Field(
        default=None, description="Address that closes each report with something open"
    )
    drill_addresses: tuple[str, ...] = Field(
        default=(),
        max_length=MOST,
        description="Addresses of the colleagues who may get the canary of a drill, and nobody else",
    )
    automation_link: str | None = Field(
        default=None,
        description="Address of an automation in Pro2, as your browser shows it, with {id} for its number",
    )
    campaign_link: str | None = Field(
        default=None,
        description="Address of a campaign in Pro2, as your browser shows it, with {id} for its number",
    )
    job_link: str | None = Field(
        default=None,
        description="Address of a job in the Integrated Dashboard, as your browser shows it, with {id} for its id",
    )
    keep_reports_days: float = Field(
        default=90,
        ge=1,
        le=36_500,
        description="How long the files of a dag run are kept; the newest always are",
    )
    keep_addresses_days: float = Field(
        default=14,
        ge=1,
        le=36_500,
        description="So long is the CSV of a drift kept, which holds patrons' addresses",
    )
    campaigns: tuple[CampaignPolicy, ...] = Field(
        default=(), description="Exceptions; the first that matches counts"
    )

    @field_validator("automation_link", "campaign_link", "job_link")
    @classmethod
    def _has_a_number(cls, value: str | None) -> str | None:
        if value is not None and not _LINK.fullmatch(value):
            raise ValueError("write a web address with {id} where the number stands")
        return value

    @field_validator("sending_hours")
    @classmethod
    def _clock_times(cls, value: tuple[str, str]) -> tuple[str, str]:
        for text in value:
            if text != "24:00":
                time.fromisoformat(text)
        return value

    def of(self, campaign: Campaign) -> CampaignPolicy | None:
        return next((entry for entry in self.campaigns if entry.applies_to(campaign)), None)

    def send_by(self, campaign: Campaign) -> datetime:
        """The time after which a copy of this campaign must not be sent any more (UTC)."""
        due = campaign.due or datetime.max.replace(tzinfo=UTC) - timedelta(days=400)
        entry = self.of(campaign)
        hours = entry.send_by_hours if entry and entry.send_by_hours else self.send_by_hours
        return due + timedelta(hours=hours)

    def link_to(self, kind: ItemKind, item_id: str) -> str:
        """The address of a campaign, an automation or an occurrence's job; empty where the policy names none.

        Ids are escaped.
        """
        links = {
            ItemKind.AUTOMATION: self.automation_link,
            ItemKind.CAMPAIGN: self.campaign_link,
            ItemKind.OCCURRENCE: self.job_link,
        }
        link, number = links[kind], item_id
        if kind is ItemKind.OCCURRENCE:
            number = item_id.partition("@")[0]
        return link.replace("{id}", quote(number, safe="")) if link else ""

    def in_sending_hours(self, local: datetime) -> bool:
        """Whether a local wall-clock time lies in the sending hours, start included, end not."""
        start, end = self.sending_hours
        now = local.strftime("%H:%M")
        return start <= now < end if start <= end else now >= start or now < end
