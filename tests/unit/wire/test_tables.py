"""Tables out of bytes: encodings, workbooks, and what is written is read again."""

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
from tests.unit.wire.exports import (
    HEADER,
    SINCE,
    ZONE,
    line,
    read,
    refusal,
    sheet_of,
)


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
