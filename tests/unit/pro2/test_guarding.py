"""One pass of ``guard_repairs``: it beats, and an original that woke makes the task fail."""

from __future__ import annotations

import pytest
from tests.unit.pro2.conftest import Playing

from pro2 import guarding
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.guard import GuardReport


def test_beats_when_there_is_nothing_to_guard(playing: Playing) -> None:
    done = guarding.guard(playing.context())
    assert (done["watched"], done["alarms"], done["unread"], done["plan_only"]) == (0, [], [], "")
    assert playing.ledger.heartbeat(GUARD) == playing.evening.clock.now()


def test_fails_with_the_alarm_so_that_it_is_seen(playing: Playing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pro2_reconciliation.repair.guard.guard_pass",
        lambda account: GuardReport(watched=1, alarms=("«Gala» (104) woke up",)),
    )
    with pytest.raises(ReconciliationError, match="«Gala»"):
        guarding.guard(playing.context())
