"""Operators: each does its own verb and no other, and ends as the step ended."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
)
from tests.claims import every_action
from tests.unit.pro2.conftest import HOSTILE, Playing

from pro2 import operators, sensors
from pro2.operators import remedies
from pro2.sensors.watch import LeanSensor
from pro2.steps import first_unproven
from pro2_reconciliation.domain.errors import LedgerError, StepOpen, Unreadable
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import Stage, State
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.steps import LEASE_SECONDS

pytestmark = pytest.mark.usefixtures("executable")

OWN = {
    remedies.StopCampaignOperator: {"stop_campaign"},
    remedies.DuplicateCampaignOperator: {"copy_campaign"},
    remedies.SendCampaignOperator: {"send_campaign"},
    remedies.StopRunOperator: {"stop_run"},
    remedies.RunNowOperator: {"run_now"},
    remedies.RepeatImportOperator: {"repeat_import"},
    remedies.DataSyncImportOperator: {"import_list"},
    remedies.TagDriftOperator: {"add_tag", "remove_tag"},
}
STRANGE = [(operator, verb.value) for operator, own in OWN.items() for verb in Verb if verb.value not in own]


def ours() -> list[type[BaseOperator]]:
    """Every operator and sensor that is defined here."""
    found: list[type[BaseOperator]] = []
    for package in (operators, sensors):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            loaded = importlib.import_module(module.name)
            found += [
                value
                for value in vars(loaded).values()
                if isinstance(value, type)
                and issubclass(value, BaseOperator)
                and value.__module__ == module.name
            ]
    return found


@pytest.mark.parametrize("operator", ours(), ids=lambda operator: operator.__name__)
def test_nothing_that_came_from_outside_is_ever_rendered(operator: type[BaseOperator]) -> None:
    rendered = {LeanSensor: ("inventory", "place")}  # both are texts of its own, see test_sensors.py
    assert tuple(operator.template_fields) == rendered.get(operator, ())


def test_every_operator_and_sensor_was_looked_at() -> None:
    assert set(OWN) < set(ours())
    assert {"AskOperator", "StartReconcileOperator", "CampaignSensor", "ConfirmSensor"} <= {
        operator.__name__ for operator in ours()
    }


def test_every_verb_has_exactly_one_operator() -> None:
    assert sorted(verb for own in OWN.values() for verb in own) == sorted(verb.value for verb in Verb)


@pytest.mark.parametrize(("operator", "verb"), STRANGE, ids=lambda value: getattr(value, "__name__", value))
def test_an_operator_refuses_a_verb_that_is_not_its_own(operator: Any, verb: str, context: Any) -> None:
    task = operator(task_id="a_lane", step={"verb": verb, "name": "Gala"})
    with pytest.raises(AirflowFailException, match=f"{operator.__name__} does not do '{verb}'"):
        task.execute(context())


@pytest.mark.parametrize("operator", OWN, ids=lambda operator: operator.__name__)
def test_the_label_of_a_mapped_task_is_the_name_as_it_stands(operator: Any) -> None:
    task = operator(task_id="a_lane", step={"name": HOSTILE})
    label = task.get_template_env().from_string("{{ task.step['name'] }}").render(task=task)
    assert label == HOSTILE


@pytest.fixture
def lane(playing: Playing) -> Callable[..., Any]:
    """Carry out the step of a verb and an item of an evening on which both campaigns may be sent again."""
    _, cleared = playing.cleared()

    def run(verb: str = "stop_campaign", item: str = "campaign:103", map_index: int = 0) -> Any:
        step = step_of(cleared, verb, item)
        operator = next(o for o, own in OWN.items() if verb in own)
        in_order = sorted(
            (s for s in cleared["steps"] if s["verb"] == verb), key=lambda s: (s["audience"], s["item_key"])
        )
        found = playing.context(task_id=verb, map_index=map_index, xcoms={"list_send_campaign": in_order})
        return operator(task_id=verb, step=step).execute(found)

    return run


def step_of(cleared: dict[str, Any], verb: str, item: str) -> dict[str, Any]:
    return next(s for s in cleared["steps"] if s["verb"] == verb and s["item_key"] == item)


def in_the_ledger(playing: Playing, item: str, verb: Verb = Verb.STOP_CAMPAIGN) -> Any:
    action = next(a for a in every_action(playing.ledger) if a.item_key == item)
    return action.step(verb)


def bring_to(
    playing: Playing, *states: State, item: str = "campaign:103", verb: Verb = Verb.STOP_CAMPAIGN
) -> None:
    """Let somebody else take a step through these states."""
    ledger, step = playing.ledger, in_the_ledger(playing, item, verb)
    action = ledger.action(step.action_id)
    claim = ledger.claim(step.id, "another worker", LEASE_SECONDS)
    assert claim is not None
    assert action is not None
    ledger.intend(claim, fingerprint=action.fingerprint)
    for state in states:
        held = ledger.step(step.id).state in (State.CLAIMED, State.INTENDED, State.AMBIGUOUS)
        ledger.move(
            step.id,
            state,
            who="another worker",
            why="it said no",
            claim=claim if held else None,
            remote_id="900",
        )
    ledger.release(claim)


def sent(playing: Playing, item: str) -> dict[str, Any]:
    """The cleared send of an item, as its lane's list holds it."""
    _, cleared = playing.cleared()
    return step_of(cleared, "send_campaign", item)


