"""The pattern of days: what is written is what the schedule reads."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest

from pro2_reconciliation.domain.learning_days import Days, calendar, pattern_of
from pro2_reconciliation.domain.schedule import due_times

MONDAY = date(2026, 1, 5)
DATES = [MONDAY + timedelta(days=n) for n in range(8 * 7)]


def best_days(dates: list[date], ran: np.ndarray) -> Days:
    return pattern_of(calendar(np.array([one.toordinal() for one in dates])), ran)


@pytest.mark.parametrize("amount", range(1, 8))
def test_every_set_of_weekdays_is_written_so_that_the_schedule_reads_the_same(amount: int) -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    for chosen in combinations(range(7), amount):
        found = best_days(DATES, np.array([one.weekday() in chosen for one in DATES]))
        due = due_times(f"0 7 {found.month} * {found.week}", "UTC", start, start + timedelta(weeks=1))
        assert tuple(one.weekday() for one in due) == chosen
        assert found.often == amount
        assert found.sure > 0.97


def test_the_second_tuesday_is_one_day_of_a_week() -> None:
    found = best_days(DATES, np.array([one.weekday() == 1 and 8 <= one.day <= 14 for one in DATES]))
    assert (found.month, found.week, found.often) == ("*", "TUE#2", 1)


def test_a_day_that_was_left_out_twice_is_not_another_pattern_but_a_doubt() -> None:
    ran = np.full(14, True)
    ran[[2, 9]] = False  # both Wednesdays of two weeks
    found = best_days(DATES[:14], ran)
    assert found.sure < 0.97
    assert {found.words, *(words for words, _ in found.others)} >= {"each day"}
