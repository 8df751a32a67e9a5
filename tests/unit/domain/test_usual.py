"""What the log of earlier days says about a job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pro2_reconciliation.domain.jobs import ActivityRow, Counts, Job, Occurrence
from pro2_reconciliation.domain.matching import traces
from pro2_reconciliation.domain.usual import usual_count, usual_failed_share
from pro2_reconciliation.domain.words import Outcome, ProcessType

BASE = datetime(2026, 11, 20, tzinfo=UTC)
JOB = Job(
    organization="playhouse",
    id="j-1",
    name="Sync",
    process_type=ProcessType.DATA_SYNC,
    cron="0 * * * *",
    zone="UTC",
)


def at(minutes: float) -> datetime:
    return BASE + timedelta(minutes=minutes)


def due(minutes: float) -> Occurrence:
    return Occurrence(organization="playhouse", job_id="j-1", due=at(minutes), next_due=at(minutes + 60))


def row(minutes: float, **more: Any) -> ActivityRow:
    more = {"outcome": Outcome.SUCCESS, "organization": "playhouse", "manual": False, **more}
    return ActivityRow(run_id=f"r{minutes}", process_type=None, job_id="j-1", started=at(minutes), **more)


def partial(minutes: float, failed: int, outcome: Outcome = Outcome.PARTIAL_ERROR) -> ActivityRow:
    return row(minutes, outcome=outcome, counts=Counts(returned=100, failed=failed))


def test_the_usual_share_is_what_nine_of_ten_of_the_last_runs_did_not_exceed():
    runs = [partial(n, failed) for n, failed in enumerate([90] * 5 + [2] * 18 + [40, 50])]
    assert usual_failed_share(reversed(runs)) == 0.02


def test_failed_runs_and_runs_without_counts_say_nothing_about_the_usual_share():
    assert usual_failed_share([partial(0, 100, Outcome.FULL_ERROR), row(1)]) is None
    assert usual_failed_share([partial(0, 3), row(1)]) == 0.03


def test_the_usual_count_is_the_median_of_the_last_twenty_successes():
    runs = [partial(n, 0, Outcome.SUCCESS) for n in range(18)]
    runs += [row(n, counts=Counts(returned=900)) for n in range(18, 20)]
    before = [row(-n, counts=Counts(returned=1)) for n in range(1, 40)]
    assert usual_count([*reversed(runs), *before]) == 100


def test_errors_and_runs_without_counts_say_nothing_about_the_usual_count():
    errors = [partial(n, 5) for n in range(9)]
    two = [row(n, counts=Counts(returned=7)) for n in (10, 11)]
    assert usual_count([*errors, *two, row(12)]) is None
    assert usual_count([*errors, *two, row(12, counts=Counts(returned=9))]) == 7


def test_the_last_due_times_before_an_outage_show_whether_the_catalog_is_right():
    before = [due(60 * hour) for hour in range(5)]
    jobs = {JOB.id: JOB}
    assert traces({JOB.id: before}, [row(60), row(121), row(240)], jobs) == {JOB.id: 2}
    assert traces({JOB.id: before}, [row(0), row(60)], jobs) == {JOB.id: 0}
    assert traces({JOB.id: []}, [], jobs) == {JOB.id: 0}
