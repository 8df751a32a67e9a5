"""Known maintenance is no outage, and no excuse for anything outside of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.jobs import Occurrence
from pro2_reconciliation.domain.maintenance import excuse, spans, without_maintenance
from pro2_reconciliation.domain.outage import Evidence
from pro2_reconciliation.domain.sources import Maintenance
from pro2_reconciliation.domain.words import Service

ZONE = "America/New_York"
NIGHT = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
"""02:00 in New York."""
KNOWN = (Maintenance(service=Service.SENDING, cron="0 2 * * *", duration_minutes=30),)


def at(minutes: float) -> datetime:
    return NIGHT + timedelta(minutes=minutes)


def claim(
    start: float, end: float | None, *, declared: bool = False, service: Service = Service.SENDING
) -> Evidence:
    until = None if end is None else at(end)
    return Evidence(source="s", key="k", service=service, start=at(start), end=until, declared=declared)


def left(one: Evidence, now: float = 600) -> list[tuple[float, float | None]]:
    pieces = without_maintenance([one], KNOWN, ZONE, at(now))
    return [
        ((p.start - NIGHT) / timedelta(minutes=1), p.end and (p.end - NIGHT) / timedelta(minutes=1))
        for p in pieces
    ]


def test_a_claim_within_maintenance_is_none() -> None:
    assert left(claim(0, 30)) == []
    assert left(claim(5, 20)) == []


def test_what_reaches_out_of_it_stays_with_exact_boundaries() -> None:
    assert left(claim(-10, 40)) == [(-10, 0), (30, 40)]
    assert left(claim(-10, 30)) == [(-10, 0)]
    assert left(claim(0, 31)) == [(30, 31)]


def test_an_open_claim_stays_open() -> None:
    assert left(claim(-10, None), now=35) == [(-10, 0), (30, None)]


def test_while_maintenance_lasts_nothing_of_an_open_claim_is_left_in_it() -> None:
    assert left(claim(-10, None), now=5) == [(-10, 0)]
    assert left(claim(0, None), now=0) == []
    assert left(claim(-10, None), now=-5) == [(-10, None)]


def test_the_pieces_have_keys_of_their_own() -> None:
    assert [one.key for one in without_maintenance([claim(-10, 40)], KNOWN, ZONE, at(600))] == [
        "k",
        "k piece 2",
    ]


def test_a_declared_window_and_another_service_stay_whole() -> None:
    assert left(claim(-10, 40, declared=True)) == [(-10, 40)]
    assert left(claim(-10, 40, service=Service.TESSITURA)) == [(-10, 40)]


def test_on_the_night_when_the_clocks_change_there_is_one_maintenance() -> None:
    autumn = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)
    twice = (Maintenance(service=Service.SENDING, cron="30 1 * * *", duration_minutes=30),)
    assert len(spans(twice, [Service.SENDING], ZONE, autumn, autumn + timedelta(hours=12))) == 1


@given(start=st.integers(-3000, 3000), length=st.integers(1, 4000))
def test_nothing_outside_of_it_is_lost_and_nothing_within_it_left(start: int, length: int) -> None:
    pieces = left(claim(start, start + length), now=100_000)
    for minute in range(start, start + length, 7):
        in_maintenance = minute % (24 * 60) < 30
        covered = any(first <= minute < (1e9 if last is None else last) for first, last in pieces)
        assert covered is not in_maintenance


def test_a_run_that_is_due_in_maintenance_of_a_service_it_needs_is_excused_and_never_dropped():
    sender = f.job(id="j-1", needs=(Service.SENDING,))
    other = f.job(id="j-2", needs=(Service.TESSITURA,))
    due = [
        Occurrence(organization="playhouse", job_id=job.id, due=at(minutes))
        for minutes in (-1, 10, 29, 30)
        for job in (sender, other)
    ]
    found = excuse(due, {"j-1": sender, "j-2": other}, KNOWN, ZONE)
    assert [o.key for o in found] == [o.key for o in due]
    assert [o.excused_until for o in found if o.job_id == "j-2"] == [None] * 4
    mine = [o for o in found if o.job_id == "j-1"]
    assert [o.excused_until for o in mine] == [None, at(30), at(30), None]
