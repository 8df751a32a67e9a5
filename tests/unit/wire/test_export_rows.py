"""The rows of an export: header names, labels, counts, who started a run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.unit.wire.exports import (
    HEADER,
    job,
    line,
    read,
    refusal,
    sheet_of,
)

from pro2_reconciliation.domain.words import Outcome, ProcessType


class TestARow:
    def test_is_read_with_everything_that_the_export_says(self) -> None:
        (row,) = read(sheet_of(line(finished="04/03/2031 18:42:10"))).rows
        assert row.started == datetime(2031, 3, 5, 0, 30, tzinfo=UTC)
        assert row.finished == datetime(2031, 3, 5, 0, 42, 10, tzinfo=UTC)
        assert (row.run_id, row.job_id, row.name, row.tag) == ("r1", "j-201", "Members sync", "members")
        assert (row.process_type, row.outcome, row.manual) == (ProcessType.DATA_SYNC, Outcome.SUCCESS, False)
        assert row.counts is not None
        assert (row.counts.returned, row.counts.updated, row.counts.failed) == (1204, 1200, 4)

    def test_with_a_label_that_nobody_knows_is_unknown_and_keeps_it(self) -> None:
        (row,) = read(sheet_of(line(status="Abgebrochen", process="Sonstiges", started_by="?"))).rows
        assert (row.outcome, row.raw_status) == (Outcome.UNKNOWN, "Abgebrochen")
        assert (row.process_type, row.manual) == (None, None)

    def test_has_labels_that_the_site_maps(self) -> None:
        body = sheet_of(line(status=" ABGEBROCHEN ", process="Abgleich", started_by="Frau Klein"))
        mapped = {"outcomes": {"abgebrochen": "stopped"}, "processes": {"Abgleich": "data_sync"}}
        (row,) = read(body, by_hand=["Frau Klein"], **mapped).rows
        assert (row.outcome, row.process_type, row.manual) == (Outcome.STOPPED, ProcessType.DATA_SYNC, True)

    def test_without_ids_is_found_by_the_name_of_its_job_and_its_start(self) -> None:
        by_name = {"job": "Job", "started": "Started", "status": "Status"}
        (row,) = read(sheet_of(line()), columns=by_name, jobs=(job("j-9", "members  SYNC"),)).rows
        assert (row.job_id, row.run_id) == ("j-9", "j-9@2031-03-05T00:30:00Z")

    def test_of_a_name_that_two_jobs_have_is_refused(self) -> None:
        by_name = {"job": "Job", "started": "Started", "status": "Status"}
        two = (job("j-8", "Members sync"), job("j-9", "Members sync"))
        assert "the name of jobs j-8, j-9; export the ids" in refusal(
            sheet_of(line()), columns=by_name, jobs=two
        )

    def test_of_another_organization_is_not_ours(self) -> None:
        log = read(sheet_of(line("r1"), line("r2", organization="Opera")))
        assert [row.run_id for row in log.rows] == ["r1"]

    def test_of_others_only_is_refused_because_our_name_may_be_wrong(self) -> None:
        assert "no row of the export is of organization 'playhouse', only of 'Opera'" in refusal(
            sheet_of(line(organization="Opera"))
        )

    @pytest.mark.parametrize(
        ("written", "number"), [("1,204", 1204), ("1.204", 1204), ("1\u00a0204", 1204), ("7", 7), ("", None)]
    )
    def test_counts_are_numbers_as_people_write_them(self, written: str, number: int | None) -> None:
        (row,) = read(sheet_of(line(returned=written))).rows
        assert row.counts is not None
        assert row.counts.returned == number

    def test_counts_that_are_none_are_refused(self) -> None:
        assert "line 2: 'Returned' is '12.5', not a whole number" in refusal(sheet_of(line(returned="12.5")))


class TestTheHeader:
    def test_is_found_below_titles_and_in_any_case(self) -> None:
        titled = b"Activity Log\r\n\r\n" + sheet_of(line(), header=HEADER.upper())
        assert len(read(titled).rows) == 1

    def test_without_a_column_names_what_was_found_and_what_is_near(self) -> None:
        said = refusal(sheet_of(line(), header=HEADER.replace("Started;", "Started at;")))
        assert "a.csv has no column 'Started'; its header in line 1 is 'Organization', 'Process'" in said
        assert "did you mean 'Started at'? Correct columns.started in activity_export.yaml" in said

    def test_in_one_piece_asks_for_the_delimiter(self) -> None:
        assert "is the delimiter ',' right?" in refusal(sheet_of(line()), delimiter=",")

    def test_with_a_column_twice_is_refused(self) -> None:
        assert "column 'Status' stands twice" in refusal(
            sheet_of(line(), header=HEADER.replace("Tag", "status"))
        )
