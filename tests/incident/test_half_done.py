"""A resend that ends half way says where each campaign stands in Pro2, and what to press; what can go on, goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import INCIDENTS, Evening
from tests.incident.test_faults_and_gates import COPY, SEND, between_stop_and_send, row_of

from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.repair.report import End
from pro2_sandbox import Fault


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path, INCIDENTS / "worked-example.yaml")
    found.end_outage()
    return found


def spoil(evening: Evening, match: Any, kind: Any, skip: int = 0, times: int = 1) -> None:
    evening.world.faults.add(Fault(match=match, kind=kind, times=times, skip=skip))


def test_stopped_only(evening: Evening) -> None:
    spoil(evening, COPY, "403")
    row = row_of(evening.reconcile()[1])
    assert row.outcome is End.FAILED
    assert "the original 103 is stopped, 0 sent, there is no copy of ours" in row.detail
    assert " CST: " in row.detail
    assert row.steps[0].startswith(
        "Open «Opening night invitation» (103) in Pro2 and check that it is stopped"
    )
    assert "duplicate it" in row.steps[1]
    assert "leave the original stopped" in row.steps[1]


def test_stopped_and_copied(evening: Evening) -> None:
    spoil(evening, SEND, "403", skip=1)
    row = row_of(evening.reconcile()[1])
    assert "the original 103 is stopped, 0 sent, the copy 104 is a draft, 0 sent" in row.detail
    assert "open the copy 104, check that it shows 0 sent, and send it once" in row.steps[1]


def test_the_gate_before_the_send_closed(evening: Evening) -> None:
    between_stop_and_send(
        evening, lambda: evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "kim", "odd")
    )
    row = row_of(evening.reconcile()[1])
    assert row.outcome is End.NOT_NOW
    assert "the copy 104 is a draft, 0 sent" in row.detail
    assert row.steps[0].startswith("Start reconcile again and choose «resend»")
    assert "sending the copy" in row.steps[0]
    assert "`hold campaign:103`" in row.steps[1]


def test_two_copies_and_nobody_knows_which_is_ours(evening: Evening) -> None:
    spoil(evening, COPY, "timeout_after")
    carry = evening.pro2.carry

    def carried(request: Any) -> Any:
        try:
            return carry(request)
        finally:
            if request.path.endswith("/copy") and len(_copies(evening)) == 1:
                evening.world.campaigns.copy(
                    evening.world.campaigns.all[103], evening.world.advance(), "person"
                )

    evening.pro2.carry = carried  # type: ignore[method-assign]
    row = row_of(evening.reconcile()[1])
    assert row.outcome is End.NEEDS_HUMAN
    assert "the copy 104 is a draft, 0 sent, the copy 105 is a draft, 0 sent" in row.detail
    assert "Keep one of the copies 104, 105 and delete the others" in row.steps[1]
    assert evening.truth()["mailed_twice"] == []


def _copies(evening: Evening) -> list[Any]:
    return [e for e in evening.effects() if e["kind"] == "campaign_copied"]


def test_a_send_that_was_refused_three_times_can_be_chosen_again_later(evening: Evening) -> None:
    """Each plan has its own attempts; else it would be offered every night and never be done."""
    spoil(evening, SEND, "refuse", skip=1, times=5)
    for number in range(3):
        row = row_of(evening.reconcile(dag_run=f"ask__{number}")[1])
        if row.outcome is End.VERIFIED:
            break
        spoil(evening, SEND, "refuse", times=5)
        assert "the copy 104 is a draft, 0 sent" in row.detail
        assert row.steps[0].startswith("Start reconcile again")
    evening.world.faults.clear()
    row = row_of(evening.reconcile(dag_run="ask__4")[1])
    assert row.outcome is End.VERIFIED, row.detail
    assert evening.truth()["mailed_twice"] == []
