"""The times of an export: day first or not, zones, hours that the clocks skip or show twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.wire.exports import (
    SINCE,
    line,
    read,
    refusal,
    sheet_of,
)


class TestATime:
    def test_with_numbers_alone_is_refused_until_the_order_is_said(self) -> None:
        body = sheet_of(line())
        said = refusal(body, day_first=None)
        assert "a.csv, line 2: 'Started' is '04/03/2031 18:30:00': is the day first or the month?" in said
        assert "day_first: true or false" in said
        (april,) = read(body, day_first=False, since=SINCE - timedelta(days=99)).rows or (None,)
        assert april is None, "3 April is after the time that was asked for"

    def test_that_does_not_fit_the_order_is_refused(self) -> None:
        assert "no time with the day second" in refusal(
            sheet_of(line(started="25/03/2031 18:30")), day_first=False
        )

    @pytest.mark.parametrize(
        ("written", "form", "hour"),
        [
            ("2031-03-04T18:30:00-06:00", None, 0),
            ("2031-03-04 18:30", None, 0),
            ("2031-03-05T00:30:00Z", None, 0),
            ("4.3.2031, 18:30", None, 0),
            ("04/03/2031 6:30 PM", None, 0),
            ("04/03/2031 12:30 a.m.", None, 6),
            ("Mar 4 31 18h30", "%b %d %y %Hh%M", 0),
        ],
    )
    def test_is_read_in_many_forms(self, written: str, form: str | None, hour: int) -> None:
        choice = {"date_format": form, "day_first": None} if form else {}
        (row,) = read(sheet_of(line(started=written)), **choice).rows
        assert row.started == datetime(2031, 3, 5 if hour == 0 else 4, hour, 30, tzinfo=UTC)

    def test_has_the_zone_of_the_export(self) -> None:
        (row,) = read(sheet_of(line()), zone="UTC").rows
        assert row.started == datetime(2031, 3, 4, 18, 30, tzinfo=UTC)

    def test_that_the_clocks_skipped_is_refused(self) -> None:
        said = refusal(sheet_of(line(started="10/03/2030 02:30")))  # 10 March 2030: clocks go forward
        assert "which the clocks in America/Chicago skipped; correct zone" in said

    def test_that_the_clocks_showed_twice_is_refused_only_where_it_was_asked_for(self) -> None:
        twice = line("twice", started="03/11/2030 01:30")
        body = sheet_of(twice, line())
        assert [row.run_id for row in read(body).rows] == ["r1"]
        said = refusal(body, since=datetime(2030, 11, 1, tzinfo=UTC))
        assert "showed twice; export with UTC offsets or in UTC" in said

    @pytest.mark.parametrize(
        ("written", "words"),
        [("", "is empty"), ("2031-03-04", "a day without a time"), ("yesterday", "no known time")],
    )
    def test_that_is_none_is_refused(self, written: str, words: str) -> None:
        assert words in refusal(sheet_of(line(started=written)))
