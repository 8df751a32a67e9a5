"""The bench of the core: ours and plain Python come to the same, so what they took can be compared."""

from __future__ import annotations

import pytest
from tests.bench import core


@pytest.mark.parametrize("task", core.WORKS)
def test_ours_and_plain_python_agree(task: str) -> None:
    ours, peer, compared = core.WORKS[task](600)
    assert compared(ours()) == compared(peer())


def test_the_inputs_hold_every_case_that_is_worth_comparing() -> None:
    ours, _, _ = core.matching(2000)
    found = ours().by_key.values()
    assert any(one.late for one in found)
    assert any(one.repaired_by_hand for one in found)
    assert any(not one.found for one in found)
    plan = core.planning(600)[0]()
    assert {"C4", "C6", "C11", "R2"} <= {decision.rule for decision in plan.decisions}
