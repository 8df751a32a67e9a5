"""A mutating request leaves before its deadline or not at all, whichever clock says that it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pro2_reconciliation.domain.errors import TooLate
from pro2_reconciliation.wire.deadline import Deadline, leaving_by, require_time
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_reconciliation.wire.patience import Patient

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
WRITE = Request("POST", "admin/api.php", mutating=True)


class Clocks:
    wall, ticks = NOW, 100.0


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def deadline(clocks: Clocks) -> Deadline:
    return Deadline(NOW + timedelta(seconds=60), lambda: clocks.wall, lambda: clocks.ticks)


@pytest.mark.parametrize(("wall", "ticks"), [(60, 0), (0, 60), (-3600, 61)])
def test_either_clock_ends_the_time(clocks: Clocks, deadline: Deadline, wall: int, ticks: int) -> None:
    clocks.wall, clocks.ticks = NOW + timedelta(seconds=wall), 100.0 + ticks
    with leaving_by(deadline), pytest.raises(TooLate, match="lease on its step has run out"):
        require_time("POST x")


def test_within_its_time_and_outside_of_any_it_may_leave(clocks: Clocks, deadline: Deadline) -> None:
    clocks.wall, clocks.ticks = NOW + timedelta(seconds=59), 159.0
    with leaving_by(deadline):
        require_time("POST x")
    clocks.wall += timedelta(hours=1)
    require_time("POST x")


def test_a_renewed_lease_moves_it(clocks: Clocks, deadline: Deadline) -> None:
    clocks.wall, clocks.ticks = NOW + timedelta(seconds=50), 150.0
    deadline.move(clocks.wall + timedelta(seconds=60))
    clocks.wall, clocks.ticks = NOW + timedelta(seconds=100), 200.0
    assert not deadline.passed


def test_a_refused_request_is_not_tried_again_after_it(clocks: Clocks, deadline: Deadline) -> None:
    carried: list[Request] = []

    class Refusing:
        def carry(self, request: Request) -> Reply:
            carried.append(request)
            return Reply(429, {"Retry-After": "60"}, "")

    def sleep(seconds: float) -> None:
        clocks.wall += timedelta(seconds=seconds)

    with leaving_by(deadline), pytest.raises(TooLate):
        Patient(Refusing(), sleep=sleep, patience=90).carry(WRITE)
    assert len(carried) == 1
