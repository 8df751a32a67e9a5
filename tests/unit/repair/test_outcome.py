"""What became of a decision, by plan and ledger alone."""

from __future__ import annotations

import pytest
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.words import Choice, Mode, Remedy
from pro2_reconciliation.repair.outcome import FIXED, End, ending
from pro2_reconciliation.repair.timeline import END_WORDS, LOOK_OF


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
