"""A whole evening over read-only connections: whatever the mode, and whatever else is set, Pro2 is only read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import INCIDENTS, Carrier, Evening
from tests.incident.player import Player

from pro2.hooks import failures
from pro2_reconciliation.domain.words import Mode, Verb
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_sandbox import load_incident

SENTENCE = "the connection is read-only; set read_only to false"
CHANGED = (
    "campaign_copied",
    "campaign_stopped",
    "campaign_sent",
    "job_",
    "import",
    "run_now",
    "tag_",
    "repeat",
)


class Fenced(Carrier):
    """As a hook over a read-only connection, and it counts what came so far as to be refused."""

    def __init__(self, carrier: Carrier) -> None:
        super().__init__(carrier.sandbox, carrier.headers)
        self.refused: list[Request] = []

    def carry(self, request: Request) -> Reply:
        if request.mutating:
            self.refused.append(request)
            raise failures.read_only(request, "pro2")
        return super().carry(request)


def fence(evening: Evening) -> list[Fenced]:
    evening.pro2, evening.dashboard = fences = [Fenced(evening.pro2), Fenced(evening.dashboard)]
    return fences


def changes(evening: Evening) -> list[dict[str, Any]]:
    return [e for e in evening.effects() if e["kind"].startswith(CHANGED)]


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    made = Evening(tmp_path)
    made.end_outage()
    yield made
    made.ledger().close()


@pytest.mark.parametrize("known", [True, False], ids=["gates know it", "only the hooks know it"])
@pytest.mark.parametrize("mode", list(Mode))
def test_an_evening_changes_nothing_in_any_mode(evening: Evening, mode: Mode, known: bool) -> None:
    """Everything is approved. Gates that do not know of it must not be what it hangs on."""
    fences = fence(evening)
    account = evening.account("run-1", read_only=dict.fromkeys(Verb, SENTENCE) if known else {})

    plan, report = evening.reconcile(mode, account=account)

    assert evening.effects() == []
    assert all(not request.mutating for fenced in fences for request in fenced.carried)
    assert len(plan.decisions) > 20
    assert not any(row.outcome is End.VERIFIED and row.remedy.acts for row in report.rows)
    tried = any(fenced.refused for fenced in fences)
    assert tried is (not known and mode is not Mode.PLAN)


def test_what_was_chosen_and_refused_is_told_and_stays_open(evening: Evening) -> None:
    fence(evening)
    _, report = evening.reconcile(account=evening.account("run-1", read_only=dict.fromkeys(Verb, SENTENCE)))
    refused = [row for row in report.rows if SENTENCE in row.detail]
    assert len(refused) > 5
    assert {row.outcome for row in refused} == {End.NOT_NOW}


@pytest.mark.parametrize("incident", ["everything-down", "trigger-kinds", "people-everywhere"])
def test_other_evenings_with_detection_nightly_and_guard_change_nothing_either(
    tmp_path: Path, incident: str
) -> None:
    player = Player(tmp_path, load_incident(incident))
    fences = [fenced for one in player.played for fenced in fence(one.house)]

    played = player.play()

    assert any(one.runs for one in played)
    for one in played:
        assert [e for e in one.house.effects() if e["kind"].startswith(CHANGED)] == []
    assert all(not request.mutating for fenced in fences for request in fenced.carried)


def test_a_guard_whose_connection_became_read_only_stops_nothing_and_tells(tmp_path: Path) -> None:
    """It was writable when the copy was sent; the original wakes after somebody set it back."""
    evening = Evening(tmp_path, INCIDENTS / "worked-example.yaml")
    evening.end_outage()
    _, report = evening.reconcile()
    assert next(row for row in report.rows if row.item_id == "103").outcome is End.VERIFIED
    evening.clock.every_minute = None
    before = evening.effects()
    fences = fence(evening)
    at, original = evening.world.advance(), evening.world.campaigns.all[103]
    original.seconds = 3600
    evening.world.campaigns._start(original, at, "vendor")

    evening.clock.at += timedelta(minutes=1)
    told = guard_pass(evening.account("guard")).alarms

    assert evening.effects() == before
    assert all(not request.mutating for fenced in fences for request in fenced.carried)
    assert told