class TestAStepThatWentOn:
    def test_returns_what_was_done_as_json(self, lane: Any) -> None:
        result = lane()
        assert json.loads(json.dumps(result)) == result
        assert (result["state"], result["item_key"], result["found"]) == ("done", "campaign:103", False)

    def test_is_found_the_second_time_and_not_repeated(self, lane: Any, playing: Playing) -> None:
        lane()
        assert lane()["found"] is True
        assert [e["kind"] for e in playing.evening.effects()] == ["campaign_stopped"]


class TestAStepIsSkipped:
    """With the item's name and the reason, so that the log says it."""

    def test_while_a_gate_is_closed(self, lane: Any, playing: Playing) -> None:
        playing.ledger.set_switch("playhouse", Stage.EVERYTHING, "ops", "fire drill")
        with pytest.raises(
            AirflowSkipException, match=r"«Opening night invitation».*had to wait.*kill switch.*fire drill"
        ):
            lane()
        assert in_the_ledger(playing, "campaign:103").state is State.CLEARED

    def test_when_what_was_shown_has_changed(self, lane: Any, playing: Playing) -> None:
        playing.evening.edit("103", subject="Something else")
        with pytest.raises(
            AirflowSkipException, match=r"«Opening night invitation».*was dropped.*subject line"
        ):
            lane()

    def test_while_the_one_before_it_is_not_proven(self, lane: Any) -> None:
        lane("stop_campaign")
        with pytest.raises(AirflowSkipException, match=r"«Opening night invitation».*stop campaign is done"):
            lane("copy_campaign")


class TestAStepThatAnotherProcessIsAt:
    """Another dag run, or an earlier try of this task whose worker died: which of them, nobody can know."""

    def test_is_waited_for_and_taken_over_when_the_lease_ends(self, lane: Any, playing: Playing) -> None:
        step = in_the_ledger(playing, "campaign:103")
        playing.ledger.claim(step.id, "another worker", LEASE_SECONDS)
        with pytest.raises(AirflowRescheduleException):
            lane()
        assert in_the_ledger(playing, "campaign:103").state is State.CLAIMED
        playing.advance(seconds=LEASE_SECONDS)
        lane()
        assert in_the_ledger(playing, "campaign:103").state is State.DONE


