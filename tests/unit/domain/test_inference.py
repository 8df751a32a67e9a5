"""Outages read off the jobs: found when they are there, and never in a quiet week."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from tests.unit.domain.factories import job as make_job
from tests.unit.domain.factories import row as make_row

from pro2_reconciliation.domain.inference import Mark, infer, marks_of
from pro2_reconciliation.domain.jobs import ActivityLog
from pro2_reconciliation.domain.outage import Evidence
from pro2_reconciliation.domain.schedule import occurrences
from pro2_reconciliation.domain.sources import ActivityInference
from pro2_reconciliation.domain.words import Outcome, Service

T0 = datetime(2026, 11, 16, tzinfo=UTC)
RULES = ActivityInference()
THREE = ActivityInference(min_occurrences=3)
WEEK = timedelta(days=7)
DAILY = (61, 90, 95, 120, 150, 180, 240, 390, 600, 1110)
"""Minutes after midnight at which the daily jobs of a usual account are due, most of them at night."""
HOURLY = (5, 15, 35)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def bad(minute: float, job: str, **changes: object) -> Mark:
    return Mark(at(minute), job, False, **changes)  # type: ignore[arg-type]


def good(minute: float, job: str, **changes: object) -> Mark:
    return Mark(at(minute), job, True, **changes)  # type: ignore[arg-type]


BEFORE = tuple(good(-2000, job) for job in "abcde")


def found(*marks: Mark, as_of: float = 10_000, rules: ActivityInference = THREE) -> list[Evidence]:
    """What is inferred when all jobs went well before."""
    return infer((*BEFORE, *marks), rules, at(as_of))


class TestTheRule:
    def test_three_jobs_in_a_row_are_an_outage_until_the_next_success(self) -> None:
        (claim,) = found(bad(0, "a"), bad(10, "b"), bad(20, "c"), good(50, "d"))
        assert (claim.start, claim.end, claim.service) == (at(0), at(50), Service.DASHBOARD)
        assert claim.confirms
        assert claim.detail == "3 jobs in a row failed or did not start (a, b, c)"

    def test_two_jobs_are_not(self) -> None:
        assert found(bad(0, "a"), bad(10, "b"), bad(20, "a")) == []

    def test_three_jobs_with_one_occurrence_each_are_too_few_at_the_default(self) -> None:
        marks = (bad(0, "a"), bad(10, "b"), bad(20, "c"))
        assert found(*marks, rules=RULES) == []
        assert len(found(*marks, bad(60, "a"), rules=RULES)) == 1

    def test_a_success_in_between_is_against_it(self) -> None:
        assert found(bad(0, "a"), bad(10, "b"), good(15, "d"), bad(20, "c")) == []

    def test_jobs_that_lie_too_far_apart_are_not_in_a_row(self) -> None:
        assert found(bad(0, "a"), bad(10, "b"), bad(71, "c")) == []
        assert len(found(bad(0, "a"), bad(10, "b"), bad(70, "c"))) == 1

    def test_a_job_that_was_broken_before_does_not_count(self) -> None:
        assert found(bad(-1440, "a"), good(-1000, "d"), bad(0, "a"), bad(10, "b"), bad(20, "c")) == []

    def test_a_job_of_which_nothing_is_known_does_not_count(self) -> None:
        """It may have been broken for weeks: the log is read no further back than ``lookback_hours``."""
        assert found(bad(0, "x"), bad(10, "b"), bad(20, "c")) == []

    def test_it_is_open_while_nothing_says_that_it_is_over(self) -> None:
        marks = (bad(0, "a"), bad(10, "b"), bad(20, "c"))
        assert [claim.end for claim in found(*marks, as_of=60)] == [None]
        assert [claim.end for claim in found(*marks, as_of=81)] == [at(80)]

    def test_its_key_stays_while_it_grows(self) -> None:
        marks = [bad(0, "a"), bad(10, "b"), bad(20, "c")]
        (first,) = found(*marks, as_of=30)
        (second,) = found(*marks, bad(30, "d"), good(40, "e"), as_of=60)
        assert first.key == second.key

    def test_a_success_clears_the_services_that_it_needed(self) -> None:
        no_tessitura = frozenset({Service.SENDING, Service.DASHBOARD})
        (claim,) = found(bad(0, "a"), bad(10, "b"), good(15, "d", needs=no_tessitura), bad(20, "c"))
        assert claim.service is Service.TESSITURA

    def test_its_key_stays_when_a_success_clears_a_service(self) -> None:
        marks = [bad(0, "a"), bad(10, "b"), bad(20, "c")]
        (first,) = found(*marks, as_of=30)
        (second,) = found(*marks, good(25, "d", needs=frozenset({Service.DASHBOARD})), as_of=30)
        assert (first.service, second.service) == (Service.DASHBOARD, Service.TESSITURA)
        assert first.key == second.key

    def test_an_unrelated_failure_hides_no_outage(self) -> None:
        tessitura, sending = frozenset({Service.TESSITURA}), frozenset({Service.SENDING})
        marks = [bad(5 + 10 * n, job, needs=tessitura) for n, job in enumerate("abc")]
        (claim,) = found(bad(0, "x", needs=sending), *marks)
        assert (claim.service, claim.start) == (Service.TESSITURA, at(5))

    def test_a_job_that_needs_no_service_says_nothing_of_one(self) -> None:
        marks = [bad(10 * n, job, needs=frozenset()) for n, job in enumerate("abc")]
        assert found(*marks) == []

    def test_the_order_of_the_marks_does_not_matter(self) -> None:
        marks = [bad(0, "a"), bad(10, "b"), bad(20, "c"), good(50, "d")]
        assert found(*marks) == found(*reversed(marks))


class TestMarks:
    def test_an_empty_log_says_nothing(self) -> None:
        job = make_job(cron="0 * * * *", zone="UTC")
        due = occurrences(job, T0, at(180))
        assert marks_of(due, ActivityLog(as_of=at(600), rows=()), {job.id: job}) == []

    def test_what_the_log_cannot_know_yet_is_not_missing(self) -> None:
        job = make_job(cron="0 * * * *", zone="UTC", grace_minutes=10)
        due = occurrences(job, T0, at(180))
        log = ActivityLog(as_of=at(125), rows=(make_row(at(1)),))
        marks = marks_of(due, log, {job.id: job})
        assert [(mark.at, mark.good) for mark in marks] == [(at(1), True), (at(60), False)]

    def test_what_lies_before_the_log_begins_is_not_missing(self) -> None:
        job = make_job(cron="0 * * * *", zone="UTC", grace_minutes=10)
        due = occurrences(job, T0, at(180))
        log = ActivityLog(as_of=at(600), rows=(make_row(at(121)),), whole_from=at(60.1))
        marks = marks_of(due, log, {job.id: job})
        assert [(mark.at, mark.good) for mark in marks] == [(at(121), True)]

    def test_an_occurrence_in_known_maintenance_is_no_bad_sign(self) -> None:
        job = make_job(cron="0 * * * *", zone="UTC")
        first, second = occurrences(job, T0, at(120))
        excused = second.model_copy(update={"excused_until": at(90)})
        log = ActivityLog(as_of=at(600), rows=(make_row(at(1)),))
        assert not all(mark.good for mark in marks_of([first, second], log, {job.id: job}))
        assert all(mark.good for mark in marks_of([first, excused], log, {job.id: job}))

    def test_a_full_error_is_bad_and_a_partial_one_is_not(self) -> None:
        job = make_job(cron="0 * * * *", zone="UTC")
        due = occurrences(job, T0, at(120))
        rows = (
            make_row(at(1), outcome=Outcome.PARTIAL_ERROR),
            make_row(at(61), outcome=Outcome.FULL_ERROR),
        )
        marks = marks_of(due, ActivityLog(as_of=at(600), rows=rows), {job.id: job})
        assert [mark.good for mark in marks] == [True, False]


def week(
    chance: random.Random, start: datetime, *, fails: float = 0.01, down: tuple[float, float] = (0, 0)
) -> Iterator[Mark]:
    """The marks of one week: 10 daily and 3 hourly jobs, ``fails`` of the runs bad, all in ``down`` (minutes)."""
    broken = chance.choice(("", "daily 3", "hourly 15"))  # one job may be broken the whole week
    for name, minutes, step in [
        *((f"daily {minute}", minute, 1440) for minute in DAILY),
        *((f"hourly {minute}", minute, 60) for minute in HOURLY),
    ]:
        for minute in range(minutes, 7 * 1440, step):
            late = chance.expovariate(1 / 2) if chance.random() < 0.98 else chance.uniform(10, 120)
            wrong = chance.random() < fails or name == broken or down[0] <= minute < down[1]
            yield Mark(start + timedelta(minutes=minute + (0 if wrong else late)), name, not wrong)


def inferred(marks: Iterable[Mark], start: datetime) -> list[Evidence]:
    return infer(marks, RULES, start + WEEK)


def test_five_quiet_years_hold_no_outage() -> None:
    chance = random.Random(715)
    alarms = [claim for _ in range(260) for claim in inferred(week(chance, T0, fails=0.02), T0)]
    assert alarms == []


def test_an_outage_of_two_hours_at_night_is_found_in_nearly_every_week() -> None:
    chance = random.Random(716)
    missed = 0
    for _ in range(100):
        down = chance.randrange(1, 7) * 1440 + 60
        claims = inferred(week(chance, T0, down=(down, down + 120)), T0)
        missed += not any(claim.start <= at(down + 60) < (claim.end or at(1e6)) for claim in claims)
    assert missed <= 3
