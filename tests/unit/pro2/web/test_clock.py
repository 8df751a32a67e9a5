"""The page says every time as the rest of the package does, also where the clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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


def moments(clock: list[dict[str, Any]]) -> Iterator[datetime]:
    """Two years in steps that meet every hour of the day, and each jump of the clock minute by minute."""
    start, two_years = datetime(2025, 6, 1, tzinfo=UTC), timedelta(days=2 * 365)
    yield from (start + timedelta(hours=hour, minutes=7) for hour in range(0, 2 * 365 * 24, 11))
    for step in clock:
        jump = datetime.fromisoformat(step["at"])
        if start < jump < start + two_years:
            yield from (jump + timedelta(minutes=minute) for minute in range(-61, 62, 5))


@pytest.mark.parametrize("zone", ZONES)
def test_every_hour_of_two_years_reads_alike(zone: str) -> None:
    clock = wall_clock(zone, [NOW])
    for moment in moments(clock):
        assert shown(moment, clock) == local(moment, zone)


@pytest.mark.parametrize("zone", ZONES)
def test_no_jump_of_two_years_is_missed(zone: str) -> None:
    """Whatever the clocks of the zone do: the difference to UTC is the same on both sides of every other hour."""
    place, start = ZoneInfo(zone), datetime(2025, 6, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=hour) for hour in range(2 * 365 * 24)]
    offsets = [hour.astimezone(place).utcoffset() for hour in hours]
    jumps = {hour for hour, one, other in zip(hours[1:], offsets, offsets[1:], strict=False) if one != other}
    known = {datetime.fromisoformat(step["at"]) for step in wall_clock(zone, [NOW])}
    assert {jump for jump in jumps if not any(jump - timedelta(hours=1) <= k <= jump for k in known)} == set()


@pytest.mark.parametrize("second", [-1, 0, 1])
def test_the_jump_is_exact_to_the_second(second: int) -> None:
    jump = datetime(2026, 11, 1, 7, 0, tzinfo=UTC) + timedelta(seconds=second)
    assert shown(jump, wall_clock("America/Chicago", [NOW])) == local(jump, "America/Chicago")


def test_an_old_outage_has_its_own_years() -> None:
    clock = wall_clock("America/Chicago", [NOW, datetime(2019, 3, 10, 7, tzinfo=UTC)])
    assert datetime.fromisoformat(clock[0]["at"]) < datetime(2019, 1, 1, tzinfo=UTC)
