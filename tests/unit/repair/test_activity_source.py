"""The Activity Log as a source of evidence: real schedules, read pass after pass as detection does."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.domain.factories import job as make_job
from tests.unit.domain.factories import row as make_row

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Job
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.schedule import occurrences
from pro2_reconciliation.domain.sources import Maintenance, Sources
from pro2_reconciliation.domain.words import Outcome, Service
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.detection import detect
from pro2_reconciliation.repair.sources import ActivitySource

ZONE = "America/New_York"
AUTUMN, SPRING = datetime(2026, 10, 29, 4, tzinfo=UTC), datetime(2027, 3, 11, 5, tzinfo=UTC)
"""Midnights in New York, days before the clocks change."""
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def jobs() -> tuple[Job, ...]:
    """Ten daily jobs, most of them at night (one at an hour that is skipped and doubled), and three hourly ones."""
    daily = ("1 1", "30 1", "35 1", "0 2", "30 2", "0 3", "0 4", "30 6", "0 10", "30 18")
    crons = [*(f"{cron} * * *" for cron in daily), "5 * * * *", "15 * * * *", "35 * * * *"]
    paused = make_job(id="j-paused", cron="0 1 * * *", zone=ZONE, paused=True)
    return (*(make_job(id=f"j-{n}", cron=cron, zone=ZONE) for n, cron in enumerate(crons)), paused)


JOBS = jobs()


def ran(
    start: datetime,
    days: int,
    *,
    seed: int,
    down: tuple[datetime, datetime] | None = None,
    broken: str = "j-3",
) -> list[ActivityRow]:
    """What the log holds: 2 % of the runs failed, some late, ``broken`` from the fourth day on, nothing in ``down``."""
    chance = random.Random(seed)
    rows = []
    for job in JOBS:
        for one in occurrences(job, start, start + timedelta(days=days)):
            if down and down[0] <= one.due < down[1]:
                continue
            wrong = chance.random() < 0.02 or (job.id == broken and one.due > start + timedelta(days=3))
            late = MINUTE * (chance.expovariate(1) if chance.random() < 0.98 else chance.uniform(10, 90))
            outcome = Outcome.FULL_ERROR if wrong else Outcome.SUCCESS
            row = make_row(one.due + late, outcome, run_id=f"{one.key}")
            rows.append(row.model_copy(update={"job_id": job.id}))
    return rows


class Board:
    """A dashboard that shows what has happened by now, whole as of now."""

    def __init__(self, rows: Iterable[ActivityRow]) -> None:
        self.rows = list(rows)
        self.now = AUTUMN

    def activity(self, since: datetime, until: datetime) -> ActivityLog:
        shown = tuple(row for row in self.rows if since <= row.started <= self.now)
        return ActivityLog(as_of=self.now, rows=shown)

    def console(self) -> Any:
        raise AssertionError("nobody asks for it")


@pytest.fixture
def ledger(open_ledger: Any) -> Ledger:
    return open_ledger(lambda: AUTUMN)


def site(**more: Any) -> Site:
    return Site(organization="playhouse", zone=ZONE, jobs=JOBS, sources=Sources(**more))


def watched(
    ledger: Ledger,
    board: Board,
    begin: datetime,
    hours: int,
    every: timedelta = HOUR,
    here: Site | None = None,
) -> list[tuple[Outage, ...]]:
    """The outages after each pass."""
    here = here or site()
    found = []
    at = begin
    while at <= begin + hours * HOUR:
        board.now = at
        found.append(detect(ledger, here, [ActivitySource(here, ledger, board)], now=at).outages)
        at += every
    return found


@pytest.mark.parametrize("start", [AUTUMN, SPRING], ids=["the clocks go back", "the clocks go forward"])
def test_a_quiet_week_in_which_the_clocks_change_holds_no_outage(ledger: Ledger, start: datetime) -> None:
    board = Board(ran(start, 8, seed=715))
    passes = watched(ledger, board, start + 36 * HOUR, 5 * 24, every=3 * HOUR)
    assert set(passes) == {()}


def test_a_night_without_runs_is_one_outage_from_the_first_missing_run_to_the_next_that_ran(
    ledger: Ledger,
) -> None:
    down = (AUTUMN + 48 * HOUR + 61 * MINUTE, AUTUMN + 48 * HOUR + 200 * MINUTE)
    board = Board(ran(AUTUMN, 4, seed=1, down=down, broken=""))
    passes = watched(ledger, board, down[0], 6, every=20 * MINUTE)
    ids = {outage.id for outages in passes for outage in outages}
    assert len(ids) == 1, "it is the same one while it grows"
    (outage,) = passes[-1]
    assert outage.start == down[0]
    assert outage.end is not None
    assert down[1] <= outage.end < down[1] + 60 * MINUTE
    assert [claim.key for claim in outage.evidence] == [down[0].isoformat()]


def test_one_that_lasts_longer_than_the_log_is_read_back_stays_one_and_ends(ledger: Ledger) -> None:
    down = (AUTUMN + 48 * HOUR, AUTUMN + 102 * HOUR)
    board = Board(ran(AUTUMN, 6, seed=2, down=down, broken=""))
    passes = watched(ledger, board, down[0] + 2 * HOUR, 58, every=2 * HOUR)
    assert {outage.id for outages in passes for outage in outages} == {passes[-1][0].id}
    (outage,) = passes[-1]
    assert (len(outage.evidence), outage.state is OutageState.OPEN) == (1, False)
    assert outage.end is not None
    assert down[1] <= outage.end < down[1] + 60 * MINUTE


def test_a_log_that_is_corrected_ends_what_was_inferred_from_it(ledger: Ledger) -> None:
    down = (AUTUMN + 48 * HOUR + 61 * MINUTE, AUTUMN + 48 * HOUR + 200 * MINUTE)
    board, whole = Board(ran(AUTUMN, 4, seed=3, down=down)), ran(AUTUMN, 4, seed=3, broken="")
    ((lasting,),) = watched(ledger, board, down[1], 0)
    assert lasting.state is OutageState.OPEN
    board.rows = whole
    ((over,),) = watched(ledger, board, down[1] + 5 * MINUTE, 0)
    assert (over.id, over.end) == (lasting.id, down[1] + 5 * MINUTE)


def test_an_empty_log_neither_makes_an_outage_nor_ends_one(ledger: Ledger) -> None:
    down = (AUTUMN + 48 * HOUR + 61 * MINUTE, AUTUMN + 48 * HOUR + 200 * MINUTE)
    board = Board(ran(AUTUMN, 4, seed=3, down=down))
    ((lasting,),) = watched(ledger, board, down[1], 0)
    board.rows = []
    ((still,),) = watched(ledger, board, down[1] + 5 * MINUTE, 0)
    assert still == lasting


def test_known_maintenance_excuses_the_jobs_that_need_the_service(ledger: Ledger) -> None:
    down = (AUTUMN + 48 * HOUR + 60 * MINUTE, AUTUMN + 48 * HOUR + 240 * MINUTE)
    board = Board(ran(AUTUMN, 4, seed=4, down=down))
    known = Maintenance(service=Service.TESSITURA, cron="0 1 * * *", duration_minutes=180)
    passes = watched(ledger, board, down[0], 6, every=30 * MINUTE, here=site(maintenance=(known,)))
    assert set(passes) == {()}
