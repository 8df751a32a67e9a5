"""The page says every time as the rest of the package does, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pro2.web.clock import wall_clock
from pro2_reconciliation.domain.localtime import local

NOW = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
ZONES = (
    "America/Chicago",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "UTC",
    "Africa/Casablanca",
)


def shown(moment: datetime, clock: list[dict[str, Any]]) -> str:
    """What static/when.js makes of it."""
    step = [one for one in clock if datetime.fromisoformat(one["at"]) <= moment][-1]
    wall = moment + timedelta(minutes=step["minutes"])
    return f"{wall:%a} {wall.day} {wall:%b} {wall:%H:%M} {step['name']}"


@pytest.mark.parametrize("zone", ZONES)
def test_every_hour_of_two_years_reads_alike(zone: str) -> None:
    clock = wall_clock(zone, [NOW])
    start = datetime(2025, 6, 1, tzinfo=UTC)
    for hour in range(2 * 365 * 24):
        moment = start + timedelta(hours=hour, minutes=7)
        assert shown(moment, clock) == local(moment, zone)


@pytest.mark.parametrize("second", [-1, 0, 1])
def test_the_jump_is_exact_to_the_second(second: int) -> None:
    jump = datetime(2026, 11, 1, 7, 0, tzinfo=UTC) + timedelta(seconds=second)
    assert shown(jump, wall_clock("America/Chicago", [NOW])) == local(jump, "America/Chicago")


def test_an_old_outage_has_its_own_years() -> None:
    clock = wall_clock("America/Chicago", [NOW, datetime(2019, 3, 10, 7, tzinfo=UTC)])
    assert datetime.fromisoformat(clock[0]["at"]) < datetime(2019, 1, 1, tzinfo=UTC)
