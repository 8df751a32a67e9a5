"""Twenty organizations beside each other: what each one asks, takes and leaves behind, against the same one alone.

Each has an outage, an account, a ledger and a configuration of its own; items, jobs and dag runs are called alike in
all of them, and all take their permits from one database, as on one host. They are reconciled in turn, each from the
same moment on, so one that took another's permit would be late. The DAG files are read and serialized for so many, too.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.budget import PER_SECOND, Counting, asked_for, most_in_a_second
from tests.bench.crowd import crowd
from tests.bench.parse import ROOT
from tests.bench.table import Row, at_most

NUMBERS = (1, 5, 20)
CAMPAIGNS, OCCURRENCES, UNSETTLED = 20, 20, 8
RUNS = 3
MOST_REQUESTS = 1.0
EVER = datetime.fromtimestamp(0, UTC)

DAGS = """
import json, os, sys, time
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
folder, number = sys.argv[1], int(sys.argv[2])
def bag():
    began = time.process_time()
    found = DagBag(folder, load_op_links=False)
    assert not found.import_errors, found.import_errors
    return time.process_time() - began, list(found.dags.values())
bag()
os.environ["PRO2_RECONCILIATION_ORGANIZATIONS"] = ",".join(f"o{n}" for n in range(number))
read, dags = bag()
began = time.process_time()
size = sum(len(json.dumps(DagSerialization.to_dict(dag))) for dag in dags)
print(json.dumps([read, time.process_time() - began, len(dags), size]))
"""
"""Once before, so that what the files import is paid for whatever the number of organizations."""


@dataclass(frozen=True)
class Alone:
    """What one organization's reconciliation did, whoever else there was."""

    asked: tuple[str, ...]
    ended: datetime
    effects: tuple[tuple[str, str], ...]
    outcomes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Together:
    """So many in turn. ``seconds``: CPU of each one's reconciliation; ``strange``: rows of the ledgers about others."""

    each: tuple[Alone, ...]
    seconds: float
    most_in_a_second: int
    turned_away: int
    strange: int


def reconciled(number: int, size: tuple[int, int, int] = (CAMPAIGNS, OCCURRENCES, UNSETTLED)) -> Together:
    """Reconcile so many organizations, each with its own account and ledger. ``size``: as :func:`crowd` takes it."""
    with tempfile.TemporaryDirectory() as folder:
        home, names = Path(folder), [f"organization-{place}" for place in range(number)]
        evenings = [
            Counting(home / name, crowd(*size, organization=name), permits=home / "permits.db")
            for name in names
        ]
        seconds, each = 0.0, []
        for evening in evenings:
            evening.clock.at = evening.world.t0
            evening.ledger()
            began = time.process_time()
            _, report = evening.reconcile()
            seconds += time.process_time() - began
            each.append(
                Alone(
                    tuple(asked_for(request) for _, _, request in evening.requests),
                    evening.clock.at,
                    tuple((effect["kind"], effect["item"]) for effect in evening.effects()),
                    tuple((f"{row.kind.value}:{row.item_id}", row.outcome.value) for row in report.rows),
                )
            )
        return Together(
            tuple(each),
            seconds / number,
            max(most_in_a_second(evening.admitted) for evening in evenings),
            sum(evening.turned_away for evening in evenings),
            sum(_strange(evening, names) for evening in evenings),
        )


def _strange(evening: Counting, names: Sequence[str]) -> int:
    """Claims and open items of others in this one's ledger."""
    ledger = evening.ledger()
    others = [name for name in names if name != evening.site.organization]
    return sum(len(ledger.actions_since(name, EVER)) + len(ledger.open_items(name)) for name in others)


def defined(number: int) -> tuple[float, float, int, int]:
    """CPU seconds to read the DAG files for so many organizations and to serialize the DAGs; DAGs, and their bytes."""
    done = subprocess.run(
        [sys.executable, "-c", DAGS, str(ROOT / "dags"), str(number)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        raise RuntimeError(f"the DAGs of {number} organizations cannot be read:\n{done.stderr[-2000:]}")
    read, serialized, dags, size = json.loads(done.stdout.splitlines()[-1])
    return read, serialized, dags, size


def run(numbers: Sequence[int] = NUMBERS, runs: int = RUNS) -> list[Row]:
    """The rows of the bench. The most are reconciled once, since that takes long; counts do not waver."""
    most = max(numbers)
    played = {
        number: [reconciled(number) for _ in range(1 if number == most else runs)] for number in numbers
    }
    [alone] = played[min(numbers)][0].each[:1]
    [together] = played[most]
    asked = sum(len(one.asked) for one in together.each)
    told = f"{most} organizations"
    differ = sum(one != alone for one in together.each)
    kept = together.most_in_a_second <= PER_SECOND and not together.turned_away
    rows = [
        at_most(
            Row(
                "organizations",
                f"{told} / each alone",
                asked,
                most * len(alone.asked),
                unit="requests",
                per="ours/peer",
            ),
            MOST_REQUESTS,
        ),
        Row(
            "organizations",
            "went otherwise than alone",
            differ,
            unit="of them",
            must="none: requests, time, effects, items",
            met=not differ,
        ),
        Row(
            "organizations",
            "most in a second, of any account",
            together.most_in_a_second,
            unit="requests",
            must=f"at most {PER_SECOND}, none turned away",
            met=kept,
        ),
        Row(
            "organizations",
            "claims and open items of others",
            together.strange,
            unit="rows",
            must="none in any ledger",
            met=not together.strange,
        ),
    ]
    took = {number: statistics.median(one.seconds for one in each) for number, each in played.items()}
    for number in numbers:
        rows.append(
            Row(
                "organizations",
                f"a reconciliation, 1 of {number}",
                took[number],
                took[min(numbers)],
                unit="CPU s",
                per="ours/peer",
                runs=len(played[number]),
            )
        )
    for number in numbers:
        each = [defined(number) for _ in range(runs)]
        for what, place in (("read", 0), ("serialize", 1)):
            spent = statistics.median(one[place] for one in each)
            rows.append(
                Row("organizations", f"{what} {each[0][2]} DAGs of {number}", spent, unit="CPU s", runs=runs)
            )
    return rows
