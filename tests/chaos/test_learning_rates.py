"""How many schedules are learned exactly, how many are only proposed or not learned, and how many are wrong.

Made-up organizations with known schedules (``tests/unit/domain/histories.py``), every shape as often as the others, and
histories of several lengths. A few organizations are measured by each run of the tests, all lengths with
``CHAOS=long``. ``python -m tests.chaos.test_learning_rates`` prints the tables of docs/learn.md, with ``untold`` those
of logs that do not say who started a run, with ``reasons`` also each job that was not learned exactly, with ``speed``
what 100 jobs cost. ``LEARN_HOUSES`` is another number of organizations, ``LEARN_FIRST`` begins elsewhere and
``LEARN_WEEKS`` gives other lengths, such as ``26,52``.
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
HOUSES = int(os.environ.get("LEARN_HOUSES", "10"))
FIRST = int(os.environ.get("LEARN_FIRST", "0"))
WEEKS = tuple(map(int, os.environ.get("LEARN_WEEKS", "4,8,12,26,52").split(",")))
ENOUGH = 52
"""Weeks from which on the claim holds: so many are asked for by what ``learn`` prints."""
ENDS = ("exact", "proposed, right", "proposed, wrong", "not learned", "wrong")
SURE = (0.99, 0.97, 0.95, 0.9, 0.8, 0.6, 0.0)
"""The least sureness of each row of the table that says whether it is true."""
LEAST = 3
"""From so many due times since its last change on a schedule can be told at all: two runs fit many, one fits all."""
RARE = tuple(name for name in SHAPES if "minutes" not in name and name != "in working hours")


@dataclass
class Rates:
    """Group to how its jobs ended; ``words`` says each that was not exact, ``sureness`` counts right and wrong ones."""

    every: Counter[str] = field(default_factory=Counter)
    tellable: Counter[str] = field(default_factory=Counter)
    by_shape: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_kind: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    sureness: dict[float, Counter[bool]] = field(default_factory=lambda: defaultdict(Counter))
    words: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    rows: int = 0

    def add(self, one: House) -> None:
        began = time.process_time()
        lessons = {lesson.job_id: lesson for lesson in learn("playhouse", one.log, one.zone).lessons}
        self.seconds += time.process_time() - began
        self.rows += len(one.log.rows)
        for made in one.jobs:
            lesson = lessons.get(made.id)
            right = lesson is not None and _is_right(one, made, lesson)
            end = _end(lesson, right)
            self.every[end] += 1
            self.by_shape[made.shape][end] += 1
            if made.lately >= LEAST:
                self.tellable[end] += 1
            for kind, applies in _kinds(one, made):
                if applies:
                    self.by_kind[kind][end] += 1
            if lesson is not None and lesson.explains:
                self.sureness[next(least for least in SURE if lesson.sure >= least)][right] += 1
            if end != "exact":
                self.words.append(_in_words(one, made, lesson, end))
            if end == "wrong":
                self.wrong.append(self.words[-1])


def _kinds(one: House, made: Made) -> Iterator[tuple[str, bool]]:
    yield "schedule changed", bool(made.before)
    yield "clocks changed", one.clocks_change
    yield "goes by another zone", made.zone != one.zone


def _is_right(one: House, made: Made, lesson: Lesson) -> bool:
    return bool(lesson.cron) and same_next_year(made, lesson.cron, lesson.zone, one.log.as_of)


def _end(lesson: Lesson | None, right: bool) -> str:
    if lesson is None or not lesson.explains:
        return "not learned"
    if lesson.known:
        return "exact" if right else "wrong"
    return "proposed, right" if right else "proposed, wrong"


def _in_words(one: House, made: Made, lesson: Lesson | None, end: str) -> str:
    was = f"{made.before} -> {made.cron}" if made.before else made.cron
    said = f"«{lesson.cron}» {lesson.zone}, {lesson.sure:.3f}, {lesson.why_not}" if lesson else "no run"
    return f"{end}: {made.shape}, {was} in {made.zone} ({one.zone}), {made.lately} due times: {said}"


def measured(
    first: int = FIRST, houses: int = HOUSES, *, weeks: int, amount: int = len(SHAPES), told: bool = True
) -> Rates:
    rates = Rates()
    for seed in range(first, first + houses):
        rates.add(house(seed, amount, told=told, weeks=weeks))
    return rates


def table(head: str, found: dict[str, Counter[str]]) -> str:
    lines = [f"| {head} | jobs | {' | '.join(ENDS)} |", f"| --- | --- |{' --- |' * len(ENDS)}"]
    for name, count in found.items():
        jobs = count.total()
        shares = [f"{count[end]} ({count[end] / jobs:.1%})" if jobs else "-" for end in ENDS]
        lines.append(f"| {name} | {jobs} | {' | '.join(shares)} |")
    return "\n".join(lines)


def calibration(found: dict[float, Counter[bool]]) -> str:
    lines = ["| said to be sure | jobs | right |", "| --- | --- | --- |"]
    for least, most in zip(SURE, (1.0, *SURE), strict=False):
        jobs = found[least].total()
        lines.append(
            f"| {least:.0%} to {most:.0%} | {jobs} | {found[least][True] / jobs:.1%} |" if jobs else ""
        )
    return "\n".join(filter(None, lines))


def test_of_half_a_year_most_are_exact_the_rest_is_proposed_and_none_is_wrong() -> None:
    """The short form: two organizations with a job of each shape that is due every hour or less often."""
    rates = Rates()
    for seed in (1, 2):
        rates.add(house(seed, len(RARE), shapes=RARE, weeks=26))
    assert not rates.wrong
    assert rates.every["exact"] + rates.every["proposed, right"] >= 17, rates.words
    assert rates.every["exact"] >= 15, (
        rates.words
    )  # a monthly job has six runs, and some minutes stay unclear


@pytest.mark.skipif(not LONG, reason="the long form: CHAOS=long")
@pytest.mark.parametrize("weeks", WEEKS)
def test_the_rates_that_the_docs_name(weeks: int) -> None:
    rates = measured(weeks=weeks)
    jobs = rates.every.total()
    assert jobs >= HOUSES * len(SHAPES)
    assert len(rates.wrong) <= 0.005 * jobs, rates.wrong
    sure = rates.sureness[0.99]
    assert sure[True] >= 0.99 * sure.total(), rates.wrong
    if weeks >= ENOUGH:
        assert rates.every["exact"] >= 0.95 * jobs, rates.words


def speed() -> None:
    """CPU seconds of 100 jobs over twelve weeks: to learn them, and to check them at night over the last five."""
    for name, shapes in (("every shape", (*SHAPES,)), ("hourly and rarer", RARE)):
        one = house(50, 100, shapes=shapes, weeks=12)
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
    sureness: dict[float, Counter[bool]] = defaultdict(Counter)
    lengths: dict[str, Counter[str]] = {}
    tellable: dict[str, Counter[str]] = {}
    for weeks in WEEKS:
        rates = measured(weeks=weeks, told="untold" not in sys.argv)
        lengths[f"{weeks} weeks"], tellable[f"{weeks} weeks"] = rates.every, rates.tellable
        for least, count in rates.sureness.items():
            sureness[least] += count
        print(table(f"shape, {weeks} weeks", rates.by_shape))
        print(table(f"{weeks} weeks, of these", rates.by_kind))
        print(
            f"{rates.seconds:.1f} s of CPU for {rates.every.total()} jobs and {rates.rows:,} runs", flush=True
        )
        print("\n".join(rates.words if "reasons" in sys.argv else rates.wrong))
    print(table("history", lengths))
    print(table(f"history, jobs with {LEAST} due times", tellable))
    print(calibration(sureness))
    return 0


if __name__ == "__main__":
    sys.exit(main())
