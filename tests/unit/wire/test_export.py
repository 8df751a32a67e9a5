"""The Activity Log out of files: what is read, what is refused in words, and where an absence means something."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.export import ActivityExport
from pro2_reconciliation.domain.jobs import ActivityLog, Job
from pro2_reconciliation.domain.words import Outcome, ProcessType
from pro2_reconciliation.wire.export import Export, ExportFile

ZONE = "America/Chicago"
HEADER = (
    "Organization;Process;Job ID;Job;Started;Finished;Status;Returned;Updated;Failed;Tag;Run ID;Started by"
)
COLUMNS = {
    "organization": "Organization",
    "process": "Process",
    "job_id": "Job ID",
    "job": "Job",
    "started": "Started",
    "finished": "Finished",
    "status": "Status",
    "returned": "Returned",
    "updated": "Updated",
    "failed": "Failed",
    "tag": "Tag",
    "run_id": "Run ID",
    "started_by": "Started by",
}
NOW = datetime(2031, 3, 6, 12, tzinfo=UTC)
MADE = datetime(2031, 3, 6, 6, tzinfo=UTC)
SINCE = datetime(2031, 3, 1, tzinfo=UTC)


def rules(**changes: Any) -> ActivityExport:
    plain: dict[str, Any] = {
        "path": "file:///exports",
        "columns": COLUMNS,
        "as_of": "modified",
        "margin_minutes": 0,
        "delimiter": ";",
        "day_first": True,
    }
    return ActivityExport.model_validate({**plain, **changes})


def line(
    run: str = "r1", started: str = "04/03/2031 18:30:00", status: str = "Completed", **more: str
) -> str:
    cells = {
        "organization": "playhouse",
        "process": "Data Sync",
        "job_id": "j-201",
        "job": "Members sync",
        "started": started,
        "finished": "",
        "status": status,
        "returned": "1204",
        "updated": "1200",
        "failed": "4",
        "tag": "members",
        "run_id": run,
        "started_by": "Schedule",
        **more,
    }
    return ";".join(cells[key] for key in COLUMNS)


def sheet_of(*lines: str, header: str = HEADER) -> bytes:
    return "".join(f"{one}\r\n" for one in (header, *lines)).encode()


def file(content: bytes, name: str = "a.csv", made: datetime = MADE) -> ExportFile:
    return ExportFile(name, made, content)


def job(job_id: str, name: str) -> Job:
    return Job(
        organization="playhouse",
        id=job_id,
        name=name,
        process_type=ProcessType.DATA_SYNC,
        cron="30 18 * * *",
        zone=ZONE,
    )


def read(
    *files: ExportFile | bytes, since: datetime = SINCE, jobs: tuple[Job, ...] = (), **changes: Any
) -> ActivityLog:
    export = Export(rules(**changes), "playhouse", ZONE, jobs)
    return export.log([one if isinstance(one, ExportFile) else file(one) for one in files], since, NOW, NOW)


def refusal(*files: ExportFile | bytes, **changes: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        read(*files, **changes)
    return str(caught.value)


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


class TestTheEncoding:
    @pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_is_told_by_a_mark_or_by_the_configuration(self, code: str) -> None:
        body = sheet_of(line(job="Café für Mitglieder")).decode().encode(code)
        (row,) = read(body, encoding="cp1252" if code == "cp1252" else "utf-8").rows
        assert row.name == "Café für Mitglieder"

    def test_that_is_another_than_configured_is_refused(self) -> None:
        body = sheet_of(line(job="Café")).decode()
        assert "a.csv, line 2: byte E9 is no utf-8; try encoding: cp1252" in refusal(body.encode("cp1252"))
        assert "is UTF-8 and not cp1252" in refusal(body.encode(), encoding="cp1252")
        assert "looks like UTF-16" in refusal(body.encode("utf-16-le").replace(b"\xe9", b"e"))


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


def workbook(*, number_format: str = "dd/mm/yyyy hh:mm", hidden: bool = False, **cells: Any) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Log"
    page.append(HEADER.split(";"))
    values: list[Any] = line().split(";")
    values[2], values[4] = 201, cells.get("started", datetime(2031, 3, 4, 18, 30))
    values[7:10] = cells.get("returned", 1204), 1200, 4.0
    page.append(values)
    page["E2"].number_format = number_format
    page.append(["Total", 1])
    if "second" in cells:
        book.create_sheet(cells["second"]).sheet_state = "hidden" if hidden else "visible"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class TestAWorkbook:
    def test_is_read_like_a_csv(self) -> None:
        (row,) = read(workbook()).rows
        assert (row.job_id, row.started) == ("201", datetime(2031, 3, 5, 0, 30, tzinfo=UTC))
        assert row.counts is not None
        assert row.counts.failed == 4

    def test_may_hold_its_times_as_plain_numbers(self) -> None:
        days = (datetime(2031, 3, 4, 18, 30) - datetime(1899, 12, 30)) / timedelta(days=1)
        (row,) = read(workbook(started=days, number_format="General")).rows
        assert row.started == datetime(2031, 3, 5, 0, 30, tzinfo=UTC)

    def test_keeps_times_as_fractions_that_miss_the_second_by_a_hair(self) -> None:
        days = (datetime(2031, 3, 4, 18, 30) - datetime(1899, 12, 30)) / timedelta(days=1) - 1e-9
        (row,) = read(workbook(started=days, number_format="General")).rows
        assert row.started == datetime(2031, 3, 5, 0, 30, tzinfo=UTC)

    def test_with_a_formula_that_nobody_computed_is_refused(self) -> None:
        said = refusal(workbook(returned="=1+1"))
        assert "sheet «Log»: cell H2 holds a formula without a value" in said

    def test_has_one_visible_sheet_or_the_one_that_is_named(self) -> None:
        assert len(read(workbook(second="Notes", hidden=True)).rows) == 1
        assert "has 2 visible sheets of «Log», «Notes»; name the right one" in refusal(
            workbook(second="Notes")
        )
        assert len(read(workbook(second="Notes"), sheet="Log").rows) == 1
        assert "has no sheet «Logg», only «Log»" in refusal(workbook(), sheet="Logg")

    def test_cut_short_is_refused(self) -> None:
        whole = workbook()
        assert "is no whole XLSX workbook" in refusal(whole[: len(whole) // 2])


@given(
    minutes=st.lists(st.integers(0, 60 * 24 * 4), min_size=1, max_size=20, unique=True),
    name=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))),
)
def test_what_was_written_is_read_again(minutes: list[int], name: str) -> None:
    """Any name of a job, with delimiters and quotes in it, and any times."""
    starts = [SINCE + timedelta(hours=6, minutes=one) for one in minutes]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER.split(";"))
    for number, start in enumerate(starts):
        wall = start.astimezone(ZoneInfo(ZONE))
        cells = line(f"r{number}", started=f"{wall:%d/%m/%Y %H:%M}").split(";")
        writer.writerow([*cells[:3], name, *cells[4:]])
    writer.writerow(("Total", len(starts)))
    log = read(out.getvalue().encode())
    assert [row.started for row in log.rows] == sorted(starts)
    assert {row.name for row in log.rows} == {name.strip()}
