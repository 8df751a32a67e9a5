"""The part of the incident format that says how it is played and what must come of it.

The account itself takes no notice of it: whoever plays an incident reads it (``tests/incident``, the demo).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pro2_sandbox.part import Part, Service
from pro2_sandbox.timeshift import Offset

Decisions = Literal[
    "none", "watch", "needs_human", "resend", "hold_back", "repeat_import", "run_now", "data_sync",
    "add_tag", "remove_tag", "report",
]  # fmt: skip
Outcomes = Literal[
    "none", "open", "needs_human", "verified", "reported", "proposed", "not chosen", "not now", "stale"
]
Answers = Literal["approve_all", "approve_none"]


class AwayModel(Part):
    """Airflow is not there: no detection, no guard, no nightly."""

    start: Offset
    end: Offset


class DeskModel(Part):
    """A person acts at the desk of the reconciliation. ``confirm`` is about the latest outage of the service;
    ``reconcile`` is the form, for the latest outage in mode ask."""

    at: Offset
    does: Literal["declare", "withdraw", "confirm", "reconcile"]
    service: Service = "sending"
    start: Offset | None = None
    end: Offset | None = None
    why: str = "somebody saw it"


class PlayModel(Part):
    """Detection looks every ``every`` from ``begin`` until ``until``; ``nightlies`` are due times of the nightly.

    ``answers`` is what the person of mode ask chooses, for all items or by item id; ``dashboard: export`` reads the
    Activity Log from exported files, ``actions: manual`` has a person press every button.
    """

    mode: Literal["plan", "ask", "auto"] = "ask"
    answers: Answers | dict[str, str] = "approve_all"
    begin: Offset = Field(default="0", validate_default=True)
    every: Offset = Field(default="+5m", validate_default=True)
    until: Offset = Field(default="+30m", validate_default=True)
    nightlies: tuple[Offset, ...] = ()
    away: tuple[AwayModel, ...] = ()
    desk: tuple[DeskModel, ...] = ()
    dashboard: Literal["http", "export"] = "http"
    actions: Literal["http", "manual"] = "http"
    order: Literal["given", "reversed"] = "given"


class MustReach(Part):
    """What must have come of it in the end: lineages that reach all patrons, jobs that succeed."""

    campaigns: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()


class ExpectedModel(Part):
    """What the reconciliation should say of an item, and how the item should end with what the play answers.

    ``run`` names the reconciliation (1 for the first); without it the most final report of the item counts.
    ``103+1`` is the first copy of campaign 103.
    """

    kind: Literal["campaign", "occurrence", "automation"]
    id: str
    rule: str | None = None
    decision: Decisions | None = None
    outcome: Outcomes | None = None
    absent: bool = False
    run: int | None = Field(default=None, gt=0)
    note: str = ""


class ExpectedOutage(Part):
    """An outage that detection should know of when all is over. ``end`` null: it lasts."""

    service: Service
    start: Offset
    end: Offset | None = None
    suspected: bool = False
    state: Literal["open", "ended", "settled", "planned", "closed"]
