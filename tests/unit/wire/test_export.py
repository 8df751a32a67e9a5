"""The Activity Log out of files: what is refused in words, and where an absence means something."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.wire.exports import (
    COLUMNS,
    MADE,
    NOW,
    file,
    line,
    read,
    refusal,
    sheet_of,
)

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.words import Outcome


class TestAFile:
    def test_with_totals_is_checked_against_them(self) -> None:
        lines = [line("r1"), line("r2", started="05/03/2031 18:30:00")]
        assert len(read(sheet_of(*lines, "Total;2")).rows) == 2
        said = refusal(sheet_of(*lines, "Total;3"))
        assert "a.csv, line 4 says 3 rows and 2 were read; the file was cut short" in said

    def test_with_sums_of_contacts_gives_no_count_of_rows(self) -> None:
        assert len(read(sheet_of(line(), "Total;;;;;;;1204;1200;4;;;")).rows) == 1

    def test_whose_totals_are_missing_was_cut_short_where_they_are_required(self) -> None:
        must = {"totals": {"required": True}}
        assert len(read(sheet_of(line(), "Total;1"), **must).rows) == 1
        assert "does not end with its line of totals" in refusal(sheet_of(line()), **must)

    def test_of_a_job_called_total_is_no_line_of_totals(self) -> None:
        assert len(read(sheet_of(line(organization="Total"), line("r2"))).rows) == 1

    @given(cut=st.integers(min_value=1))
    def test_cut_anywhere_never_loses_a_run_without_a_word(self, cut: int) -> None:
        """With its totals required, a file is read whole or not at all."""
        whole = sheet_of(line("r1"), line("r2", started="05/03/2031 18:30:00"), "Total;2")
        part = whole[: cut % len(whole)]
        try:
            log = read(part, totals={"required": True})
        except Unreadable:
            return
        assert len(log.rows) == 2

    def test_whose_last_line_has_no_end_is_refused_until_the_site_says_that_it_is_usual(self) -> None:
        body = sheet_of(line())[:-2]
        assert "the last line has no end" in refusal(body)
        assert len(read(body, ends_with_newline=False).rows) == 1

    def test_with_a_short_line_or_a_quote_that_never_ends_is_refused(self) -> None:
        assert "line 3 has 5 cells and the header 13; the file was cut short" in refusal(
            sheet_of(line(), "playhouse;Data Sync;j;J;04/03/2031 18:30:00")
        )
        assert "the file was cut short or its quotes are wrong" in refusal(
            sheet_of(line(job='"Members')), ends_with_newline=False
        )

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"  \r\n", "is empty"),
            (b"<!DOCTYPE html><html>", "is a web page"),
            (b"\xd0\xcf\x11\xe0\xa1", "save it as .xlsx"),
            (b"PK\x03\x04 and no more", "is no whole XLSX workbook"),
        ],
    )
    def test_that_is_no_table_is_refused(self, content: bytes, words: str) -> None:
        assert words in refusal(content)

    def test_with_one_run_twice_counts_it_once_and_refuses_two_versions(self) -> None:
        assert len(read(sheet_of(line(), line())).rows) == 1
        assert "run r1 stands twice with different content" in refusal(
            sheet_of(line(), line(status="Failed"))
        )


class TestSeveralFiles:
    def test_tell_the_same_run_once_as_the_newest_knows_it(self) -> None:
        older = file(sheet_of(line(status="In progress")), "b.csv", MADE - timedelta(hours=6))
        log = read(file(sheet_of(line())), older)
        assert [row.outcome for row in log.rows] == [Outcome.SUCCESS]

    def test_that_touch_are_whole_together(self) -> None:
        first = file(sheet_of(line("r1")), "a.csv", datetime(2031, 3, 5, 12, tzinfo=UTC))
        second = file(sheet_of(line("r2", started="05/03/2031 05:00:00")), "b.csv", MADE)
        log = read(first, second)
        assert (log.whole_from, log.as_of) == (datetime(2031, 3, 5, 0, 30, tzinfo=UTC), MADE)

    def test_with_a_gap_are_whole_over_the_newest_only_and_keep_every_row(self) -> None:
        first = file(sheet_of(line("r1")), "a.csv", datetime(2031, 3, 5, 2, tzinfo=UTC))
        second = file(sheet_of(line("r2", started="05/03/2031 18:30:00")), "b.csv", MADE)
        log = read(first, second)
        assert log.whole_from == datetime(2031, 3, 6, 0, 30, tzinfo=UTC)
        assert [row.run_id for row in log.rows] == ["r1", "r2"]

    def test_a_run_that_has_ended_is_not_under_way_again_in_whatever_order_the_files_are(self) -> None:
        """The name of a file of the second pass of autumn's repeated hour sorts before those of the first."""
        ended = file(sheet_of(line("r1")), "a.csv", MADE - timedelta(minutes=40))
        running = file(sheet_of(line("r1", status="In progress", finished="")), "b.csv", MADE)
        assert [row.outcome for row in read(ended, running).rows] == [Outcome.SUCCESS]
        assert [row.outcome for row in read(running, file(sheet_of(line("r1")), "c.csv", MADE)).rows] == [
            Outcome.SUCCESS
        ]

    def test_one_bad_file_spoils_the_read(self) -> None:
        assert refusal(sheet_of(line()), file(b"rubbish", "b.csv")).startswith("b.csv has no column")

    def test_none_is_an_error_that_names_the_path(self) -> None:
        assert refusal() == "there is no export at file:///exports; put one there"


