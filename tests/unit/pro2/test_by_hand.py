"""Where a person presses (``actions: manual``): the mapped task itself waits for him, and his answer is its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskAwaitingInput
from tests.unit.pro2.conftest import Playing
from tests.unit.pro2.test_remedies import in_the_ledger, step_of

from pro2 import accounts
from pro2.operators import remedies
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import State

pytestmark = pytest.mark.usefixtures("executable")


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "airflow.sdk.execution_time.hitl.upsert_hitl_detail", lambda **said: shown.append(said)
    )
    return shown


@pytest.fixture
def stop(playing: Playing, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The operator that stops campaign 103, whose connection says ``actions: manual``."""
    _, cleared = playing.cleared()
    opened = accounts.open_account
    by_hand = frozenset({Verb.STOP_CAMPAIGN})
    monkeypatch.setattr(accounts, "open_account", lambda who: replace(opened(who), manual=by_hand))
    return remedies.StopCampaignOperator(
        task_id="stop_campaign", step=step_of(cleared, "stop_campaign", "campaign:103")
    )


def its_context(playing: Playing) -> Any:
    found = playing.context(task_id="stop_campaign", map_index=0)
    found["ti"].id = "ti-1"
    return found


def answered(option: str) -> dict[str, Any]:
    return {"chosen_options": [option], "params_input": {}, "responded_by_user": {"name": "Ada"}}


def test_it_waits_with_the_exact_words(stop: Any, playing: Playing, asked: list[Any]) -> None:
    with pytest.raises(TaskAwaitingInput):
        stop.execute(its_context(playing))
    (said,) = asked
    assert said["options"] == ["I did it", "Not possible", "Skip it"]
    assert said["params"] == {}, "Airflow refuses None"
    assert "stop campaign" in said["subject"]
    assert "Do not delete it" in said["body"]
    assert playing.evening.effects() == []
    assert in_the_ledger(playing, "campaign:103").state is State.INTENDED


def test_it_waits_half_a_day_for_what_mails_nobody(stop: Any, playing: Playing, asked: list[Any]) -> None:
    with pytest.raises(TaskAwaitingInput) as waiting:
        stop.execute(its_context(playing))
    assert waiting.value.timeout == timedelta(hours=12)
    assert waiting.value.method_name == "execute_complete"


def test_a_run_that_cannot_be_stopped_is_an_answer(playing: Playing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the stop, not a failed task: rule R10b stands in the report."""
    refused = SimpleNamespace(state=State.FAILED, moves=[SimpleNamespace(why="Ada says no")])
    monkeypatch.setattr(remedies, "answer_step", lambda *_: refused)
    step = {"verb": "stop_run", "name": "Gala", "item_key": "occurrence:j-1@x", "action_id": "a"}
    task = remedies.StopRunOperator(task_id="stop_run", step=step)
    with pytest.raises(AirflowSkipException, match="Ada says no"):
        task.execute_complete(its_context(playing), answered("Not possible"))


def test_done_is_written_with_the_name_of_who_said_so(stop: Any, playing: Playing) -> None:
    with pytest.raises(TaskAwaitingInput):
        stop.execute(its_context(playing))
    told = stop.execute_complete(its_context(playing), answered("I did it"))
    assert told["state"] == "done"
    assert in_the_ledger(playing, "campaign:103").moves[-1].who == "Ada"
    assert playing.evening.effects() == []


@pytest.mark.parametrize("option", ["Not possible", "Skip it"])
def test_another_answer_fails_the_task_without_a_retry(stop: Any, playing: Playing, option: str) -> None:
    with pytest.raises(TaskAwaitingInput):
        stop.execute(its_context(playing))
    with pytest.raises(AirflowFailException, match="Ada answered"):
        stop.execute_complete(its_context(playing), answered(option))
    assert in_the_ledger(playing, "campaign:103").state is State.NEEDS_HUMAN


@pytest.mark.parametrize(
    "event", [{"error": "timed out", "error_type": "timeout"}, {"chosen_options": ["Send it twice"]}, {}]
)
def test_no_answer_chooses_nothing(stop: Any, playing: Playing, event: dict[str, Any]) -> None:
    with pytest.raises(TaskAwaitingInput):
        stop.execute(its_context(playing))
    with pytest.raises(AirflowSkipException, match="nobody answered"):
        stop.execute_complete(its_context(playing), event)
    assert in_the_ledger(playing, "campaign:103").state is State.INTENDED
