"""A window that a person types, and times as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pro2_reconciliation.domain.config import parse_window
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.localtime import describe_window, local
from pro2_reconciliation.domain.plan import Window

CHICAGO = "America/Chicago"
NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-19T18:00", "2026-11-19 21:05"),
        ("2026-11-20T00:00:00.000Z", "2026-11-20T03:05:00.000Z"),
        ("2026-11-19T18:00-06:00", "2026-11-20T04:05:00+01:00"),
    ],
)
def test_a_window_may_be_written_locally_or_with_an_offset(start, end):
    window = parse_window(start, end, CHICAGO, now=NOW, max_hours=48)
    assert describe_window(window, CHICAGO) == "Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC)"
    assert window.source == "form"


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("yesterday", "2026-11-24T08:00", "'yesterday' is not a time; write 2026-11-23T18:00"),
        ("2026-11-23", "2026-11-24T08:00", "'2026-11-23' is not a time; write 2026-11-23T18:00"),
        ("2026-11-31T18:00", "2026-12-01T08:00", "'2026-11-31T18:00' is not a time; write 2026-11-23T18:00"),
        (
            "2026-11-23T18:00",
            "2026-11-23T18:00",
            "the end, Mon 23 Nov 18:00 CST, is not after the start, Mon 23 Nov 18:00 CST; write a later end",
        ),
        (
            "2026-11-20T08:00",
            "2026-11-23T08:00",
            "the window Fri 20 Nov 08:00 to Mon 23 Nov 08:00 CST (Fri 20 Nov 14:00 to Mon 23 Nov 14:00 UTC) "
            "lasts 72 h, longer than 48 h; shorten it, or confirm that it is meant",
        ),
        (
            "2026-11-24T08:00",
            "2026-11-24T12:01",
            "the window Tue 24 Nov 08:00-12:01 CST (14:00-18:01 UTC) ends in the future, it is "
            "Tue 24 Nov 12:00 CST now; wait until the outage is over, or confirm that it is meant",
        ),
        (
            "2026-11-01T01:30",
            "2026-11-01T08:00",
            "'2026-11-01T01:30' happens twice in America/Chicago; "
            "write 2026-11-01T01:30-05:00 or 2026-11-01T01:30-06:00",
        ),
        (
            "2026-03-08T02:30",
            "2026-03-08T08:00",
            "'2026-03-08T02:30' does not exist in America/Chicago, the clocks skip it; "
            "write a time before or after the jump",
        ),
    ],
)
def test_a_wrong_window_is_refused_in_words(start, end, said):
    with pytest.raises(ConfigurationError) as caught:
        parse_window(start, end, CHICAGO, now=NOW, max_hours=48)
    assert str(caught.value) == said


def test_a_confirmed_window_may_be_long_and_may_end_in_the_future():
    window = parse_window(
        "2026-11-20T08:00", "2026-11-30T08:00", CHICAGO, now=NOW, max_hours=48, confirmed=True
    )
    assert window.end > NOW


def test_a_window_that_ends_now_is_over():
    assert parse_window("2026-11-24T08:00", "2026-11-24T12:00", CHICAGO, now=NOW, max_hours=48).end == NOW


def test_local_times_name_day_and_zone():
    assert local(datetime(2026, 11, 20, tzinfo=UTC), CHICAGO) == "Thu 19 Nov 18:00 CST"
    assert local(datetime(2026, 7, 4, 12, tzinfo=UTC), "America/Santiago") == "Sat 4 Jul 08:00 UTC-04"
    with pytest.raises(ValueError, match="has no time zone"):
        local(datetime(2026, 11, 20), CHICAGO)


@pytest.mark.parametrize(
    ("start", "end", "zone", "said"),
    [
        ("2026-11-01T05:30", "2026-11-01T09:00", CHICAGO, "Sun 1 Nov 00:30 CDT-03:00 CST (05:30-09:00 UTC)"),
        ("2026-11-20T00:00", "2026-11-20T03:05", "UTC", "Fri 20 Nov 00:00-03:05 UTC"),
        (
            "2026-11-20T05:00",
            "2026-11-20T07:00",
            CHICAGO,
            "Thu 19 Nov 23:00 to Fri 20 Nov 01:00 CST (Fri 20 Nov 05:00-07:00 UTC)",
        ),
    ],
)
def test_windows_are_told_in_local_time_with_utc_beside_it(start, end, zone, said):
    window = Window(
        start=datetime.fromisoformat(start).replace(tzinfo=UTC),
        end=datetime.fromisoformat(end).replace(tzinfo=UTC),
    )
    assert describe_window(window, zone) == said
