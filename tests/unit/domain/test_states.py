"""From one reading to a state: a counter that says mail left beats a status that says it did not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain import factories as f
from tests.unit.domain.factories import COUNTERS, DUE, MINUTE, NOW, SECOND

from pro2_reconciliation.domain.observation import CampaignState, OccurrenceState
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.states import (
    campaign_state,
    console_row_of,
    is_hanging,
    occurrence_state,
    running_for_another,
)
from pro2_reconciliation.domain.words import CampaignStatus, Outcome

QUIET = timedelta(minutes=10)


def state(status: CampaignStatus, *, now=NOW, report=None, **more):
    return campaign_state(f.reading(f.campaign(status=status, **more), **report or {}), now, Policy())


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (CampaignStatus.DRAFT, CampaignState.DRAFT),
        (CampaignStatus.SCHEDULED, CampaignState.PENDING),
        (CampaignStatus.SENDING, CampaignState.PENDING),
        (CampaignStatus.PAUSED, CampaignState.HALTED),
        (CampaignStatus.STOPPED, CampaignState.HALTED),
        (CampaignStatus.COMPLETE, CampaignState.COMPLETE_EMPTY),
        (CampaignStatus.DISABLED, CampaignState.HALTED),
        (CampaignStatus.PENDING_REVIEW, CampaignState.APPROVAL_HOLD),
        (CampaignStatus.UNKNOWN, CampaignState.UNKNOWN),
    ],
)
def test_the_state_of_a_campaign_of_which_nothing_left(status, expected):
    assert state(status) is expected


def test_a_campaign_that_does_not_exist_is_gone():
    assert campaign_state(f.reading(None), NOW, Policy()) is CampaignState.GONE


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("where", ["campaign", "report"])
def test_any_counter_anywhere_contradicts_a_schedule_and_proves_a_completion(counter, where):
    more = {"report": {counter: 1}} if where == "report" else {counter: 1}
    assert state(CampaignStatus.SCHEDULED, **more) is CampaignState.COUNTERS_DISAGREE
    assert state(CampaignStatus.COMPLETE, **more) is CampaignState.SENT


def test_sending_with_an_amount_is_in_flight_and_with_only_a_report_it_is_a_contradiction():
    assert state(CampaignStatus.SENDING, send_amt=1) is CampaignState.IN_FLIGHT
    assert state(CampaignStatus.SENDING, report={"send_amt": 1}) is CampaignState.COUNTERS_DISAGREE
    assert state(CampaignStatus.SENDING, opens=1) is CampaignState.COUNTERS_DISAGREE


def test_a_campaign_is_overdue_from_the_grace_on():
    grace = timedelta(seconds=Policy().overdue_grace_seconds)
    assert state(CampaignStatus.SCHEDULED, now=DUE + grace) is CampaignState.PENDING
    assert state(CampaignStatus.SCHEDULED, now=DUE + grace - SECOND) is CampaignState.DUE_LATER


@pytest.mark.parametrize("status", [CampaignStatus.SCHEDULED, CampaignStatus.SENDING])
def test_without_a_due_time_nobody_can_say_that_it_is_pending(status):
    assert state(status, due=None) is CampaignState.UNKNOWN


@given(
    st.sampled_from(CampaignStatus),
    st.dictionaries(st.sampled_from(COUNTERS), st.integers(0, 3)),
    st.dictionaries(st.sampled_from(COUNTERS), st.integers(0, 3)),
    st.sampled_from([None, DUE, NOW + MINUTE]),
)
def test_a_campaign_of_which_anything_left_is_never_pending(status, counters, report, due):
    found = state(status, report=report, due=due, **counters)
    assert isinstance(found, CampaignState)
    if any(counters.values()) or any(report.values()):
        assert found not in (CampaignState.PENDING, CampaignState.COMPLETE_EMPTY, CampaignState.DUE_LATER)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.SUCCESS, OccurrenceState.SUCCEEDED),
        (Outcome.PARTIAL_ERROR, OccurrenceState.PARTIAL),
        (Outcome.FULL_ERROR, OccurrenceState.FAILED),
        (Outcome.IN_PROGRESS, OccurrenceState.IN_PROGRESS),
        (Outcome.STOPPED, OccurrenceState.STOPPED),
        (Outcome.UNKNOWN, OccurrenceState.UNKNOWN),
    ],
)
def test_the_state_of_an_occurrence_is_its_rows_outcome(outcome, expected):
    assert occurrence_state(f.row(outcome=outcome), None) is expected


def test_a_late_success_ran_late_and_a_late_failure_still_failed():
    assert occurrence_state(f.row(), None, late=True) is OccurrenceState.RAN_LATE
    assert occurrence_state(f.row(outcome=Outcome.FULL_ERROR), None, late=True) is OccurrenceState.FAILED


def test_what_only_the_console_shows_is_in_progress_and_what_nothing_shows_has_no_trace():
    assert occurrence_state(None, f.running()) is OccurrenceState.IN_PROGRESS
    assert occurrence_state(None, None) is OccurrenceState.NO_TRACE


class TestTheRowOfTheConsole:
    def test_is_the_one_of_the_same_run(self):
        rows = [f.running(run="other"), f.running(DUE + 60 * MINUTE, run="mine")]
        assert console_row_of(f.due(), f.job(), rows, f.row(run_id="mine")) is rows[1]

    def test_is_without_a_run_the_one_that_began_when_it_was_due(self):
        near, far = f.running(DUE + 10 * MINUTE), f.running(DUE + 10 * MINUTE + SECOND)
        assert console_row_of(f.due(), f.job(), [far, near], None) is near
        assert console_row_of(f.due(), f.job(), [far], None) is None

    def test_began_a_minute_early_at_most(self):
        """What began before that is of an earlier due time, as its row in the log would be."""
        near, far = f.running(DUE - MINUTE), f.running(DUE - MINUTE - SECOND)
        assert console_row_of(f.due(), f.job(), [far, near], None) is near
        assert console_row_of(f.due(), f.job(), [far], None) is None

    def test_is_none_when_the_run_that_is_known_is_not_there(self):
        assert console_row_of(f.due(), f.job(), [f.running()], f.row(run_id="ended")) is None

    def test_of_a_queued_run_is_found_by_what_it_is_scheduled_for(self):
        queued = f.running(NOW, running=False, scheduled_for=DUE)
        assert console_row_of(f.due(), f.job(), [queued], None) is queued


def test_a_job_is_busy_with_another_run_but_not_with_a_queued_one_nor_with_its_own():
    own, other = f.running(), f.running(NOW)
    assert running_for_another(f.due(), f.job(), [own, other], own)
    assert not running_for_another(f.due(), f.job(), [own], own)
    assert not running_for_another(f.due(), f.job(), [f.running(NOW, running=False)], own)


class TestHanging:
    """The job usually takes ten minutes."""

    def test_begins_at_twice_the_usual_length(self):
        assert is_hanging(f.job(), f.row(), None, DUE + 20 * MINUTE, QUIET)
        assert not is_hanging(f.job(), f.row(), None, DUE + 20 * MINUTE - SECOND, QUIET)

    def test_a_run_that_made_progress_lately_does_not_hang(self):
        moving = f.running(progressed=NOW - QUIET)
        assert not is_hanging(f.job(), None, moving, NOW, QUIET)
        assert is_hanging(f.job(), None, moving, NOW + SECOND, QUIET)

    def test_a_run_of_which_no_start_is_known_does_not_hang(self):
        assert not is_hanging(f.job(), None, f.running(started=None, running=False), NOW, QUIET)
