"""The vendor's checklist: a line is ticked only where nothing of it is left, and each process has a line of its own."""

from __future__ import annotations

from tests.unit.repair.reports import AUTOMATION, job, report, row

from pro2_reconciliation.repair.checklist import NOT_NEEDED, PERSON, TICKED, checklist, possibly_stale
from pro2_reconciliation.repair.report import End


def states(*rows, **fields):
    return [line.state for line in checklist(report(*rows, **fields))]


def test_where_nothing_was_touched_nothing_is_ticked():
    assert set(states()) == {NOT_NEEDED}


def test_what_was_repaired_is_ticked():
    assert states(
        row("1", End.VERIFIED, observation="pending", copy_id="9"),
        job("trigger@1", End.VERIFIED, decision="run_now"),
        job("import@1", End.VERIFIED, decision="repeat_import"),
        job("sync@1", End.VERIFIED, decision="data_sync"),
        row("5", End.REPORTED, kind=AUTOMATION),
    ) == [TICKED] * 6 + [NOT_NEEDED, TICKED, TICKED]


def test_what_is_left_is_left_to_a_person():
    assert states(
        row("1", End.NOT_CHOSEN, observation="unknown"),
        job("import@1", End.NEEDS_HUMAN, observation="-", rule="R10b", via=("R12",)),
        job("trigger@1", End.NEEDS_HUMAN, rule="R15", via=("R10", "R11")),
        job("sync@1", End.STALE, rule="R14"),
        job("segment@1", End.NEEDS_HUMAN, rule="R16"),
        alarms=("woke",),
    ) == [*[PERSON] * 7, NOT_NEEDED, PERSON]


def test_what_ended_well_by_itself_needs_nothing():
    assert states(row("1"), job("import@1"), job("sync@1", rule="R13", outcome=End.OPEN)) == [
        TICKED, NOT_NEEDED, TICKED, NOT_NEEDED, NOT_NEEDED, TICKED, NOT_NEEDED, NOT_NEEDED, NOT_NEEDED,
    ]  # fmt: skip


def test_a_line_names_what_is_left_and_how_many_more():
    lines = checklist(report(*(row(str(n), End.NEEDS_HUMAN) for n in range(5)), row("9", End.VERIFIED)))
    assert lines[1].note == "5 left: «Item 0», «Item 1», «Item 2» and 2 more; 1 verified"


def test_an_audience_is_possibly_stale_while_a_job_is_not_settled():
    assert possibly_stale(report(job("a@1"), row("1", End.NEEDS_HUMAN))) == ""
    assert "1 occurrence of jobs is not settled" in possibly_stale(report(job("a@1", End.OPEN)))
    assert "2 occurrences of jobs are" in possibly_stale(report(job("a@1", End.OPEN), job("b@1", End.FAILED)))