class TestWhenItIsWhole:
    def test_from_its_first_row_until_it_was_made_less_the_margin(self) -> None:
        log = read(sheet_of(line("r2", started="05/03/2031 01:00"), line()), margin_minutes=5)
        assert log.as_of == MADE - timedelta(minutes=5)
        assert log.begins_after(datetime(2031, 3, 5, 0, 29, tzinfo=UTC))
        assert not log.begins_after(datetime(2031, 3, 5, 0, 30, tzinfo=UTC))

    def test_as_far_back_as_the_site_vouches_for(self) -> None:
        assert read(sheet_of(line()), covers_hours=48).whole_from == MADE - timedelta(hours=48)

    def test_without_a_row_it_shows_nothing(self) -> None:
        log = read(sheet_of())
        assert (log.rows, log.whole_from) == ((), log.as_of)

    def test_as_its_name_says_in_local_time(self) -> None:
        by_name = {"as_of": "name", "name_format": "log-%Y-%m-%d_%H%M.csv"}
        log = read(file(sheet_of(line()), "s3://x/log-2031-03-05_2315.csv"), **by_name)
        assert log.as_of == datetime(2031, 3, 6, 5, 15, tzinfo=UTC)
        assert "does not fit name_format" in refusal(file(sheet_of(line()), "other.csv"), **by_name)

    def test_as_its_earliest_row_says(self) -> None:
        columns = {**COLUMNS, "as_of": "Tag"}
        body = sheet_of(line("r1", tag="2031-03-05 20:00"), line("r2", tag="2031-03-05 21:00"))
        log = read(body, as_of="column", columns=columns)
        assert log.as_of == datetime(2031, 3, 6, 2, tzinfo=UTC)

    def test_too_little_rather_than_too_much_where_the_clocks_showed_a_time_twice(self) -> None:
        columns = {**COLUMNS, "as_of": "Tag"}
        body = sheet_of(line(started="03/11/2030 01:30", tag="2030-11-03 01:45"))
        log = read(body, as_of="column", columns=columns, covers_hours=1)
        assert log.as_of == datetime(2030, 11, 3, 6, 45, tzinfo=UTC), "the earlier of the two"
        assert read(body).whole_from == datetime(2030, 11, 3, 7, 30, tzinfo=UTC), "the later of the two"

    def test_a_file_from_the_future_is_refused(self) -> None:
        late = file(sheet_of(line()), made=NOW + timedelta(hours=1))
        assert "was made Thu 6 Mar 07:00 CST, which is still to come" in refusal(late)
