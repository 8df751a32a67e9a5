"""How many schedules are learned exactly, how many are not learned and said so, and how many are wrong.

Made-up organizations with known schedules (``tests/unit/domain/histories.py``): 400 jobs in the long form
(``CHAOS=long``), every shape as often as the others. ``python -m tests.chaos.test_learning_rates`` prints the tables of
docs/learn.md, with ``untold`` those of logs that do not say who started a run, with ``speed`` what 100 jobs cost;
``LEARN_HOUSES`` is another number of organizations and ``LEARN_FIRST`` begins elsewhere.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from tests.unit.domain.histories import SHAPES, House, Made, house, same_next_year

from pro2_reconciliation.domain.catching_up import catch_up
from pro2_reconciliation.domain.jobs import ActivityLog, EarlierSchedule, Job
from pro2_reconciliation.domain.learning import learn
from pro2_reconciliation.domain.learning_lesson import Lesson
from pro2_reconciliation.domain.words import ProcessType
from pro2_reconciliation.repair.inventory import HISTORY

LONG = os.environ.get("CHAOS") == "long"
HOUSES = int(os.environ.get("LEARN_HOUSES", "16"))
FIRST = int(os.environ.get("LEARN_FIRST", "0"))
ENDS = ("exact", "not learned", "wrong")
RUNS = ((20, "20 and more"), (10, "10 to 19"), (5, "5 to 9"), (3, "3 or 4"), (2, "2"), (0, "0 or 1"))
"""Due times that a history holds, by the least of each group."""


@dataclass
class Rates:
    """Group to how its jobs ended; ``wrong`` says each wrong one in words."""

    by_shape: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_runs: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_kind: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    rows: int = 0

    def add(self, one: House) -> None:
        began = time.process_time()
        lessons = {lesson.job_id: lesson for lesson in learn("playhouse", one.log, one.zone).lessons}
        self.seconds += time.process_time() - began
        self.rows += len(one.log.rows)
        for made in one.jobs:
            end = _end(one, made, lessons.get(made.id))
            self.by_shape[made.shape][end] += 1
            self.by_runs[next(name for least, name in RUNS if made.dues >= least)][end] += 1
            for kind, applies in _kinds(one, made):
                if applies and made.dues >= 10:
                    self.by_kind[kind][end] += 1
            if end == "wrong":
                lesson = lessons[made.id]
                self.wrong.append(f"{one.zone}: {made} was learned as {lesson.cron} in {lesson.zone}")


def _kinds(one: House, made: Made) -> Iterator[tuple[str, bool]]:
    yield "of these, schedule changed", bool(made.before)
    yield "of these, clocks changed", one.clocks_change
    yield "of these, another zone", made.zone != one.zone


def _end(one: House, made: Made, lesson: Lesson | None) -> str:
    if lesson is None or not lesson.known:
        return "not learned"
    return "exact" if same_next_year(made, lesson.cron, lesson.zone, one.log.as_of) else "wrong"


def measured(first: int = FIRST, houses: int = HOUSES, amount: int = 25, told: bool = True) -> Rates:
    rates = Rates()
    for seed in range(first, first + houses):
        rates.add(house(seed, amount, told=told))
    return rates


def table(head: str, found: dict[str, Counter[str]], order: list[str]) -> str:
    lines = [
        f"| {head} | jobs | exact | not learned, and said so | wrong |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in order:
        count = found[name]
        jobs = sum(count.values())
        shares = [f"{count[end]} ({count[end] / jobs:.1%})" if jobs else "-" for end in ENDS]
        lines.append(f"| {name} | {jobs} | {' | '.join(shares)} |")
    return "\n".join(lines)


@pytest.mark.skipif(not LONG, reason="the long form: CHAOS=long")
def test_of_schedules_with_ten_runs_nineteen_of_twenty_are_learned_exactly() -> None:
    rates = measured()
    enough = Counter[str]()
    for name in ("20 and more", "10 to 19"):
        enough += rates.by_runs[name]
    assert enough.total() >= 200
    assert enough["exact"] >= 0.95 * enough.total(), rates.by_runs
    assert len(rates.wrong) <= 0.005 * sum(count.total() for count in rates.by_runs.values()), rates.wrong


def speed() -> None:
    """CPU seconds of 100 jobs over twelve weeks: to learn them, and to check them at night over the last five."""
    several = [name for name in SHAPES if "minutes" not in name and name != "in working hours"]
    for name, shapes in (("every shape", [*SHAPES]), ("hourly and rarer", several)):
        one = house(50, 100, shapes=tuple(shapes), weeks=12)
        learn("playhouse", one.log, one.zone)  # the import of numpy is not what is measured
        began = time.process_time()
        learn("playhouse", one.log, one.zone)
        learned = time.process_time()
        start = one.log.as_of - HISTORY
        rows = tuple(row for row in one.log.rows if row.started >= start)
        log = ActivityLog(as_of=one.log.as_of, whole_from=start, rows=rows)
        catch_up("playhouse", one.zone, [_catalog_entry(made) for made in one.jobs], log, ())
        print(
            f"{name}: {learned - began:.1f} s to learn {len(one.log.rows):,} runs, "
            f"{time.process_time() - learned:.1f} s at night for {len(rows):,}"
        )


def _catalog_entry(made: Made) -> Job:
    earlier = (EarlierSchedule(cron=made.before, until=made.until),) if made.until else ()
    return Job(
        organization="playhouse",
        id=made.id,
        name=made.id,
        process_type=ProcessType.INTEGRATED_IMPORT,
        cron=made.cron,
        zone=made.zone,
        schedules=earlier,
    )


def main() -> int:
    if "speed" in sys.argv:
        speed()
        return 0
    rates = measured(told="untold" not in sys.argv)
    total: Counter[str] = sum(rates.by_runs.values(), Counter())
    print(table("due times in the history", {**rates.by_runs, "all": total}, [*(n for _, n in RUNS), "all"]))
    print(table("shape", rates.by_shape, list(SHAPES)))
    print(table("ten and more due times", rates.by_kind, list(rates.by_kind)))
    print(f"{rates.seconds:.1f} s of CPU for {total.total()} jobs and {rates.rows:,} runs")
    print("\n".join(rates.wrong))
    return 0


if __name__ == "__main__":
    sys.exit(main())
