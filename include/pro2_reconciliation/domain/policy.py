"""The site's policy: times, limits and exceptions. Defaults are those of the decision tables, section 2.

A policy may only make a rule stricter; the demo's file shortens the times so that an evening fits into minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, field_validator

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.campaigns import Campaign


class CampaignPolicy(Value):
    """Exceptions for the campaigns whose id or name matches ``match`` (a shell pattern)."""

    match: str
    send_by_hours: float | None = Field(default=None, gt=0)
    feeds: tuple[str, ...] = ()
    leave_alone: bool = False

    def applies_to(self, campaign: Campaign) -> bool:
        return fnmatchcase(campaign.id, self.match) or fnmatchcase(campaign.name, self.match)


class Policy(Value):
    """Every time is in seconds unless its name says hours."""

    settle_seconds: float = Field(default=600, ge=0)
    settle_max_seconds: float = Field(default=3600, ge=0)
    read_gap_seconds: float = Field(default=300, ge=0)
    watch_campaign_seconds: float = Field(default=1800, ge=0)
    watch_occurrence_min_seconds: float = Field(default=900, ge=0)
    watch_occurrence_max_seconds: float = Field(default=7200, ge=0)
    watch_total_seconds: float = Field(default=2700, ge=0)
    complete_empty_watch_seconds: float = Field(default=3600, ge=0)
    partly_sent_flat_seconds: float = Field(default=1800, ge=0)
    stop_settle_seconds: float = Field(default=600, ge=0)
    confirm_seconds: float = Field(default=2700, ge=0)
    quiet_seconds: float = Field(default=600, ge=0)
    poll_seconds: float = Field(default=30, gt=0)
    guard_hours: float = Field(default=72, gt=0)
    guard_heartbeat_seconds: float = Field(default=600, gt=0)
    lead_hours: float = Field(default=2, ge=0)
    tail_minutes: float = Field(default=60, ge=0)
    overdue_grace_seconds: float = Field(default=300, ge=0)
    send_by_hours: float = Field(default=12, gt=0)
    next_occurrence_wait_minutes: float = Field(default=15, ge=0)
    missed_sync_wait_hours: float = Field(default=6, ge=0)
    max_removal_share: float = Field(default=0.1, ge=0, le=1)
    max_sends: int = Field(default=5, ge=0)
    max_actions: int = Field(default=20, ge=0)
    max_window_hours: float = Field(default=48, gt=0)
    max_sensors: int = Field(default=500, gt=0)
    min_sending_recipients: int = Field(default=500, ge=0)
    short_share: float = Field(default=0.95, ge=0, le=1)
    predictive_sending: Literal["never", "unknown"] = "unknown"
    sending_hours: tuple[str, str] = ("08:00", "21:30")
    vendor_contact: str | None = None
    campaigns: tuple[CampaignPolicy, ...] = ()

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

    def in_sending_hours(self, local: datetime) -> bool:
        """Whether a local wall-clock time lies in the sending hours, start included, end not."""
        start, end = self.sending_hours
        now = local.strftime("%H:%M")
        return start <= now < end if start <= end else now >= start or now < end
