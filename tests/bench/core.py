"""What the core computes, against plain Python: CPU seconds and peak memory, from a thousand things up.

Each measurement is a fresh process that makes its input, does the work once and says what it took and a hash of what
came out; ours and the peer's must be the same.

    python -m tests.bench.core match 100000 ours
"""

from __future__ import annotations

import hashlib
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.bench import plain
from tests.bench.table import Row

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading, CampaignReport
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.drift import Drift, drift_between
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Console, Counts, Job, Occurrence
from pro2_reconciliation.domain.matching import Match, match
from pro2_reconciliation.domain.plan import Decision, Window
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.schedule import occurrences
from pro2_reconciliation.domain.words import CampaignStatus, Outcome, ProcessType
from pro2_reconciliation.ledger import Identity
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.observing import observe_campaign, observe_occurrence
from pro2_reconciliation.repair.planning import build_plan

ROOT = Path(__file__).resolve().parents[2]
SIZES = {
    "match": (1_000, 10_000, 100_000),
    "drift": (1_000, 100_000, 1_000_000),
    "plan": (1_000, 10_000, 100_000),
}
PEER_UP_TO = {"match": 100_000, "drift": 1_000_000, "plan": 10_000}
"""The plain plan compares each with each: a hundred thousand items would take it hours."""
RUNS = 3
SLOW = 10.0
"""CPU seconds."""
MEBIBYTE = 2**20

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOURS = 48
WINDOW = Window(start=NOW - timedelta(hours=HOURS), end=NOW - timedelta(hours=1), outage_known=True)


# ------------------------------------------------------------------------------------------------- the works

Work = tuple[Callable[[], Any], Callable[[], Any], Callable[[Any], object]]
"""Ours, the peer's, and what of a result is compared."""


