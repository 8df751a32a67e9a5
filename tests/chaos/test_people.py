"""A person acts before any request of ours, whichever it is: nobody is mailed twice because of us, nothing is lost.

The first part is complete in the long form: every act before every request of a reconciliation, and after the last.
The second part is random and seeded: many acts in one evening, on originals, on our copies and on jobs.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.chaos.oracle import Verdict, judge
from tests.chaos.people import ON_CAMPAIGNS, ON_JOBS, Act, People
from tests.chaos.playing import Stage

from pro2_sandbox import Incident, build_incident

LONG = os.environ.get("CHAOS") == "long"
EVERY = 17
SHORT = {
    "settle_seconds": 60, "read_gap_seconds": 60, "watch_campaign_seconds": 120, "watch_occurrence_min_seconds": 60,
    "watch_occurrence_max_seconds": 120, "poll_seconds": 60, "stop_settle_seconds": 180, "confirm_seconds": 300,
    "quiet_seconds": 120, "sending_hours": ["00:00", "24:00"],
}  # fmt: skip
BASE: dict[str, Any] = {
    "organization": "playhouse",
    "zone": "America/Chicago",
    "outages": [{"services": ["sending", "dashboard"], "start": "-3h5m", "end": "-1s"}],
    "lists": [{"id": "1", "name": "Newsletter", "members": 60}],
    "tags": [{"id": "21", "name": "Ticket buyers", "holders": 10}],
    "tessitura_lists": [{"id": "511", "name": "Ticket buyers", "members": 24}],
    "automations": [{"id": "301", "name": "Survey", "multientry": True}],
    "policy": SHORT,
}
CAMPAIGN = {
    "id": "103",
    "name": "Opening night",
    "list": "1",
    "recipients": 40,
    "due": "-2h",
    "subject": "Opening",
}
JOBS = [
    {"id": "j-1", "name": "Buyers", "process_type": "integrated_import", "schedule": {"daily": "-2h"},
     "tessitura_list": "511", "tag": "Ticket buyers", "starts_mail": "yes"},
    {"id": "j-2", "name": "Survey", "process_type": "scheduled_trigger", "schedule": {"daily": "-100m"},
     "automation": "301", "starts_mail": "yes", "reentry": "many", "usual_count": 12,
     "audience": {"kind": "exact", "window_hours": 24, "valid_hours": 12}},
]  # fmt: skip


@cache
def resend() -> Incident:
    return build_incident({**BASE, "name": "one resend", "campaigns": [CAMPAIGN]})


@cache
def reprocess() -> Incident:
    return build_incident({**BASE, "name": "one import and one trigger", "jobs": JOBS})


def play(folder: Path, incident: Incident, *acts: Act) -> tuple[Stage, Verdict]:
    """One reconciliation with everything approved, and the next one, which finds what the first one left."""
    stage = Stage(folder, incident)
    stage.end_outage()
    stage.keep_snapshot()
    People(stage, acts)
    stage.dag_run("chaos__1")
    stage.dag_run("chaos__2")
    return stage, judge(stage)


@cache
def undisturbed(evening: Callable[[], Incident]) -> tuple[int, int]:
    """How many requests an evening has, and before which of them our copy is there; without one, the first."""
    with TemporaryDirectory() as folder:
        stage, verdict = play(Path(folder), evening())
    assert verdict.faults == []
    made = [one.number for one in stage.stamped if one.effect.kind == "campaign_copied"]
    return stage.wire.number, made[0] if made else 0


def moments(evening: Callable[[], Incident], item: str) -> range:
    """Before each request of an undisturbed evening, and after the last; of our copy, since there is one."""
    requests, copied = undisturbed(evening)
    return range(copied if "+" in item else 0, requests + 1)


def every_moment(
    folder: Path, evening: Callable[[], Incident], acts: tuple[str, ...], does: str, item: str
) -> Counter[int]:
    """The act before each request; raises with every cell that went wrong. Returns how narrow the races were.

    In the short form before each seventeenth request, every act from another one on.
    """
    wrong, narrow = [], Counter[int]()
    first, apart = (0, 1) if LONG else (acts.index(does) % EVERY, EVERY)
    for before in moments(evening, item)[first::apart]:
        _, verdict = play(folder / f"{before}", evening(), Act(before, does, item))
        narrow.update(verdict.within_a_look)
        wrong += [f"{does} {item} before request {before}: {fault}" for fault in verdict.faults]
    assert not wrong, "\n".join(wrong)
    return narrow


@pytest.mark.parametrize("item", ["103", "103+1"])
@pytest.mark.parametrize("does", ON_CAMPAIGNS)
def test_an_act_on_a_campaign_or_our_copy_before_any_request(tmp_path: Path, does: str, item: str) -> None:
    narrow = every_moment(tmp_path, resend, tuple(ON_CAMPAIGNS), does, item)

    assert all(requests <= 2 for requests in narrow), narrow


@pytest.mark.parametrize("item", ["j-1", "j-2"])
@pytest.mark.parametrize("does", ON_JOBS)
def test_an_act_on_a_job_before_any_request(tmp_path: Path, does: str, item: str) -> None:
    narrow = every_moment(tmp_path, reprocess, tuple(ON_JOBS), does, item)

    assert all(requests <= 2 for requests in narrow), narrow


@pytest.mark.parametrize("seed", range(40 if LONG else 6))
def test_many_acts_in_one_evening(tmp_path: Path, seed: int) -> None:
    incident = build_incident({**BASE, "name": "busy evening", "campaigns": [CAMPAIGN], "jobs": JOBS})
    chance = random.Random(seed)
    items = [
        ("103", ON_CAMPAIGNS),
        ("103+1", ON_CAMPAIGNS),
        ("103+2", ON_CAMPAIGNS),
        ("j-1", ON_JOBS),
        ("j-2", ON_JOBS),
    ]
    acts = []
    for _ in range(chance.randint(2, 6)):
        item, choices = chance.choice(items)
        acts.append(Act(chance.randrange(110), chance.choice(choices), item))

    _, verdict = play(tmp_path, incident, *acts)

    assert verdict.faults == [], acts
