"""A job whose grace is longer than the wait after an outage: it is waited for, and no dag run passes over it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.incident.harness import Evening, approve_none
from tests.incident.one_job import one_job

from pro2_reconciliation.domain.observation import OccurrenceState
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.repair.report import End

GRACE = timedelta(minutes=40)


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    """It was due five minutes before the outage ended, and nobody began it."""
    return one_job(tmp_path, "-6m", grace_minutes=GRACE.total_seconds() / 60)


def test_is_watched_until_its_grace_is_over_and_then_offered(evening: Evening) -> None:
    due = evening.world.jobs.due("j-1", timedelta(minutes=-6))
    plan, _ = evening.reconcile(answer=approve_none)
    (decision,) = plan.decisions
    assert (decision.rule, decision.due) == ("R10", due)
    assert decision.observation is not None
    assert decision.observation.state is OccurrenceState.NO_TRACE
    assert due + GRACE <= plan.created_at < due + GRACE + timedelta(minutes=3)


def test_stays_on_the_watch_list_where_watching_ends_before_its_grace(evening: Evening) -> None:
    changed = evening.site.policy.model_copy(update={"watch_total_seconds": 600})
    evening.site = evening.site.model_copy(update={"policy": changed})
    _, report = evening.reconcile()
    (row,) = report.rows
    assert (row.rule, row.outcome) == ("R6", End.OPEN)
    assert "was due Thu 19 Nov 17:59 CST: it may begin until Thu 19 Nov 18:39 CST" in row.reason
    assert evening.effects() == []

    end = evening.clock.at = evening.clock.at + timedelta(hours=8)
    night = Window(start=end - timedelta(hours=1), end=end, source="nightly")
    _, report = evening.reconcile(Mode.PLAN, window=night, dag_run="nightly")
    (row,) = report.rows
    assert (row.rule, row.outcome) == ("R10", End.PROPOSED)
