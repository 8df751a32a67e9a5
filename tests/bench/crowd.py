"""An evening with very many items: the sandbox's account, in which most went well and some hang.

In: how many campaigns and occurrences the outage touches, and how many of both together are unsettled when the
inventory is taken. They are as dense in time before, during and after the outage: those due in it hang, the others
went out. Half of what hangs comes right by itself while it is watched; the other half waits until somebody acts.
Out: an :class:`~pro2_sandbox.Incident`, the same for the same numbers.
"""

from __future__ import annotations

from typing import Any

from pro2_sandbox import Incident, build_incident

KINDS = ("integrated_import", "data_sync", "scheduled_trigger", "integrated_import")
"""The process types of the jobs that hang, in turn."""
START, END, LEAD, TAIL = 125 * 60, 80 * 60, 120 * 60, 60 * 60
"""Of the outage, in seconds before T0; and how far around it items count as touched (the policy's defaults)."""


def crowd(
    campaigns: int, occurrences: int, unsettled: int, *, organization: str = "playhouse", **policy: Any
) -> Incident:
    """So many of each in one outage of 45 minutes, of the account of ``organization``.

    Half of the ``unsettled`` are campaigns.
    """
    hanging = unsettled // 2
    settled = campaigns - hanging
    before = settled * LEAD // (LEAD + TAIL)
    spans = [
        *spread(before, START + LEAD, START),
        *spread(hanging, START, END),
        *spread(settled - before, END, END - TAIL),
    ]
    return build_incident(
        {
            "name": "Crowd",
            "organization": organization,
            "zone": "America/Chicago",
            "outages": [{"services": ["sending", "dashboard"], "start": f"-{START}s", "end": f"-{END}s"}],
            "lists": [{"id": "1", "name": "Newsletter", "members": 100}],
            "tags": [
                {"id": "11", "name": "Members", "like": "501"},
                {"id": "21", "name": "Ticket buyers", "holders": 40},
            ],
            "tessitura_lists": [
                {"id": "501", "name": "Members", "members": 60, "generated": "-5m", "every": "+1m"},
                {"id": "511", "name": "Ticket buyers", "members": 40, "generated": "-1d"},
            ],
            "automations": [{"id": "301", "name": "Post-show"}],
            "policy": {"max_sensors": max(500, unsettled), **policy},
            "campaigns": [_campaign(n, due, before, hanging) for n, due in enumerate(spans)],
            "jobs": [
                *(_daily(n, due) for n, due in enumerate(spread(hanging, START, END))),
                *(_hourly(n) for n in range((occurrences - hanging) // 2)),
            ],
        }
    )


def spread(number: int, begin: int, end: int) -> list[int]:
    """So many moments in [begin, end), in seconds before T0, evenly."""
    return [begin - (begin - end) * n // number for n in range(number)]


def _campaign(number: int, due: int, before: int, hanging: int) -> dict[str, Any]:
    made = {
        "id": str(1000 + number),
        "name": f"Campaign {number}",
        "list": "1",
        "recipients": 10 + number % 7,
    }
    made |= {"due": f"-{due}s"}
    place = number - before
    if not 0 <= place < hanging:
        counters = {"send_amt": made["recipients"], "opens": 3}
        return made | {"status": 5, "sent": f"-{due - 30}s", "counters": counters}
    return made | ({"sends_itself": _by_itself(place)} if place % 2 else {})


def _daily(number: int, due: int) -> dict[str, Any]:
    """A job that was due once in the outage and left no row; of every other one the row comes late."""
    moment = f"-{due // 60}m"
    kind = KINDS[number % len(KINDS)]
    made = _job(f"d-{number}", kind, {"daily": moment})
    if kind == "data_sync":
        made |= {"tessitura_list": "501", "sync_tag": "Members", "mode": "add_and_remove"}
    if kind == "integrated_import":
        made |= {"tessitura_list": "511", "tag": "Ticket buyers"}
    if kind == "scheduled_trigger":
        made |= {"tessitura_list": "511", "automation": "301", "reentry": "once"}
        made |= {"audience": {"kind": "exact", "window_hours": 24, "valid_hours": 24}}
    if number // len(KINDS) % 2:
        made["runs"] = [{"due": moment, "started": _by_itself(number)}]
    return made


def _hourly(number: int) -> dict[str, Any]:
    """A job that was due twice: the second time in the outage's hour, and then it went well, or late."""
    minute = END // 60 - TAIL // 60 + 2 + number % 38
    made = _job(f"h-{number}", "integrated_import", {"hourly": f"-{minute}m"})
    made |= {"tessitura_list": "511", "tag": "Ticket buyers"}
    return made | {"runs": [{"due": f"-{minute}m"}, {"due": f"-{minute + 60}m", "started": f"-{END - 300}s"}]}


def _job(job_id: str, kind: str, schedule: dict[str, str]) -> dict[str, Any]:
    made = {"id": job_id, "name": f"Job {job_id}", "process_type": kind, "schedule": schedule}
    return made | {"needs": ["sending"], "history": 24, "usual_minutes": 2}


def _by_itself(number: int) -> str:
    """When the vendor gets round to it: in the first eleven minutes."""
    return f"+{60 + number * 7 % 600}s"
