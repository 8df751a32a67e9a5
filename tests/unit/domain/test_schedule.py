"""When a job is due, also in the two nights a year in which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.jobs import EarlierSchedule, Job
from pro2_reconciliation.domain.schedule import next_due, occurrences, previous, validate_cron
from pro2_reconciliation.domain.words import ProcessType

NEW_YORK, SANTIAGO, BEIRUT = "America/New_York", "America/Santiago", "Asia/Beirut"


def job(cron: str, zone: str = NEW_YORK, **more: Any) -> Job:
    return Job(
        organization="playhouse",
        id="j-1",
        name="Sync",
        process_type=ProcessType.DATA_SYNC,
        cron=cron,
        zone=zone,
        **more,
    )


def wall(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def due_on(cron: str, day: str, zone: str = NEW_YORK) -> list[str]:
    """Local times with offset of what is due on a local day, from midnight to midnight."""
    start = wall(f"{day}T00:00", zone)
    end = datetime.combine(start.date() + timedelta(days=1), start.time(), start.tzinfo)
    found = occurrences(job(cron, zone), start.astimezone(UTC), end.astimezone(UTC))
    return [f"{one.due.astimezone(ZoneInfo(zone)):%H:%M%z}" for one in found]


def test_a_daily_job_is_due_at_its_local_time_in_winter_and_summer():
    assert due_on("30 18 * * *", "2026-01-10") == ["18:30-0500"]
    assert due_on("30 18 * * *", "2026-07-10") == ["18:30-0400"]


def test_the_start_belongs_to_the_span_and_the_end_does_not():
    daily = job("0 12 * * *")
    noon = wall("2026-01-10T12:00")
    assert len(occurrences(daily, noon, noon + timedelta(days=1))) == 1
    assert occurrences(daily, noon + timedelta(seconds=1), noon + timedelta(days=1)) == []


def test_each_occurrence_knows_the_next_one_even_outside_the_span():
    first, last = occurrences(job("0 12 * * *"), wall("2026-01-10T00:00"), wall("2026-01-12T00:00"))
    assert first.next_due == last.due
    assert last.next_due == wall("2026-01-12T12:00")


def test_a_time_that_the_spring_night_skips_is_due_once_when_the_gap_ends():
    assert due_on("30 2 * * *", "2026-03-08") == ["03:00-0400"]
    assert due_on("0 0 * * *", "2026-09-06", SANTIAGO) == ["01:00-0300"]
    assert due_on("30 0 * * *", "2026-03-29", BEIRUT) == ["01:00+0300"]


def test_a_time_that_the_autumn_night_shows_twice_is_due_once_the_first_time():
    assert due_on("30 1 * * *", "2026-11-01") == ["01:30-0400"]
    assert due_on("30 23 * * *", "2026-04-04", SANTIAGO) == ["23:30-0300"]
    assert due_on("30 23 * * *", "2026-10-24", BEIRUT) == ["23:30+0300"]


def test_midnight_after_a_repeated_hour_is_due_once():
    assert due_on("0 0 * * *", "2026-04-05", SANTIAGO) == ["00:00-0400"]
    assert due_on("0 0 * * *", "2026-10-25", BEIRUT) == ["00:00+0200"]


def test_two_times_that_land_on_the_same_instant_are_one_occurrence():
    assert due_on("0 2,3 * * *", "2026-03-08") == ["03:00-0400"]


def test_an_hourly_job_is_due_every_real_hour():
    spring, autumn = due_on("0 * * * *", "2026-03-08"), due_on("0 * * * *", "2026-11-01")
    assert len(spring) == 23
    assert "02:00-0400" not in spring
    assert len(autumn) == 25
    assert autumn[1:3] == ["01:00-0400", "01:00-0500"]


def test_a_time_that_is_skipped_is_due_once_even_if_the_span_begins_in_between():
    daily = job("30 2 * * *")
    gap = wall("2026-03-08T03:00")
    assert len(occurrences(daily, gap, gap + timedelta(hours=1))) == 1
    assert occurrences(daily, gap + timedelta(minutes=1), gap + timedelta(hours=12)) == []


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 59),
    st.integers(0, 23),
    st.sampled_from([NEW_YORK, SANTIAGO, BEIRUT, "Australia/Lord_Howe", "UTC"]),
    st.dates(datetime(2026, 1, 1).date(), datetime(2026, 12, 1).date()),
)
def test_a_fixed_daily_time_is_due_exactly_once_each_day(minute, hour, zone, day):
    daily = job(f"{minute} {hour} * * *", zone)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = occurrences(daily, start, start + timedelta(days=21))
    days = [one.due.astimezone(ZoneInfo(zone)).date() for one in found]
    assert len(days) == len(set(days))
    assert {later - earlier for earlier, later in pairwise(days)} == {timedelta(days=1)}
    assert len(days) in (20, 21, 22)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["30 2 * * *", "0 * * * *", "*/20 1-3 * * *", "0 0 1 * *", "15 9 * * MON"]),
    st.sampled_from([NEW_YORK, SANTIAGO, BEIRUT]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),
    st.integers(0, 60),
)
def test_splitting_a_span_anywhere_loses_and_repeats_nothing(cron, zone, start, cut):
    one = job(cron, zone)
    middle, end = start + timedelta(hours=cut), start + timedelta(hours=60)
    whole = occurrences(one, start, end)
    assert occurrences(one, start, middle) + occurrences(one, middle, end) == whole
    if whole:
        assert previous(one, end, len(whole)) == whole
        assert next_due(one, start - timedelta(microseconds=1)) == whole[0].due


def test_previous_gives_the_last_due_times_oldest_first():
    found = previous(job("0 9 1 * *"), wall("2026-11-01T09:00"), 3)
    assert [f"{one.due:%m-%d}" for one in found] == ["08-01", "09-01", "10-01"]
    assert found[-1].next_due == wall("2026-11-01T09:00")


def test_previous_and_next_find_a_leap_day():
    leap = job("0 9 29 2 *")
    assert [one.due.year for one in previous(leap, wall("2026-01-01T00:00"), 2)] == [2020, 2024]
    assert next_due(leap, wall("2026-01-01T00:00")) == wall("2028-02-29T09:00")


def test_the_next_due_time_is_strictly_later():
    noon = wall("2026-01-10T12:00")
    assert next_due(job("0 12 * * *"), noon) == noon + timedelta(days=1)


def test_of_a_repeated_hour_the_next_due_time_of_an_hourly_job_is_its_second_pass():
    first_pass = datetime(2026, 11, 1, 5, tzinfo=UTC)
    assert next_due(job("0 * * * *"), first_pass) == first_pass + timedelta(hours=1)


def test_nothing_is_expected_of_a_paused_job():
    paused = job("0 * * * *", paused=True)
    now = wall("2026-01-10T12:00")
    assert occurrences(paused, now, now + timedelta(days=1)) == []
    assert previous(paused, now, 3) == []
    assert next_due(paused, now) is None


@pytest.mark.parametrize(
    ("zone", "day", "first"),
    [
        ("America/Sao_Paulo", "2018-11-04", "01:00-0200"),
        ("Africa/Cairo", "2026-04-24", "01:00+0300"),
        (BEIRUT, "2026-03-29", "01:00+0300"),
        (SANTIAGO, "2026-09-06", "01:00-0300"),
    ],
)
def test_on_a_day_without_midnight_midnight_is_due_once_when_the_day_begins(zone, day, first):
    noon_before = wall(f"{day}T12:00", zone) - timedelta(days=1)
    midnight = job("0 0 * * *", zone)
    found = occurrences(
        midnight, noon_before.astimezone(UTC), noon_before.astimezone(UTC) + timedelta(days=1)
    )
    assert [f"{one.due.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M%z}" for one in found] == [f"{day} {first}"]
    assert found[0].due == next_due(midnight, noon_before)


def test_where_the_clocks_change_by_half_an_hour_every_time_is_due_once():
    lord_howe = "Australia/Lord_Howe"
    assert due_on("15 2 * * *", "2026-10-04", lord_howe) == ["02:30+1100"]
    assert due_on("45 1 * * *", "2026-04-05", lord_howe) == ["01:45+1100"]
    assert due_on("45 * * * *", "2026-04-05", lord_howe)[1:4] == ["01:45+1100", "01:45+1030", "02:45+1030"]


CHANGED = job(
    "0 9 * * *",
    schedules=(
        EarlierSchedule(cron="0 6 * * *", until=wall("2026-01-10T00:00")),
        EarlierSchedule(cron="0 7,19 * * *", zone="UTC", until=wall("2026-01-12T09:00")),
    ),
)


def test_of_a_job_whose_schedule_changed_each_schedule_counts_in_its_own_span():
    found = occurrences(CHANGED, wall("2026-01-08T12:00"), wall("2026-01-13T12:00"))
    assert [f"{one.due.astimezone(ZoneInfo(NEW_YORK)):%d %H:%M}" for one in found] == [
        "09 06:00",
        "10 02:00",
        "10 14:00",
        "11 02:00",
        "11 14:00",
        "12 02:00",
        "12 09:00",
        "13 09:00",
    ]
    assert [one.next_due for one in found[:-1]] == [one.due for one in found[1:]]
    assert previous(CHANGED, wall("2026-01-13T12:00"), 8) == found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 6 * 24 * 60))
def test_the_next_due_time_of_a_changed_schedule_is_the_first_occurrence_after(minutes):
    after = wall("2026-01-08T00:00") + timedelta(minutes=minutes)
    following = occurrences(CHANGED, after + timedelta(microseconds=1), after + timedelta(days=3))
    assert next_due(CHANGED, after) == following[0].due


def test_a_schedule_that_was_replaced_before_it_was_ever_due_is_due_never():
    short = EarlierSchedule(cron="0 6 1 1 *", until=wall("2026-01-10T00:00"))
    changed = job("0 9 * * *", schedules=(short,))
    assert next_due(changed, wall("2026-01-05T12:00")) == wall("2026-01-10T09:00")


def test_a_job_that_was_paused_for_a_time_expected_nothing_then():
    began, ended = wall("2026-01-10T12:00"), wall("2026-01-12T09:00")
    daily = job(
        "0 9 * * *",
        schedules=(
            EarlierSchedule(cron="0 9 * * *", until=began),
            EarlierSchedule(cron="none", until=ended),
        ),
    )
    dues = [one.due for one in occurrences(daily, wall("2026-01-09T00:00"), wall("2026-01-14T00:00"))]
    assert dues == [wall(f"2026-01-{day}T09:00") for day in ("09", "10", "12", "13")]
    assert next_due(daily, began) == wall("2026-01-12T09:00")
    assert [one.due for one in previous(daily, ended, 2)] == dues[:2]


@pytest.mark.parametrize(
    ("cron", "trouble"),
    [
        ("61 * * * *", "has no minute 61"),
        ("0 24 * * *", "has no hour 24"),
        ("0 0 0 * *", "has no day 0"),
        ("0 0 * 13 *", "has no month 13"),
        ("0 0 * * 8", "has no weekday 8"),
        ("0 0 31 2 *", "has no day '31' that ever comes"),
        ("0 18 * * FOO", "has no weekday 'FOO' that ever comes"),
        ("* * * *", "has 4 fields, not 5 (minute hour day month weekday)"),
        ("0 0 12 * * *", "has 6 fields, not 5 (minute hour day month weekday)"),
        ("", "has 0 fields, not 5 (minute hour day month weekday)"),
    ],
)
def test_a_cron_line_that_cannot_be_is_refused_in_words(cron, trouble):
    with pytest.raises(ConfigurationError) as caught:
        validate_cron("members-sync", cron, NEW_YORK)
    assert str(caught.value) == f"job 'members-sync': cron {cron!r} {trouble}; fix config/jobs.yaml"


@pytest.mark.parametrize(
    "cron", ["*/15 * * * *", "0 6 * * mon-fri", "30 18 L * *", "0 9 * * 1#2", "0 0 * * 7"]
)
def test_usual_cron_lines_are_accepted(cron):
    validate_cron("j-1", cron, NEW_YORK)


def test_an_unknown_zone_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigurationError) as caught:
        validate_cron("j-1", "0 0 * * *", "America/Chicgo")
    assert str(caught.value) == (
        "job 'j-1': zone 'America/Chicgo' is not known; did you mean 'America/Chicago'?; fix config/jobs.yaml"
    )
