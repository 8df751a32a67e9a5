"""A random evening from a seed: the account, its outages, what goes wrong on the way, who acts and who dies when.

Everything follows from the seed by one ``random.Random``; no set is iterated and no clock is read, so that a seed is
the same evening on every machine. Evenings are small, and their policy is short: what is random is what happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.chaos.people import ON_CAMPAIGNS, ON_JOBS, Act

from pro2_reconciliation.domain.words import Mode
from pro2_sandbox import Fault, Incident, build_incident

REQUESTS = 120
"""About as many requests as a dag run has; acts, faults and deaths are spread over twice as many."""
KINDS = ("refuse", "timeout_before", "timeout_after", "error_after", "html", "truncated", "429", "403")
WHERE: tuple[dict[str, str], ...] = (
    {"method": "POST", "action": "campaign_status"},
    {"method": "POST", "path_regex": "/copy$"},
    {"method": "POST", "path_regex": "/run-now$"},
    {"method": "POST", "path_regex": "/repeat-import$"},
    {"method": "POST", "path_regex": "/imports$"},
    {"method": "POST", "path_regex": "/stop$"},
    {"method": "POST", "path_regex": "/contactTags"},
    {"method": "GET", "path_regex": "/console$"},
    {"method": "GET", "path_regex": "/activity$"},
    {"method": "GET", "path_regex": "/campaigns"},
    {"method": "GET", "path_regex": "/admin/api.php"},
    {},
)
SHAPES: tuple[dict[str, Any], ...] = (
    *({"status": 1},) * 18,
    {"status": 1, "counters": {"send_amt": 3, "opens": 1}},
    {"status": 1, "report": {"send_amt": 2}},
    {"status": 1, "type": "split"},
    {"status": 1, "type": "recurring"},
    {"status": 1, "type": "reminder"},
    {"status": 1, "series": "301"},
    {"status": 2},
    {"status": 2},
    {"status": 2, "counters": {"send_amt": 5}},
    {"status": 2, "grows": {"from": 2, "per_second": 0.01, "until": "+10m"}},
    {"status": 3},
    {"status": 4},
    {"status": 5},
    {"status": 5, "counters": {"send_amt": "all", "opens": 2}, "sent": "-1h"},
    {"status": 5, "counters": {"send_amt": "all", "opens": 2}, "sent": "-1h"},
    {"status": 6},
    {"status": 7},
    {"status": 0},
)
"""The campaigns of an outage, pending ones most of all."""
OUTCOMES: tuple[dict[str, Any], ...] = (
    *({"missed": True},) * 8,
    {"status": "Failed", "counts": {"returned": 0, "updated": 0}},
    {"status": "Failed", "counts": {"returned": 0, "updated": 0}},
    {"status": "Completed with errors", "counts": {"returned": 30, "updated": 12, "failed": 18}},
    {"status": "In progress"},
    {"status": "Stopped"},
    {"status": "Completed"},
    {"status": "Completed", "late": True},
    {"status": "Vanished in the mist"},
)
"""What became of an occurrence that was due in the outage."""


@dataclass(frozen=True)
class Script:
    """Everything of one random evening. ``deaths`` are steps of the first dag run at which its worker dies."""

    seed: int
    incident: Incident
    modes: tuple[Mode, ...]
    choose: str
    faults: tuple[Fault, ...]
    acts: tuple[Act, ...]
    deaths: frozenset[int]
    rival: int | None


def script(seed: int) -> Script:
    """The evening of a seed. ``rival``: the request before which another whole dag run takes place."""
    chance = Random(seed)
    incident = build_incident(_content(chance, seed), f"seed {seed}")
    campaigns = [campaign.id for campaign in incident.campaigns]
    jobs = [job.id for job in incident.jobs]
    quiet = chance.random() < 0.15
    return Script(
        seed=seed,
        incident=incident,
        modes=(_mode(chance), Mode.ASK, *((Mode.PLAN,) if chance.random() < 0.3 else ())),
        choose=chance.choice(("all",) * 5 + ("some", "none")),
        faults=() if quiet else tuple(_fault(chance) for _ in range(chance.choice((0, 0, 1, 1, 2, 3)))),
        acts=()
        if quiet
        else tuple(_act(chance, campaigns, jobs) for _ in range(chance.choice((0, 1, 1, 2, 3, 5)))),
        deaths=frozenset()
        if quiet
        else frozenset(chance.randrange(1, 2 * REQUESTS) for _ in range(chance.choice((0, 0, 1, 2)))),
        rival=chance.randrange(REQUESTS) if chance.random() < 0.2 else None,
    )


def _mode(chance: Random) -> Mode:
    return chance.choice((Mode.ASK, Mode.ASK, Mode.ASK, Mode.AUTO, Mode.PLAN))


def _fault(chance: Random) -> Fault:
    return Fault.model_validate(
        {
            "match": chance.choice(WHERE),
            "kind": chance.choice(KINDS),
            "times": chance.choice((1, 1, 1, 2, 4)),
            "skip": chance.choice((0, 0, 1, 2, 5)),
        }
    )


def _act(chance: Random, campaigns: list[str], jobs: list[str]) -> Act:
    before = chance.randrange(2 * REQUESTS)
    if jobs and (not campaigns or chance.random() < 0.3):
        return Act(before, chance.choice(ON_JOBS), chance.choice(jobs))
    item = chance.choice(campaigns) + chance.choice(("", "", "+1", "+1", "+2"))
    return Act(before, chance.choice(ON_CAMPAIGNS), item)


def _content(chance: Random, seed: int) -> dict[str, Any]:
    outages = _outages(chance)
    begin = max(one.pop("minutes_ago") for one in outages)
    return {
        "name": f"seed {seed}",
        "seed": seed,
        "organization": "playhouse",
        "zone": chance.choice(("America/Chicago", "Europe/London", "UTC", "Australia/Lord_Howe")),
        "outages": outages,
        "account": {
            "sends": chance.choice(("normally",) * 8 + ("held_for_review", "completes_empty")),
            "copy_keeps_audience": chance.random() < 0.95,
        },
        "lists": [{"id": "1", "name": "Newsletter", "members": 60}],
        "tags": [{"id": "21", "name": "Buyers", "holders": 10},
            {"id": "22", "name": "Members", "like": "511", "lacks": 4, "extra": 2}],
        "tessitura_lists": [{"id": "511", "name": "Members", "members": 24, "every": "+10m"}],
        "automations": [
            {"id": "301", "name": "Survey", "multientry": True},
            {"id": "302", "name": "Welcome", "multientry": False},
        ],
        "campaigns": _campaigns(chance, begin),
        "jobs": [_job(chance, number, begin) for number in range(chance.randint(0, 3))],
        "policy": {
            "settle_seconds": 60, "read_gap_seconds": 60, "watch_campaign_seconds": 180, "poll_seconds": 60,
            "watch_occurrence_min_seconds": 60, "watch_occurrence_max_seconds": 180, "watch_total_seconds": 400,
            "complete_empty_watch_seconds": 180, "partly_sent_flat_seconds": 120, "stop_settle_seconds": 180,
            "confirm_seconds": 300, "quiet_seconds": 120, "overdue_grace_seconds": 60,
            "min_sending_recipients": 20, "predictive_sending": "never", "sending_hours": ["00:00", "24:00"],
            "max_sends": chance.choice((1, 5)), "max_actions": chance.choice((2, 20)),
            "next_occurrence_wait_minutes": 2, "send_by_hours": chance.choice((12, 12, 1)),
        },
    }  # fmt: skip


def _outages(chance: Random) -> list[dict[str, Any]]:
    """One to three that follow or overlap one another; the last is over when we begin."""
    found: list[dict[str, Any]] = []
    for number in range(chance.choice((1, 1, 2, 3))):
        end = 1 if not number else chance.randint(1, 120)
        length = chance.choice((20, 60, 180))
        services = chance.choice(
            (["sending"],) * 3
            + (["sending", "dashboard"], ["sending", "dashboard", "tessitura"], ["dashboard"], ["tessitura"])
        )
        one = {
            "services": services,
            "start": f"-{end + length}m",
            "end": f"-{end}m",
            "minutes_ago": end + length,
        }
        found.append(one)
    return found


def _campaigns(chance: Random, begin: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(chance.randint(1, 4)):
        shape = dict(chance.choice(SHAPES))
        recipients = chance.choice((8, 20, 40))
        one = {
            "id": str(101 + number), "name": f"Campaign {number}", "subject": f"Subject {number}", "list": "1",
            "segment": str(number), "recipients": recipients, "due": f"-{chance.randint(1, begin)}m",
            "stop": chance.choice(("takes",) * 7 + ("disables", "ignored", "forgotten")),
            "sends_over_seconds": chance.choice((2, 2, 90)),
        }  # fmt: skip
        if shape.get("counters", {}).get("send_amt") == "all":
            shape["counters"] = {**shape["counters"], "send_amt": recipients}
        if shape["status"] in (1, 2) and chance.random() < 0.2:
            one["sends_itself"] = f"+{chance.randint(1, 40)}m"
        if chance.random() < 0.1:
            one["due"] = chance.choice(("+3m", "+2h", f"-{begin + 30}m"))
        found.append(one | shape)
    if chance.random() < 0.25:  # somebody has made a copy of one of them already
        root = chance.choice(found)
        made = {
            "id": str(101 + len(found)), "name": f"{root['name']} (Copy)", "subject": root["subject"], "list": "1",
            "segment": root["segment"], "recipients": root["recipients"], "kin": root["id"], "source": "copy",
            "created": f"-{chance.randint(1, begin)}m", "status": 0,
        }  # fmt: skip
        if chance.random() < 0.5:
            sent = {"send_amt": root["recipients"], "opens": 1}
            made |= {"status": 5, "counters": sent, "sent": "-1m", "due": "-1m"}
        found.append(made)
    return found


def _job(chance: Random, number: int, begin: int) -> dict[str, Any]:
    kind = chance.choice(
        ("integrated_import",) * 4 + ("scheduled_trigger",) * 5 + ("data_sync",) * 2
        + ("segment_transfer", "eaddress_changes")
    )  # fmt: skip
    offset = f"-{chance.randint(1, begin)}m"
    often = chance.random() < 0.2
    run = dict(chance.choice(OUTCOMES)) | {"due": offset}
    if run.pop("late", False):
        run |= {"started": "-30s", "finished": "+1m"}
    job: dict[str, Any] = {
        "id": f"j-{number}", "name": f"Job {number}", "process_type": kind, "history": 6, "usual_count": 12,
        "schedule": {"hourly": offset} if often else {"daily": offset}, "runs": [run],
        "starts_mail": chance.choice(("yes", "no", "no", "unknown")), "adds_to_list": chance.random() < 0.2,
        "stop": chance.choice(("stopped", "stopped", "refused", "nothing", "forgotten")),
        "manual_run": chance.choice(("succeeds", "succeeds", "succeeds", "fails", "partial")),
    }  # fmt: skip
    if kind in ("integrated_import", "data_sync"):
        job["tessitura_list"] = "511"
    if kind == "integrated_import":
        job["tag"] = "Buyers"
    if kind == "data_sync":
        job |= {"sync_tag": "Members", "mode": chance.choice(("add_only", "add_and_remove"))}
    if kind == "scheduled_trigger":
        job |= {
            "automation": chance.choice(("301", "302")),
            "reentry": chance.choice(("once", "many", "unknown")),
            "audience": {
                "kind": chance.choice(("exact",) * 6 + ("range", "static", "unknown")),
                "window_hours": 24,
                "valid_hours": 12,
            },
        }
    return job
