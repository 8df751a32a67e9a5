"""Where evidence of outages comes from, as ``sources.yaml`` says it: feeds, probes, activity, windows by hand.

Only values with their limits stand here; ``config.py`` reads the file and says in words what is wrong with it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.words import Service

Impact = Literal["none", "maintenance", "minor", "major", "critical"]
"""Statuspage's impacts, mildest first."""


def carries_secret(url: object) -> bool:
    """Whether an address names a user, a password or a query; asked before an error could repeat it."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:  # no address at all: whether it holds one, nobody can tell
        return True
    return bool(parts.username or parts.password or parts.query)


class Feed(Value):
    """A status page (Statuspage v2 JSON). It only makes an outage ``suspected``: published times lag."""

    connection: str = Field(description="Airflow connection of type status_feed")
    service: Service = Field(description="The service that this page is about")
    components: tuple[str, ...] = Field(
        default=(), description="Names or ids of the components that count; none given: all"
    )
    min_impact: Impact = Field(default="minor", description="The least impact of an incident that counts")
    maintenance: bool = Field(
        default=True, description="Whether the maintenances that it announces count too"
    )


class Probe(Value):
    """Our own look at a service, every detection pass: the best evidence there is."""

    connection: str | None = Field(
        default=None,
        description="Airflow connection pro2, pro2_dashboard or tessitura to ask something harmless",
    )
    url: str | None = Field(
        default=None, description="Instead of a connection: a public address, with no secret in it"
    )
    service: Service = Field(description="The service that it looks at")
    expected_status: int = Field(
        default=200, ge=100, le=599, description="Of a url: the status when it is up"
    )
    timeout_seconds: float = Field(
        default=10, gt=0, le=60, description="Of a url: how long to wait for an answer"
    )

    @field_validator("url")
    @classmethod
    def _of_the_web(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("https://", "http://")):
            raise ValueError("an address begins with https:// or http://")
        if carries_secret(url):
            raise ValueError(
                "a plain address has no user, password or query: it stands in logs and in the ledger"
            )
        return url

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.connection is None) == (self.url is None):
            raise ValueError("give either connection or url")
        return self

    @property
    def address(self) -> str:
        """The connection's id, or the url: also the name under which its samples are kept."""
        return self.connection or self.url or ""


class ActivityInference(Value):
    """When failed or missing occurrences of several jobs count as an outage (ADR 0005)."""

    enabled: bool = Field(default=True, description="Whether the Activity Log is read for this at every pass")
    min_jobs: int = Field(
        default=3,
        ge=2,
        le=10_000,
        description="So many different jobs must have failed or be missing in a row",
    )
    min_occurrences: int = Field(
        default=4, ge=2, le=10_000, description="So many of their occurrences in all"
    )
    within_minutes: float = Field(
        default=60, gt=0, le=10080, description="Two of them further apart than this are not one outage"
    )
    lookback_hours: float = Field(
        default=36,
        gt=0,
        le=168,
        description="How far back the log is read: a job counts if its last run before went well",
    )


class Maintenance(Value):
    """Regular maintenance of a service that everybody knows of: no outage, and no sign of one."""

    service: Service = Field(description="The service that is down then")
    cron: str = Field(description="When it begins, in five fields")
    zone: str | None = Field(
        default=None, description="IANA zone of the cron; none given: the organization's"
    )
    duration_minutes: float = Field(gt=0, le=1440, description="How long it lasts")
    reason: str = Field(default="", description="For people who read this file")


class WindowRules(Value):
    """How claims become windows."""

    padding_minutes: float = Field(
        default=0, ge=0, le=120, description="Added on both sides of what nobody declared by hand"
    )
    min_gap_minutes: float = Field(
        default=5, ge=0, le=720, description="Claims closer to each other than this are one outage"
    )
    min_length_minutes: float = Field(
        default=1, ge=0, le=720, description="A shorter outage is dropped, unless it was declared by hand"
    )

    @property
    def padding(self) -> timedelta:
        return timedelta(minutes=self.padding_minutes)

    @property
    def min_gap(self) -> timedelta:
        return timedelta(minutes=self.min_gap_minutes)

    @property
    def min_length(self) -> timedelta:
        return timedelta(minutes=self.min_length_minutes)


class Declared(Value):
    """An outage that a person vouches for, [start, end)."""

    service: Service = Field(description="The service that was down")
    start: UtcTime = Field(description="Local time of the organization, or with an offset")
    end: UtcTime | None = Field(default=None, description="As start; leave it out while it lasts")
    reason: str = Field(description="Who says so, and why")


class Sources(Value):
    """Everything that ``sources.yaml`` may hold."""

    feeds: tuple[Feed, ...] = Field(default=(), description="Status pages")
    probes: tuple[Probe, ...] = Field(default=(), description="Our own looks")
    activity: ActivityInference = Field(
        default=ActivityInference(), description="Outages inferred from the Activity Log"
    )
    maintenance: tuple[Maintenance, ...] = Field(
        default=(), description="Regular maintenance, which is no outage"
    )
    windows: WindowRules = Field(default=WindowRules(), description="How claims become windows")
    declared: tuple[Declared, ...] = Field(default=(), description="Outages declared by hand")
