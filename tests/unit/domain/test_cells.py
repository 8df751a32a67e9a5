"""No text from outside becomes a formula in somebody's spreadsheet."""

from __future__ import annotations

import pytest

from pro2_reconciliation.domain.cells import as_text


@pytest.mark.parametrize(
    "text", ["=1+1@example.org", "+1@example.org", "-1@example.org", "@example.org", " =1", "\t1"]
)
def test_a_cell_is_no_formula(text: str) -> None:
    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "ada@example.org", "Opening night = tonight"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert as_text(text) == text