class TestAStepFailsForGood:
    """Only a person can go on, so no retry is made."""

    @pytest.mark.parametrize(
        ("states", "became"),
        [((State.FAILED,), "was refused"), ((State.AMBIGUOUS, State.NEEDS_HUMAN), "was left to a person")],
        ids=["failed", "needs_human"],
    )
    def test_when_it_ended_badly(
        self, lane: Any, playing: Playing, states: tuple[State, ...], became: str
    ) -> None:
        bring_to(playing, *states)
        with pytest.raises(AirflowFailException, match=f"«Opening night invitation».*{became}.*said no"):
            lane()

    @pytest.mark.parametrize("states", [(State.AMBIGUOUS,), ()], ids=["ambiguous", "intended"])
    def test_but_a_retry_reads_again_when_it_may_have_landed(
        self, lane: Any, playing: Playing, states: tuple[State, ...], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring_to(playing, *states)
        before = playing.evening.effects()

        def silent(request: Any) -> Any:
            raise Unreadable("no answer within 20 s")

        monkeypatch.setattr(playing.evening.pro2, "carry", silent)
        with pytest.raises(StepOpen, match=r"«Opening night invitation».*cannot be read yet"):
            lane()
        assert playing.evening.effects() == before

    def test_on_another_ledger(self, lane: Any, playing: Playing, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(playing.ledger), "plan", lambda *_: None)
        with pytest.raises(LedgerError, match="not in this ledger; run reconcile again"):
            lane()


class TestASend:
    @pytest.fixture(autouse=True)
    def both_are_copied(self, lane: Any, playing: Playing) -> None:
        for item in ("campaign:103", "campaign:104"):
            bring_to(playing, State.DONE, State.CONFIRMED, item=item)
            bring_to(playing, State.DONE, State.CONFIRMED, item=item, verb=Verb.COPY_CAMPAIGN)
        playing.advance(seconds=1)
        playing.ledger.beat(GUARD)

    def sending(self, lane: Any) -> Any:
        return lane("send_campaign", "campaign:104", map_index=1)

    def test_of_the_larger_audience_waits_for_the_smaller(self, lane: Any, playing: Playing) -> None:
        with pytest.raises(AirflowRescheduleException):
            self.sending(lane)
        assert in_the_ledger(playing, "campaign:104", Verb.SEND_CAMPAIGN).state is State.CLEARED

    def test_waits_while_the_smaller_is_being_sent(self, lane: Any, playing: Playing) -> None:
        step = in_the_ledger(playing, "campaign:103", Verb.SEND_CAMPAIGN)
        playing.ledger.claim(step.id, "another worker", LEASE_SECONDS)
        with pytest.raises(AirflowRescheduleException):
            self.sending(lane)

    def test_waits_until_the_smaller_is_proven(self, lane: Any, playing: Playing) -> None:
        bring_to(playing, State.DONE, verb=Verb.SEND_CAMPAIGN)
        with pytest.raises(AirflowRescheduleException):
            self.sending(lane)

    @pytest.mark.parametrize("how", ["proven", "failed", "stale", "held by a person", "given up long ago"])
    def test_goes_on_when_the_smaller_is_over_or_cannot_go(
        self, lane: Any, playing: Playing, how: str
    ) -> None:
        """It goes on to its own look, which finds no such copy here and drops it."""
        ledger = playing.ledger
        if how == "proven":
            bring_to(playing, State.DONE, State.CONFIRMED, verb=Verb.SEND_CAMPAIGN)
        elif how == "failed":
            bring_to(playing, State.FAILED, verb=Verb.SEND_CAMPAIGN)
        elif how == "stale":
            action = ledger.action(in_the_ledger(playing, "campaign:103").action_id)
            ledger.end_rest(action.id, State.STALE, who="guard", why="the original woke up")
        elif how == "held by a person":
            ledger.hold("playhouse", "campaign:103", "Ada", "I do it")
        else:
            playing.advance(seconds=playing.evening.site.policy.confirm_seconds + 1)
        with pytest.raises(AirflowSkipException, match="«Gala invitation»"):
            self.sending(lane)

    def test_waits_for_one_that_waited_long_for_its_own_turn(self, playing: Playing) -> None:
        """A long lane is not a dead one: the second was copied an hour ago, and its turn begins only now."""
        playing.advance(hours=1)
        playing.ledger.beat(GUARD)
        bring_to(playing, State.DONE, State.CONFIRMED, verb=Verb.SEND_CAMPAIGN)
        both = [sent(playing, item) for item in ("campaign:103", "campaign:104")]
        assert (
            first_unproven(playing.evening.account("the third"), both) == "«Gala invitation» (104) goes first"
        )

    def test_does_not_go_away_for_a_few_seconds(
        self, lane: Any, playing: Playing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A task that comes back costs a process; this one looks again where it is, and then goes on."""
        monkeypatch.setattr("pro2.steps.TURN_SECONDS", playing.evening.site.policy.poll_seconds)
        looks = iter(["«Opening night invitation» is being sent", None])
        monkeypatch.setattr("pro2.steps.first_unproven", lambda account, steps: next(looks))
        before = playing.evening.clock.now()
        with pytest.raises(AirflowSkipException, match="Gala invitation"):
            self.sending(lane)
        poll = playing.evening.site.policy.poll_seconds
        assert playing.evening.clock.now() - before >= timedelta(seconds=poll)

    def test_of_the_smallest_audience_waits_for_nobody(self, lane: Any) -> None:
        with pytest.raises(AirflowSkipException, match=r"«Opening night invitation»"):
            lane("send_campaign", "campaign:103")

    def test_comes_back_when_the_guard_has_not_passed_since_the_stop(
        self, lane: Any, playing: Playing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is about to, so the task waits; once the heartbeat is too old as well, only a person can help."""
        before_the_stop = playing.evening.clock.now() - timedelta(seconds=2)
        monkeypatch.setattr(type(playing.ledger), "heartbeat", lambda *_: before_the_stop)
        with pytest.raises(AirflowRescheduleException):
            lane("send_campaign", "campaign:103")
        playing.advance(seconds=playing.evening.site.policy.guard_heartbeat_seconds)
        with pytest.raises(AirflowSkipException, match="guard_repairs last passed"):
            lane("send_campaign", "campaign:103")

    def test_is_looked_at_again_soon(self, lane: Any, clock: Any) -> None:
        from datetime import UTC, datetime

        with pytest.raises(AirflowRescheduleException) as waiting:
            self.sending(lane)
        assert timedelta(0) < waiting.value.reschedule_date - datetime.now(UTC) <= timedelta(seconds=30)
