"""The trigger form of ``reconcile``: what it asks, in which order, in which words.

Opened and triggered as it stands it is a plan of the latest outage. The zone of the organization stands in jobs.yaml,
which is read when a task runs and never while a DAG file is parsed, so the labels say whose clock counts, and the first
line of the log of ``resolve_window`` how it was read. What cannot be meant is refused there too; see
``domain/run_form.py``.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from pro2_reconciliation.domain.restriction import KINDS

ADVANCED = "Advanced: restrict this dag run"
"""Airflow has a section of its own that is called Advanced Options."""
TIME = r"^$|^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$"
OUTAGE = r"^(latest|[0-9a-zA-Z_-]{1,40})$"
CLOCK = "organization's time"
MODES = {
    "plan": "plan: look and report, change nothing",
    "ask": "ask: look, ask one question, do what is chosen",
    "auto": "auto: harmless data jobs by itself, ask about the rest",
}


def params() -> dict[str, Param]:
    """The params of the DAG, in the order of the form."""
    return {
        "organization": _optional(
            "string", "Organization", "Empty: the one of this DAG, as jobs.yaml names it. Another is refused."
        ),
        "outage": Param(
            "latest",
            type="string",
            title="Outage",
            description="latest, or the id of an outage as detect_outages logs it. Or give a window below.",
            pattern=OUTAGE,
        ),
        "from": _moment(
            "From",
            "As 2026-11-19T18:00, by the clocks of the organization's zone, which jobs.yaml names; or with an offset, "
            "2026-11-19T18:00-06:00, or Z. Empty: the outage above.",
        ),
        "to": _moment("To", "As From; this moment does not belong to the window any more."),
        "mode": Param(
            "plan",
            enum=list(MODES),
            type="string",
            title="Mode",
            values_display=MODES,
            description="How far this dag run may go.",
        ),
        "reason": _optional("string", "Reason", "For the report, and for colleagues who read it."),
        "kinds": _optional(
            "array",
            "Only these kinds of items",
            "Empty: all. The others are named in the report as not looked at.",
            examples=list(KINDS),
            values_display=KINDS,
            items={"type": "string", "enum": list(KINDS)},
            section=ADVANCED,
        ),
        "max_sends": _limit("Most sends", "Campaigns that this dag run may send."),
        "max_actions": _limit("Most actions", "Actions of this dag run, sends included."),
        "leave_alone": _optional(
            "array",
            "Campaigns to leave alone",
            "One id or name on each line. They are reported and left to a person, in this dag run only.",
            items={"type": "string"},
            section=ADVANCED,
        ),
        "confirmed": Param(
            False,
            type="boolean",
            title="I mean this window",
            section=ADVANCED,
            description="Needed for a window of more than 48 hours (max_window_hours) or one that ends in the future. "
            "With mode ask or auto it also says that a suspected outage was one.",
        ),
    }


def _optional(kind: str, title: str, description: str, **more: Any) -> Param:
    """A field that may stay empty; an empty text would count as missing, and grey out the form's button."""
    return Param(None, type=["null", kind], title=title, description=description, **more)


def _moment(title: str, description: str) -> Param:
    return _optional("string", f"{title} ({CLOCK})", description, pattern=TIME)


def _limit(title: str, what: str) -> Param:
    return _optional(
        "integer",
        title,
        f"{what} Empty: as many as the policy allows; never more.",
        minimum=0,
        section=ADVANCED,
    )
