"""Each invariant has a test that fails without it: tried by breaking the code, not by reading the test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.chaos.breakages import BREAKAGES, INVARIANTS, ROOT, Breakage, table

LONG = os.environ.get("CHAOS") == "long"
ids = {f"{b.invariant}: {b.what}": b for b in BREAKAGES}


def test_every_invariant_is_broken_at_least_once():
    assert {b.invariant for b in BREAKAGES} == set(INVARIANTS)


@pytest.mark.parametrize("breakage", ids.values(), ids=ids.keys())
def test_what_would_be_broken_stands_in_the_code(breakage: Breakage):
    assert breakage.stands_once(), (
        f"{breakage.file} no longer has these lines once; mend tests/chaos/breakages.py"
    )
    assert (ROOT / breakage.module).is_file()


def test_the_page_shows_the_breakages_that_are_tried():
    assert table() in (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not LONG, reason="breaks the code thirty times: scripts/test chaos")
@pytest.mark.parametrize("breakage", ids.values(), ids=ids.keys())
def test_a_broken_invariant_is_noticed(breakage: Breakage, tmp_path: Path):
    failed, printed = breakage.fails_its_test(tmp_path)
    assert failed, f"{breakage.what}: {breakage.test} did not notice\n{printed}"
