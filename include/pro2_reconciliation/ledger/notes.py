"""The smaller records that the ledger hands out: answers, waivers, holds, switches, samples, open items,
alarms.

Frozen pictures of one moment, like those of ``records``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pro2_reconciliation.domain.outage import Evidence
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Service


class Stage(StrEnum):
    """The kill switch: ``OFF`` nothing is stopped; ``SCHEDULES`` detection starts no dag run (the nightly goes on, it
    only proposes, and looks after what is open); ``EVERYTHING`` no step acts, and the guard stops no original."""

    OFF = "off"
    SCHEDULES = "schedules"
    EVERYTHING = "everything"


@dataclass(frozen=True)
class SwitchRecord:
    """The kill switch of an organization; ``at`` None: nobody ever touched it."""

    stage: Stage = Stage.OFF
    who: str = ""
    why: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class AnswerRecord:
    """What a person chose for one item of a plan."""

    item_key: str
    choice: Choice
    who: str
    at: datetime


@dataclass(frozen=True)
class Note:
    """What a person said about an item: a waiver, or "leave to me"."""

    item_key: str
    who: str
    why: str
    at: datetime


@dataclass(frozen=True)
class OutageTrace:
    """One change of an outage: ``was`` None: it is new; ``became`` None: it was withdrawn."""

    outage_id: str
    at: datetime
    was: Mapping[str, Any] | None
    became: Mapping[str, Any] | None
    why: str


@dataclass(frozen=True)
class Declaration:
    """An outage [start, end) that a person vouches for; ``end`` None: it lasts."""

    number: int
    service: Service
    start: datetime
    end: datetime | None
    who: str
    why: str
    at: datetime
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    ended_by: str | None = None

    @property
    def evidence(self) -> Evidence:
        """The claim that it makes; of no length, and of no weight, once it was withdrawn."""
        withdrawn = self.withdrawn_at is not None
        return Evidence(
            source="declared",
            key=f"declaration {self.number}",
            service=self.service,
            start=self.start,
            end=self.start if withdrawn else self.end,
            detail=f"{self.who}: {self.why}" + (f" (withdrawn by {self.withdrawn_by})" if withdrawn else ""),
            declared=not withdrawn,
            confirms=not withdrawn,
        )


@dataclass(frozen=True)
class Sample:
    """One look at a service; ``probe`` names who looked."""

    service: str
    at: datetime
    up: bool
    detail: str
    probe: str = ""


@dataclass(frozen=True)
class Snapshot:
    """What was scheduled at one moment, as the caller wrote it."""

    at: datetime
    body: Mapping[str, Any]


class RunStage(StrEnum):
    """How far a dag run of ``reconcile`` is, in this order."""

    BEGUN = "begun"
    WATCHING = "watching"
    PLANNED = "planned"
    ASKED = "asked"
    ACTING = "acting"
    REPORTED = "reported"


@dataclass(frozen=True)
class DagRun:
    """A dag run of ``reconcile`` as it was last heard of, at ``seen_at``; ``mode`` None: nobody noted it.

    ``until``: when its stage ends by itself. ``touched``: so many items its inventory found, ``watched`` of them are
    not settled. ``report_address``: where its report lies, empty if nobody said.
    """

    id: str
    dag_id: str
    mode: Mode | None
    reason: str
    window: Window
    parent: str | None
    plan_hash: str | None
    stage: RunStage
    until: datetime | None
    progress: str
    touched: int
    watched: int
    begun_at: datetime
    seen_at: datetime
    reported_at: datetime | None
    report_address: str


@dataclass(frozen=True)
class Attempt:
    """One more attempt at a dag run that ended before it had a plan; ``number`` counts from 2."""

    number: int
    at: datetime
    why: str


@dataclass(frozen=True)
class PlanItem:
    """A decision of a plan in short. ``outcome``: what the report said of it, empty if there is none."""

    plan_hash: str
    position: int
    key: str
    rule: str
    remedy: Remedy
    asks: bool
    send_by: datetime | None
    not_now: str
    outcome: str


@dataclass(frozen=True)
class HoldTrace:
    """A person took an item over or, ``held`` False, gave it back."""

    item_key: str
    held: bool
    who: str
    why: str
    at: datetime


@dataclass(frozen=True)
class OpenItem:
    """An item that needs a person; ``closed_at`` None: still."""

    item_key: str
    name: str
    rule: str
    reason: str
    plan_hash: str
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_why: str | None = None


@dataclass(frozen=True)
class Alarm:
    """Something that must not have happened."""

    at: datetime
    kind: str
    body: Mapping[str, Any]
