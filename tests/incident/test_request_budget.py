"""The requests of one whole reconciliation, counted: no more than what has to be read, and what acts and proves."""

from __future__ import annotations

import pytest
from tests.bench import budget


@pytest.fixture(scope="module")
def counted() -> budget.Counted:
    """A small crowd: 60 campaigns and 60 occurrences in the window, 24 of them unsettled."""
    return budget.counted(60, 60, 24)


def test_a_reconciliation_stays_near_the_floor(counted: budget.Counted) -> None:
    assert counted.total <= budget.MOST_OVER_FLOOR * counted.floor.total, counted.told()


def test_inventory_and_plan_read_nothing_that_they_need_not(counted: budget.Counted) -> None:
    for phase in ("take_inventory", "build_plan"):
        assert sum(counted.phases[phase].values()) == counted.floor.of(phase), counted.told()


def test_the_account_is_never_asked_faster_than_it_allows(counted: budget.Counted) -> None:
    assert 0 < counted.most_in_a_second <= budget.PER_SECOND
    assert counted.turned_away == 0


def test_a_poll_is_a_fraction_of_what_a_sensor_for_each_item_asks(counted: budget.Counted) -> None:
    """Its cost is that of pages, so the distance grows with the items: ``scripts/bench budget`` has a thousand."""
    assert counted.watch * 10 < counted.sensors


def test_what_had_to_be_done_was_done(counted: budget.Counted) -> None:
    assert counted.outcomes["verified"] == 12
    assert (counted.effects["campaign_sent"], counted.effects["import"], counted.effects["run_now"]) == (
        5,
        2,
        2,
    )
