"""A nightly with nothing wrong, on a real Airflow: the processes that it starts, its sensors, its requests."""

from __future__ import annotations

import math
import re
import sys
import time
from typing import Any

from tests.bench.site import ROOT, bench_site
from tests.bench.table import Row

from pro2_sandbox.local.processes import wait_until

MOST_STARTED = 8
NIGHTLY = 'CronTriggerTimetable("0 5 * * *", timezone="UTC"'
EVERY_MINUTE = 'CronTriggerTimetable("* * * * *", timezone="UTC"'
CAMPAIGNS, JOBS = 250, 40
"""So many that pages differ from single requests."""
PAGES = {
    "lists of campaigns": (r"GET /api/3/campaigns\?", 2, 100),
    "Activity Log": (r"GET /dashboard/v1/organizations/[^/]+/activity", 2, 500),
    "Console": (r"GET /dashboard/v1/organizations/[^/]+/console", 2, 500),
    "import tags": (r"GET /api/3/tags\?", 1, 100),
}
"""What is read: as which request, how often (for the inventory, for the plan), and how many stand on a page."""


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


def run() -> list[Row]:
    """One scheduled dag run of ``reconcile`` on such a day."""
    text = (ROOT / "dags" / "reconcile.py").read_text(encoding="utf-8")
    if NIGHTLY not in text:
        raise AssertionError(f"dags/reconcile.py has another schedule than {NIGHTLY}")
    with bench_site(content(), {"reconcile.py": text.replace(NIGHTLY, EVERY_MINUTE)}) as site:
        api = site.api
        cpu = site.cpu()
        api.unpause("reconcile")
        wait_until(
            lambda: bool(api.dag_runs("reconcile")),
            timeout=90,
            what="the nightly",
            complain=lambda: "none came",
        )
        [night, *_] = api.dag_runs("reconcile")
        run_id = night["dag_run_id"]
        begun = time.monotonic()
        # a dag run that has begun goes on when its DAG is paused; one that waits does not begin
        api.wait_task("reconcile", run_id, "resolve_window", states={"running", "success"}, timeout=90)
        api.pause("reconcile")
        ended = api.wait_dag_run("reconcile", run_id, timeout=180)
        wall, cpu = time.monotonic() - begun, site.cpu() - cpu
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
        asked = list(site.relay.carried)
    least = sum(times * math.ceil(stands.get(what, 1) / page) for what, (_, times, page) in PAGES.items())
    other = [told for told in asked if not any(re.match(pattern, told) for pattern, _, _ in PAGES.values())]
    print(f"nightly: started {', '.join(sorted(row['task_id'] for row in started))}", file=sys.stderr)
    for told in other:
        print(f"nightly: no page that has to be read: {told[:200]}", file=sys.stderr)
    good = ended["state"] == "success" and night["run_type"] == "scheduled"
    most = f"at most {MOST_STARTED}"
    return [
        Row("nightly", "a scheduled dag run succeeded", float(good), unit="", must="yes", met=good),
        Row(
            "nightly",
            "processes started",
            len(started),
            unit="tasks",
            must=most,
            met=len(started) <= MOST_STARTED,
        ),
        Row("nightly", "sensors", len(sensors), unit="tasks", must="none", met=not sensors),
        Row(
            "nightly",
            "requests / pages to read",
            len(asked),
            least,
            unit="requests",
            per="ours/peer",
            must="as many",
            met=len(asked) <= least,
        ),
        Row("nightly", "the dag run", wall, unit="s"),
        Row("nightly", "all of Airflow for it", cpu, unit="CPU s"),
    ]
