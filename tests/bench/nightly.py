"""A nightly with nothing wrong, on a real Airflow: the processes that it starts, its sensors, its requests."""

from __future__ import annotations

import math
import re
import statistics
import sys
import time
from dataclasses import dataclass, replace
from typing import Any

from tests.bench.site import ROOT, BenchSite, bench_site
from tests.bench.table import Row

from pro2 import nightly
from pro2_sandbox.local.processes import wait_until

MOST_STARTED = 8
NIGHTS = 3
EVERY_MINUTE = "* * * * * UTC"
SIDE_BY_SIDE, ONE_AT_A_TIME = "max_active_runs=4", "max_active_runs=1"
"""The night of the next minute waits for this one's end: a DAG that is paused schedules nothing more."""
CAMPAIGNS, JOBS = 250, 40
"""So many that pages differ from single requests."""
LISTS = r"GET /api/3/campaigns\?"
PAGES = {
    "lists of campaigns": (LISTS, 2, 100),
    "due next, for the report": (LISTS, 1, 100),
    "Activity Log": (r"GET /dashboard/v1/organizations/[^/]+/activity", 2, 500),
    "Console": (r"GET /dashboard/v1/organizations/[^/]+/console", 2, 500),
    "import tags": (r"GET /api/3/tags\?", 1, 100),
}
"""What is read: as which request, how often (for the inventory, for the plan), and how many stand on a page. The day's
last campaigns and the next ones, which the report tells, stand on one."""


def content() -> dict[str, Any]:
    """A day on which everything went out, and every job ran."""
    minute = [2 + number % 50 for number in range(JOBS)]
    return {
        "name": "Quiet",
        "organization": "playhouse",
        "zone": "America/Chicago",
        "outages": [],
        "lists": [{"id": "1", "name": "Newsletter", "members": 50}],
        "tags": [{"id": "21", "name": "Ticket buyers", "holders": 40}],
        "tessitura_lists": [{"id": "511", "name": "Ticket buyers", "members": 40, "generated": "-1d"}],
        "campaigns": [
            {
                "id": str(1000 + number),
                "name": f"Campaign {number}",
                "list": "1",
                "recipients": 10,
                "status": 5,
                "due": f"-{10 + number * 5}m",
                "sent": f"-{9 + number * 5}m",
                "counters": {"send_amt": 10, "opens": 2},
            }
            for number in range(CAMPAIGNS)
        ],
        "jobs": [
            {
                "id": f"j-{number}",
                "name": f"Job {number}",
                "process_type": "integrated_import",
                "schedule": {"hourly": f"-{minute[number]}m"},
                "tessitura_list": "511",
                "tag": "Ticket buyers",
                "needs": ["sending"],
                "history": 25,
                "usual_minutes": 2,
            }
            for number in range(JOBS)
        ],
    }


@dataclass(frozen=True)
class Night:
    """One scheduled dag run. ``least``: the pages that hold what it reads; ``wall`` and ``cpu`` in seconds."""

    good: bool
    started: int
    sensors: int
    asked: int
    least: int
    wall: float
    cpu: float


def run(nights: int = NIGHTS) -> list[Row]:
    """So many scheduled dag runs of ``reconcile`` on such a day: of what is timed the median, of counts the worst."""
    text = (ROOT / "dags" / "reconcile.py").read_text(encoding="utf-8")
    if SIDE_BY_SIDE not in text:
        raise AssertionError(f"dags/reconcile.py does not say {SIDE_BY_SIDE} any more")
    one_at_a_time = text.replace(SIDE_BY_SIDE, ONE_AT_A_TIME)
    with bench_site(content(), {"reconcile.py": one_at_a_time}, {nightly.VARIABLE: EVERY_MINUTE}) as site:
        done = [_night(site, number) for number in range(nights)]
    worst = max(done, key=lambda one: one.asked - one.least)
    good = sum(one.good for one in done)
    started, sensors = max(one.started for one in done), max(one.sensors for one in done)
    wall, cpu = statistics.median(one.wall for one in done), statistics.median(one.cpu for one in done)
    most = f"at most {MOST_STARTED}"
    rows = [
        Row("nightly", "scheduled dag runs that succeeded", good, unit="", must="all", met=good == nights),
        Row("nightly", "processes started", started, unit="tasks", must=most, met=started <= MOST_STARTED),
        Row("nightly", "sensors", sensors, unit="tasks", must="none", met=not sensors),
        Row(
            "nightly",
            "requests / pages to read",
            worst.asked,
            worst.least,
            unit="requests",
            per="ours/peer",
            must="as many",
            met=worst.asked <= worst.least,
        ),
        Row("nightly", "the dag run", wall, unit="s"),
        Row("nightly", "all of Airflow for it", cpu, unit="CPU s"),
    ]
    return [replace(row, runs=nights) for row in rows]


def _night(site: BenchSite, number: int) -> Night:
    """Let the next scheduled dag run begin, and see it end."""
    api = site.api
    cpu, carried = site.cpu(), len(site.relay.carried)
    api.unpause("reconcile")
    wait_until(
        lambda: len(api.dag_runs("reconcile")) > number,
        timeout=90,
        what="the nightly",
        complain=lambda: "none came",
    )
    night = api.dag_runs("reconcile")[number]  # it may have been due, and waiting, since the last one ran
    run_id = night["dag_run_id"]
    begun = time.monotonic()
    ended = api.wait_dag_run("reconcile", run_id, timeout=180, pause=0.5)
    api.pause("reconcile")
    wall, cpu = time.monotonic() - begun, site.cpu() - cpu
    asked = list(site.relay.carried)[carried:]
    started = site.started("reconcile", run_id)
    sensors = [
        row
        for row in api.task_instances("reconcile", run_id)
        if row.task_id.startswith(("watch_", "confirm_")) and row.state != "skipped"
    ]
    stands = {
        "lists of campaigns": CAMPAIGNS,
        "Activity Log": site.get("/sandbox/activity.csv").count("\n") - 1,
    }
    least = sum(times * math.ceil(stands.get(what, 1) / page) for what, (_, times, page) in PAGES.items())
    other = [told for told in asked if not any(re.match(pattern, told) for pattern, _, _ in PAGES.values())]
    names = ", ".join(sorted(row["task_id"] for row in started))
    print(f"nightly {number + 1}: {wall:.0f} s, {cpu:.1f} CPU s, started {names}", file=sys.stderr)
    for pattern in dict.fromkeys(pattern for pattern, _, _ in PAGES.values()):
        print(f"nightly: {sum(bool(re.match(pattern, told)) for told in asked)} {pattern}", file=sys.stderr)
    for told in other:
        print(f"nightly: no page that has to be read: {told[:200]}", file=sys.stderr)
    good = ended["state"] == "success" and night["run_type"] == "scheduled"
    return Night(good, len(started), len(sensors), len(asked), least, wall, cpu)