def matching(size: int) -> Work:
    """So many due times of hourly jobs and as many rows: most in time, some late, by hand, missing."""
    jobs = {job.id: job for job in _jobs(max(1, size // 1_000))}
    dues = [one for job in jobs.values() for one in _dues(job, max(1, size // len(jobs)))]
    rows = _rows(dues, jobs)

    def compared(found: Any) -> object:
        by_key: dict[str, Match] = found if isinstance(found, dict) else dict(found.by_key)
        return sorted(
            (key, one.row and one.row.run_id, one.late, one.repaired_by_hand and one.repaired_by_hand.run_id)
            for key, one in by_key.items()
        )

    return lambda: match(dues, rows, jobs), lambda: plain.match(dues, rows, jobs), compared


def drifting(size: int) -> Work:
    """Two tags of so many contacts that differ in one of a thousand."""
    should = {str(number) for number in range(size)}
    have = {str(number) for number in range(size // 1_000, size + size // 1_000)}

    def compared(found: Drift) -> object:
        return found.should, found.have, sorted(found.to_add), sorted(found.to_remove)

    return (
        lambda: drift_between(should, have, "add_and_remove"),
        lambda: plain.drift(should, have),
        compared,
    )


def planning(size: int) -> Work:
    """So many items, half campaigns and half occurrences; one in twenty did not go well."""
    account, inventory = _account(size)

    def compared(found: Any) -> object:
        decisions: Collection[Decision] = found if isinstance(found, list) else found.decisions
        return [one.model_dump_json(exclude={"choices", "send_by"}) for one in decisions]

    return lambda: build_plan(account, inventory, {}), lambda: plain.plan(account, inventory), compared


WORKS = {"match": matching, "drift": drifting, "plan": planning}


# ------------------------------------------------------------------------------------------------- the inputs


def _jobs(number: int) -> list[Job]:
    return [
        Job(
            organization="playhouse",
            id=f"j-{n}",
            name=f"Job {n}",
            process_type=ProcessType.INTEGRATED_IMPORT,
            cron=f"{n % 60} * * * *",
            zone="America/Chicago",
        )
        for n in range(number)
    ]


def _dues(job: Job, number: int) -> list[Occurrence]:
    """The last so many before ``NOW``, the last one without a successor: nothing after it is asked for."""
    found = occurrences(job, NOW - timedelta(hours=number), NOW)[-number:]
    return [*found[:-1], found[-1].model_copy(update={"next_due": None})]


def _rows(dues: Collection[Occurrence], jobs: dict[str, Job]) -> list[ActivityRow]:
    chance = random.Random(715)
    rows = []
    for one in dues:
        fate = chance.random()
        if fate < 0.05:
            continue
        late = timedelta(minutes=25 if fate < 0.1 else 2, seconds=chance.randrange(60))
        rows.append(_row(one, late, Outcome.FULL_ERROR if fate > 0.98 else Outcome.SUCCESS))
        if fate > 0.99:
            rows.append(_row(one, timedelta(minutes=40), Outcome.SUCCESS, manual=True))
    return rows


def _row(one: Occurrence, after: timedelta, outcome: Outcome, *, manual: bool = False) -> ActivityRow:
    started = one.due + after
    return ActivityRow(
        organization="playhouse",
        run_id=f"r-{one.key}{'-by-hand' if manual else ''}",
        process_type=ProcessType.INTEGRATED_IMPORT,
        job_id=one.job_id,
        started=started,
        finished=started + timedelta(minutes=3),
        outcome=outcome,
        manual=manual,
        counts=Counts(returned=240, updated=240, failed=0),
    )


def _account(size: int) -> tuple[Account, Inventory]:
    """An account in memory whose whole window was touched, and its inventory."""
    policy = Policy(max_sensors=1_000_000)
    jobs = _jobs(max(1, size // 2 // (HOURS - 1)))
    dues = [one for job in jobs for one in occurrences(job, WINDOW.start, WINDOW.end)]
    history = [
        one for job in jobs for one in occurrences(job, WINDOW.start - timedelta(hours=24), WINDOW.start)
    ]
    log = ActivityLog(
        as_of=NOW, rows=tuple(sorted(_rows([*history, *dues], {}), key=lambda row: row.started))
    )
    console = Console(as_of=NOW, rows=())
    campaigns = {one.id: one for one in map(_campaign, range(1000, 1000 + size // 2))}
    before = NOW - timedelta(minutes=30)
    readings = {
        number: CampaignReading(campaign=one, report=_report(number), read_at=before)
        for number, one in campaigns.items()
    }
    seen = [
        observe_campaign(n, r.campaign.name, r, before, policy, "") for n, r in readings.items() if r.campaign
    ]
    waited = [one.model_copy(update={"still_pending": True}) for one in seen]
    site = Site(organization="playhouse", zone="America/Chicago", jobs=tuple(jobs), policy=policy)
    found = match(dues, log.rows, site.jobs_by_id).by_key.values()
    by_id = site.jobs_by_id
    ran = [observe_occurrence(m, by_id[m.occurrence.job_id], console, before, "") for m in found]
    inventory = Inventory(
        organization="playhouse",
        zone="America/Chicago",
        window=WINDOW,
        taken_at=before,
        readings=readings,
        occurrences=tuple(sorted(dues, key=lambda one: (one.due, one.job_id))),
        observations={one.key: one for one in [*waited, *ran]},
        watch=(),
        floor_id="999",
    )
    ports = SimpleNamespace(
        scheduled_since=lambda edge: list(campaigns.values()),
        detailed=lambda ids: {},
        newer_than=lambda floor: [],
        report=_report,
        activity=lambda since, until: log,
        console=lambda: console,
    )
    nothing: dict[str, str] = {}
    ledger = SimpleNamespace(
        identity=Identity("1", 1, NOW, NOW),
        copies_among=lambda organization, campaign_ids: nothing,
        actions_of=lambda organization, *roots: [],
        outages=lambda organization, states=(): [],
        snapshots=lambda organization, since: [],
    )
    clock = SimpleNamespace(now=lambda: NOW)
    parts: Any = {"campaigns": ports, "contacts": ports, "dashboard": ports, "lists": ports, "ledger": ledger}
    account = Account(site=site, clock=clock, owner="bench", **parts)
    return account, inventory


def _campaign(number: int) -> Campaign:
    """Every twentieth hangs; every hundredth of the others is a colleague's copy of one before it."""
    due = WINDOW.start + (WINDOW.end - WINDOW.start) * (number * 331 % 997) / 997
    hangs, copied = number % 20 == 0, number % 100 == 41
    return Campaign(
        id=str(number),
        name=f"Campaign {number - 1} (Copy)" if copied else f"Campaign {number}",
        subject=f"Subject {number}",
        lists=("1",),
        source="copy" if copied else "web",
        status=CampaignStatus.SCHEDULED if hangs else CampaignStatus.COMPLETE,
        due=due,
        last_sent=None if hangs else due,
        created=WINDOW.start + timedelta(hours=1) if copied else WINDOW.start - timedelta(days=3),
        modified=WINDOW.start - timedelta(days=2),
        send_amt=0 if hangs else 100,
        total_amt=100,
        opens=0 if hangs else 9,
    )


def _report(number: str) -> CampaignReport:
    return CampaignReport(campaign_id=number)


# ---------------------------------------------------------------------------------------------- the measuring


def once(task: str, size: int, who: str) -> dict[str, Any]:
    """Do it in this process: CPU seconds, mebibytes on top of the input, a hash of the result."""
    ours, peer, compared = WORKS[task](size)
    if who == "ours":
        WORKS[task](10)[0]()  # what is imported only when it is needed
    _forget_the_peak()
    before = _memory("VmRSS")
    began = time.process_time()
    found = (ours if who == "ours" else peer)()
    seconds = time.process_time() - began
    peak = _memory("VmHWM")
    digest = hashlib.sha256(json.dumps(compared(found), default=str).encode()).hexdigest()
    return {"seconds": seconds, "mebibytes": max(0.0, peak - before) / MEBIBYTE, "digest": digest}


def run(runs: int = RUNS) -> list[Row]:
    """Medians of ``runs``, ours and the peer's in turn; who takes longer than ``SLOW`` runs once.

    Raises where results differ.
    """
    rows = []
    for task, sizes in SIZES.items():
        for size in sizes:
            done = _in_turn(task, size, ("ours", "peer") if size <= PEER_UP_TO[task] else ("ours",), runs)
            digests = {one["digest"] for each in done.values() for one in each}
            if len(digests) > 1:
                raise AssertionError(f"{task} of {size}: ours and plain Python do not agree")
            for unit, what in (("seconds", "CPU s"), ("mebibytes", "MiB")):
                middle = {who: statistics.median(one[unit] for one in each) for who, each in done.items()}
                row = Row("core", f"{task} {size:,}", middle["ours"], middle.get("peer"), unit=what)
                rows.append(replace(row, runs=min(map(len, done.values()))))
            print(f"core: {task} {size:,}: {rows[-2].cells()[2:5]}", file=sys.stderr, flush=True)
    return rows


def _in_turn(task: str, size: int, whose: Sequence[str], runs: int) -> dict[str, list[dict[str, Any]]]:
    done: dict[str, list[dict[str, Any]]] = {who: [] for who in whose}
    for _ in range(runs):
        for who, each in done.items():
            if not each or each[0]["seconds"] <= SLOW:
                each.append(_apart(task, size, who))
    return done


def _apart(task: str, size: int, who: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.core", task, str(size), who]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _memory(name: str) -> int:
    """Bytes of this process in memory, now (``VmRSS``) or at most so far (``VmHWM``).

    Not ``ru_maxrss``: a process inherits that from the one that started it, and the bench itself is large by then.
    """
    told = Path("/proc/self/status").read_text()
    [line] = [one for one in told.splitlines() if one.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def _forget_the_peak() -> None:
    """``VmHWM`` begins anew at what is in memory now: to make the input took more than the work may take (proc(5))."""
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    print(json.dumps(once(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
