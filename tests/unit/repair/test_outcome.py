"""What became of a decision, by plan and ledger alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.incident.overview.looking import Looking
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.words import Choice, Mode, Remedy
from pro2_reconciliation.overview import commands
from pro2_reconciliation.repair.outcome import FIXED, SETTLED, End, ending
from pro2_reconciliation.repair.report import make_report
from pro2_reconciliation.repair.timeline import END_WORDS, LOOK_OF


def test_what_a_person_closed_is_neither_failed_nor_open(tmp_path: Path) -> None:
    """The stop of 121 was never proven; somebody looked in Pro2 and said so."""
    looking, key = Looking(tmp_path, "evening-outage"), "campaign:121"
    plan, report = looking.reconcile()
    assert {row.key: row.outcome for row in report.rows}[key] is End.NEEDS_HUMAN

    commands.close(looking.ledger, "playhouse", looking.site.zone, key, who="Kim", why="it is stopped now")

    row = next(
        row
        for row in make_report(looking.account("report"), plan, Mode.ASK, not_now={}).rows
        if row.key == key
    )
    assert (row.outcome, row.detail) == (End.CLOSED, "closed by Kim: it is stopped now")
    assert row.outcome in SETTLED
    assert looking.items()[key].outcome == "closed"


@pytest.mark.parametrize(
    ("choice", "end"), [(Choice.LEAVE, End.NOT_CHOSEN), (Choice.KEEP_WATCHING, End.OPEN)]
)
def test_what_a_person_left_is_left_whether_or_not_clear_has_said_so(choice: Choice, end: End) -> None:
    decision = f.decision(remedy=Remedy.RESEND)
    found = ending(decision, Mode.ASK, choice, None, "")
    assert (found.end, found.detail) == (end, f"left: «{choice.value}»")


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("remedy", [remedy for remedy in Remedy if not remedy.acts])
def test_what_needs_no_repair_ends_with_the_plan(mode: Mode, remedy: Remedy) -> None:
    found = ending(f.decision(remedy=remedy), mode, Choice.LEAVE, None, "left")
    assert (found.end, found.detail) == (FIXED[remedy], "")


def test_every_end_has_a_look_and_a_word() -> None:
    assert set(LOOK_OF) == set(END_WORDS) == set(End)
