"""Mapped sensors on a real Airflow until what they watch has settled: ours, lean and labelled, and the stock one.

A dag run starts, the items settle once so many sensors wait in the triggerer, and it ends when all have noticed. The
stock deferrable ``HttpSensor`` waits as it can: for a campaign that answers 404 until it is there. CPU is that of all
of Airflow, wall time that of the dag run. Runs alternate, so that a noisy machine disturbs all alike.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench.site import BenchSite, bench_site
from tests.bench.table import Row, at_least, at_most

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.inventory import Inventory, WatchItem
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import CampaignStatus, ItemKind
from pro2_reconciliation.repair.observing import observe_campaign
from pro2_sandbox.local.processes import wait_until

FEW, MANY, RUNS = 100, 1000, 3
POLL = 5
LEAST_CPU, LEAST_WALL, MOST_LABELLED = 8.0, 4.0, 1.0
LONGEST = 400.0
HEAD = """
from airflow.sdk import DAG
from {module} import {sensor}
with DAG({name!r}, schedule=None, default_args={{"retries": 3, "retry_delay": 2}}):
"""
SENSORS = {
    "lean": ("pro2.sensors.watch", "LeanSensor"),
    "labelled": ("pro2.sensors.watch", "CampaignSensor"),
    "stock": ("airflow.providers.http.sensors.http", "HttpSensor"),
}
BODIES = {
    "lean": '    LeanSensor.partial(task_id="watch").expand(position=list(range({count})))',
    "labelled": '    CampaignSensor.partial(task_id="watch", map_index_template="{{{{ task.item[\'name\'] }}}}")'
    ".expand(item={items})",
    "stock": '    HttpSensor.partial(task_id="watch", http_conn_id="bench_http", deferrable=True, poke_interval={poll})'
    ".expand(endpoint={endpoints})",
}


@dataclass(frozen=True)
class Measured:
    """One dag run. ``slots``: task instances for which a worker process was started."""

    cpu: float
    wall: float
    requests: int
    slots: int
    failed: int


class Waiting:
    """The campaigns of one run: so many that are pending, whose copies are not there yet."""

    def __init__(self, kind: str, number: int, count: int) -> None:
        self.dag_id = f"bench_{kind}_{count}_{number}"
        self.kind, self.count = kind, count
        self.due = timedelta(hours=1, minutes=number)
        """So long before T0: those of one run stand side by side in the list."""
        self.first = 10_000 + number * 2_000
        self.ids = [str(self.first + place) for place in range(count)]

    def content(self) -> list[dict[str, Any]]:
        """As the incident has them: overdue, and still scheduled."""
        due = f"-{self.due.total_seconds():.0f}s"
        plain = {"list": "1", "recipients": 1, "due": due, "sends_over_seconds": 0.1}
        return [{"id": one, "name": f"Campaign {one}", **plain} for one in self.ids]

    def items(self) -> list[WatchItem]:
        now = datetime.now(UTC)
        times = {"deadline": now + timedelta(hours=2), "not_before": now + timedelta(minutes=5)}
        return [
            WatchItem(
                kind=ItemKind.CAMPAIGN, item_id=one, name=f"Campaign {one}", lean=self.kind == "lean", **times
            )
            for one in self.ids
        ]

    def dag(self, copies_from: int) -> str:
        """The text of its DAG file. ``copies_from``: the id that the next copy in the account will get."""
        endpoints = [f"api/3/campaigns/{copies_from + place}" for place in range(self.count)]
        items = [json.loads(one.model_dump_json()) for one in self.items()]
        body = BODIES[self.kind].format(count=self.count, items=items, endpoints=endpoints, poll=POLL)
        module, sensor = SENSORS[self.kind]
        return HEAD.format(module=module, sensor=sensor, name=self.dag_id) + body + "\n"

    def inventory(self, t0: datetime) -> Inventory:
        """As ``take_inventory`` would have found them in the account that began at ``t0``."""
        now = datetime.now(UTC)
        due = (t0 - self.due).replace(microsecond=0)  # as the list shows it
        campaigns = [
            Campaign(id=one, name=f"Campaign {one}", status=CampaignStatus.SCHEDULED, due=due)
            for one in self.ids
        ]
        readings = {one.id: CampaignReading(campaign=one, report=None, read_at=now) for one in campaigns}
        seen = [
            observe_campaign(one, f"Campaign {one}", read, now, Policy(), "")
            for one, read in readings.items()
        ]
        return Inventory(
            organization="playhouse",
            zone="UTC",
            window=Window(start=due - timedelta(hours=1), end=now, source="bench"),
            taken_at=now,
            readings=readings,
            occurrences=(),
            observations={one.key: one for one in seen},
            watch=tuple(self.items()),
        )


def run(runs: int = RUNS, few: int = FEW, many: int = MANY) -> list[Row]:
    """Medians of ``runs`` alternating dag runs of ``few`` sensors; one of ``many`` lean ones."""
    waiting = [
        Waiting(kind, number * 3 + place, few)
        for number in range(runs)
        for place, kind in enumerate(("stock", "labelled", "lean"))
    ]
    crowd = Waiting("lean", runs * 3, many)
    everybody = [*waiting, crowd]
    copies = max(int(one.ids[-1]) for one in everybody) + 1
    stock = [one for one in everybody if one.kind == "stock"]
    dags = {
        f"{one.dag_id}.py": one.dag(copies + (stock.index(one) * few if one in stock else 0))
        for one in everybody
    }
    content = {
        "name": "Bench",
        "organization": "playhouse",
        "outages": [{"services": ["sending"], "start": "-2h", "end": "-1m"}],
        "lists": [{"id": "1", "name": "Newsletter", "members": 10}],
        "campaigns": [row for one in everybody for row in one.content()],
        "policy": {"poll_seconds": POLL, "max_sensors": many, "lean_above": 0},
    }
    with bench_site(content, dags) as site:
        done = {one.dag_id: _measure(site, one) for one in everybody}
    return _rows(waiting, crowd, done)


def _measure(site: BenchSite, one: Waiting) -> Measured:
    """Start it, let its items settle when all its sensors wait, and see it end."""
    api, run_id = site.api, one.dag_id
    t0 = datetime.fromisoformat(json.loads(site.get("/sandbox/clock"))["t0"])
    with contextlib.closing(site.ledger()) as ledger:
        ledger.save_inventory(run_id, one.inventory(t0))
    api.unpause(one.dag_id)
    time.sleep(2)
    asked, cpu, began = len(site.relay.carried), site.cpu(), time.monotonic()
    api.trigger(one.dag_id, run_id)
    wait_until(
        lambda: site.count(one.dag_id, run_id, "deferred") == one.count,
        timeout=LONGEST,
        what=f"{one.count} sensors of {one.dag_id} that wait",
        complain=lambda: str(site.count(one.dag_id, run_id, "deferred")),
    )
    deed = "duplicate" if one.kind == "stock" else "send"
    site.people([{"does": deed, "item": item} for item in one.ids])
    api.wait_dag_run(one.dag_id, run_id, timeout=LONGEST, pause=0.5)
    wall, cpu = time.monotonic() - began, site.cpu() - cpu
    measured = Measured(
        cpu=cpu,
        wall=wall,
        requests=len(site.relay.carried) - asked,
        slots=len(site.started(one.dag_id, run_id)),
        failed=one.count - site.count(one.dag_id, run_id, "success"),
    )
    print(f"watch: {one.dag_id}: {measured}", file=sys.stderr, flush=True)
    return measured


def _rows(waiting: list[Waiting], crowd: Waiting, done: dict[str, Measured]) -> list[Row]:
    def middle(kind: str, what: str) -> float:
        return statistics.median(getattr(done[one.dag_id], what) for one in waiting if one.kind == kind)

    few, rows = waiting[0].count, []
    runs = sum(one.kind == "stock" for one in waiting)
    for kind in ("lean", "labelled"):
        for what, unit, least in (
            ("cpu", "CPU s", LEAST_CPU),
            ("wall", "s", LEAST_WALL),
            ("requests", "requests", 0),
        ):
            plain = Row(
                "watch",
                f"{few} {kind}, {what}",
                middle(kind, what),
                middle("stock", what),
                unit=unit,
                runs=runs,
            )
            if kind == "lean" and least:
                rows.append(at_least(plain, least))
            elif kind == "labelled" and least:
                rows.append(at_most(replace(plain, per="ours/peer"), MOST_LABELLED))
            else:
                rows.append(plain)
    many = done[crowd.dag_id]
    failed = sum(done[one.dag_id].failed for one in waiting if one.kind != "stock") + many.failed
    return [
        *rows,
        Row("watch", f"{crowd.count:,} lean, cpu", many.cpu, unit="CPU s"),
        Row("watch", f"{crowd.count:,} lean, wall", many.wall, unit="s"),
        Row("watch", f"{crowd.count:,} lean, requests", many.requests, unit="requests"),
        Row(
            "watch",
            f"{crowd.count:,} lean, workers started",
            many.slots,
            unit="workers",
            must="none, in one dag run",
            met=not many.slots,
        ),
        Row("watch", "sensors of ours that failed", failed, unit="sensors", must="none", met=not failed),
    ]
