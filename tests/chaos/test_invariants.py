"""Each invariant has a test that fails without it: tried by breaking the code, not by reading the test.

``python -m tests.chaos.test_invariants`` writes the table of docs/reliability.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.chaos import broken_bounds, broken_claims, broken_looks
from tests.chaos.breakages import INVARIANTS, ROOT, Breakage, table

LONG = os.environ.get("CHAOS") == "long"
PAGE = ROOT / "docs" / "reliability.md"
BREAKAGES = broken_claims.BREAKAGES + broken_looks.BREAKAGES + broken_bounds.BREAKAGES
ids = {f"{b.invariant}: {b.what}": b for b in BREAKAGES}


def test_every_invariant_is_broken_at_least_once():
    assert {b.invariant for b in BREAKAGES} == set(INVARIANTS)


@pytest.mark.parametrize("breakage", ids.values(), ids=ids.keys())
def test_what_would_be_broken_stands_in_the_code(breakage: Breakage):
    assert breakage.stands_once(), (
        f"{breakage.file} no longer has these lines once; mend tests/chaos/broken_*.py"
    )
    assert (ROOT / breakage.module).is_file()


def test_the_page_shows_the_breakages_that_are_tried():
    assert table(BREAKAGES) in PAGE.read_text(encoding="utf-8"), "run: python -m tests.chaos.test_invariants"


@pytest.mark.skipif(not LONG, reason="breaks the code once for each: scripts/test chaos")
@pytest.mark.parametrize("breakage", ids.values(), ids=ids.keys())
def test_a_broken_invariant_is_noticed(breakage: Breakage, tmp_path: Path):
    failed, printed = breakage.fails_its_test(tmp_path)
    assert failed, f"{breakage.what}: {breakage.test} did not notice\n{printed}"


def write_page() -> None:
    """Put the table where it stands in the page."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    first = next(
        n for n, line in enumerate(lines) if line.startswith("| no. | invariant | broken on purpose")
    )
    last = next(n for n in range(first, len(lines)) if not lines[n].startswith("|"))
    lines[first:last] = table(BREAKAGES).splitlines()
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_page()
