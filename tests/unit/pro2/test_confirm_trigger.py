"""The trigger that proves a step: it looks until the world shows it, and ends its own task."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent
from tests.unit.pro2.conftest import Playing, ledger_is_away
from tests.unit.pro2.test_remedies import bring_to, step_of

from pro2.operators.remedies import StopCampaignOperator
from pro2.triggers.confirm import LOOK_AGAIN_SECONDS, LOOKS_IN_VAIN, ConfirmTrigger
from pro2_reconciliation.domain.errors import LedgerUnavailable
from pro2_reconciliation.ledger import Ledger, State
from pro2_reconciliation.repair.proofs import Proof, Verdict


@pytest.fixture
def step(playing: Playing) -> dict[str, Any]:
    _, cleared = playing.cleared()
    return step_of(cleared, "stop_campaign", "campaign:103")


def proof(step: dict[str, Any]) -> TriggerEvent:
    async def collected() -> list[TriggerEvent]:
        return [event async for event in ConfirmTrigger(step=step, who="a trigger").run()]

    (event,) = asyncio.run(collected())
    return event


def test_ends_its_task_as_a_success_once_the_world_shows_it(
    playing: Playing, step: dict[str, Any], slept: list[float], executable: None
) -> None:
    StopCampaignOperator(task_id="stop_campaign", step=step).execute(playing.context())
    event = proof(step)
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms is not None
    assert event.xcoms["return_value"]["state"] == "proven"
    assert slept, "two reads are needed, so it waits once"
    action = playing.ledger.action(step["action_id"])
    assert action is not None
    assert action.steps[0].state is State.CONFIRMED


def test_ends_its_task_as_a_failure_when_it_does_not_come(
    playing: Playing, step: dict[str, Any], slept: list[float]
) -> None:
    bring_to(playing, State.DONE)  # accepted, and nothing stopped
    assert isinstance(proof(step), TaskFailedEvent)
    action = playing.ledger.action(step["action_id"])
    assert action is not None
    assert action.steps[0].state is State.NEEDS_HUMAN


def test_skips_its_task_when_only_a_newer_export_could_show_it(
    playing: Playing, step: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a success nor a failure: the next dag run looks again."""
    monkeypatch.setattr(Proof, "look", lambda _: Verdict(state="open", why="needs a newer export"))
    assert isinstance(proof(step), TaskSkippedEvent)


@pytest.mark.parametrize("part", ["action", "move"])
def test_waits_for_a_ledger_that_is_away(
    playing: Playing,
    step: dict[str, Any],
    slept: list[float],
    executable: None,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
) -> None:
    """Else a step that was done stands as failed, because its database was started anew."""
    StopCampaignOperator(task_id="stop_campaign", step=step).execute(playing.context())
    there, times = getattr(Ledger, part), iter((ledger_is_away, ledger_is_away))
    monkeypatch.setattr(Ledger, part, lambda self, *given, **named: next(times, there)(self, *given, **named))
    assert isinstance(proof(step), TaskSuccessEvent)
    assert slept.count(LOOK_AGAIN_SECONDS) == 2


def test_gives_a_ledger_up_that_stays_away(
    step: dict[str, Any], slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "action", ledger_is_away)
    with pytest.raises(LedgerUnavailable):
        proof(step)
    assert slept == [LOOK_AGAIN_SECONDS] * LOOKS_IN_VAIN


def test_sends_nothing(playing: Playing, step: dict[str, Any], slept: list[float]) -> None:
    bring_to(playing, State.DONE)
    proof(step)
    assert playing.evening.effects() == []
