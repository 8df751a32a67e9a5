"""Sensors: they hand over to a trigger at once, or say why there is nothing to wait for."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred
from tests.unit.pro2.conftest import HOSTILE, Playing
from tests.unit.pro2.test_remedies import bring_to, step_of

from pro2.operators.remedies import StopCampaignOperator
from pro2.sensors.confirm import ConfirmSensor
from pro2.sensors.watch import CampaignSensor, LeanSensor, OccurrenceSensor
from pro2.triggers.confirm import ConfirmTrigger
from pro2.triggers.watch import LeanTrigger, WatchTrigger
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair.proofs import Proof, Verdict

pytestmark = pytest.mark.usefixtures("executable")


@pytest.fixture
def step(playing: Playing) -> dict[str, Any]:
    """The cleared stop of campaign 103."""
    _, cleared = playing.cleared()
    return step_of(cleared, "stop_campaign", "campaign:103")


def confirm(playing: Playing, step: dict[str, Any]) -> Any:
    return ConfirmSensor(task_id="confirm", step=step).execute(
        playing.context(task_id="confirm", map_index=0)
    )


def stop(playing: Playing, step: dict[str, Any]) -> None:
    StopCampaignOperator(task_id="stop_campaign", step=step).execute(playing.context(map_index=0))


class TestAProof:
    def test_is_skipped_for_a_step_that_nobody_did(self, playing: Playing, step: dict[str, Any]) -> None:
        with pytest.raises(
            AirflowSkipException,
            match=r"«Opening night invitation» \(103\): nothing had to be verified.*was not begun",
        ):
            confirm(playing, step)

    def test_is_skipped_for_a_step_that_failed(self, playing: Playing, step: dict[str, Any]) -> None:
        bring_to(playing, State.FAILED)
        with pytest.raises(
            AirflowSkipException, match=r"nothing had to be verified: stopping the original was refused"
        ):
            confirm(playing, step)

    def test_that_is_still_to_come_is_waited_for_in_the_triggerer(
        self, playing: Playing, step: dict[str, Any]
    ) -> None:
        stop(playing, step)
        with pytest.raises(TaskDeferred) as deferred:
            confirm(playing, step)
        trigger = deferred.value.trigger
        assert isinstance(trigger, ConfirmTrigger)
        assert trigger.step == step
        assert trigger.who == "reconcile/outage__1__g1/confirm[0]"

    def test_that_stands_in_the_ledger_already_is_returned(
        self, playing: Playing, step: dict[str, Any]
    ) -> None:
        bring_to(playing, State.DONE, State.CONFIRMED)
        assert confirm(playing, step)["state"] == "proven"

    def test_that_did_not_come_in_time_fails_for_good(self, playing: Playing, step: dict[str, Any]) -> None:
        bring_to(playing, State.DONE)  # the request was accepted, and nothing stopped
        playing.advance(seconds=playing.evening.site.policy.stop_settle_seconds)
        with pytest.raises(
            AirflowFailException, match=r"«Opening night invitation».*not proven within 10 min"
        ):
            confirm(playing, step)

    def test_that_needs_a_newer_export_is_skipped_and_says_so(
        self, playing: Playing, step: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bring_to(playing, State.DONE)
        waits = Verdict(state="open", why="no row of it yet; this needs a newer export")
        monkeypatch.setattr(Proof, "look", lambda self: waits)
        with pytest.raises(AirflowSkipException, match=r"«Opening night invitation».*needs a newer export"):
            confirm(playing, step)

    def test_that_failed_is_red_again_on_a_retry_and_says_why(
        self, playing: Playing, step: dict[str, Any]
    ) -> None:
        bring_to(playing, State.DONE, State.NEEDS_HUMAN)
        with pytest.raises(AirflowFailException, match="«Opening night invitation»"):
            confirm(playing, step)

    def test_is_never_finished_on_a_worker(self, step: dict[str, Any]) -> None:
        with pytest.raises(RuntimeError, match="campaign:103 was resumed on a worker"):
            ConfirmSensor(task_id="confirm", step=step).execute_complete({}, {"status": "success"})


@pytest.mark.parametrize("sensor", [CampaignSensor, OccurrenceSensor])
class TestAWatch:
    def test_is_handed_to_the_shared_poll_at_once(self, playing: Playing, sensor: Any) -> None:
        playing.observed()
        (item, _) = playing.watched_items("campaign")
        with pytest.raises(TaskDeferred) as deferred:
            sensor(task_id="watch", item=item).execute(playing.context(xcoms=playing.observed()))
        trigger = deferred.value.trigger
        assert isinstance(trigger, WatchTrigger)
        assert (trigger.item, trigger.inventory) == (item, "outage__1__g1")

    def test_is_labelled_with_the_name_as_it_stands(self, sensor: Any) -> None:
        task = sensor(task_id="watch", item={"name": HOSTILE})
        assert task.get_template_env().from_string("{{ task.item['name'] }}").render(task=task) == HOSTILE

    def test_is_never_finished_on_a_worker(self, sensor: Any) -> None:
        with pytest.raises(RuntimeError, match="103 was resumed on a worker"):
            sensor(task_id="watch", item={"item_id": "103"}).execute_complete({}, None)


class TestALeanWatch:
    """It starts in the triggerer; what is here is what Airflow has to know for that."""

    def test_names_a_trigger_that_can_be_made_of_what_it_gives(self) -> None:
        given = LeanSensor.start_trigger_args
        assert LeanSensor.start_from_trigger is True
        assert given.trigger_cls == f"{LeanTrigger.__module__}.{LeanTrigger.__name__}"
        made = LeanTrigger(**given.trigger_kwargs).serialize()[1]
        assert made == {**given.trigger_kwargs, "organization": ""}, "its DAG says of which it is"

    def test_gives_the_triggerer_only_texts_of_its_own_to_render(self) -> None:
        given = LeanSensor.start_trigger_args.trigger_kwargs
        rendered = {key: value for key, value in given.items() if "{" in value}
        assert rendered == {"inventory": "{{ run_id }}", "place": "{{ ti.map_index }}"}
        assert set(LeanSensor.template_fields) == set(rendered)

    def test_goes_on_in_the_triggerer_where_airflow_began_it_on_a_worker(self, playing: Playing) -> None:
        sensor = LeanSensor(task_id="watch_lean", position=1)
        sensor.inventory, sensor.place = playing.run_id, "1"  # as Airflow renders them
        with pytest.raises(TaskDeferred) as deferred:
            sensor.execute(playing.context(map_index=1))
        assert isinstance(deferred.value.trigger, LeanTrigger)
        assert (deferred.value.trigger.inventory, deferred.value.trigger.place) == ("outage__1__g1", "1")

    def test_is_never_finished_on_a_worker(self) -> None:
        with pytest.raises(RuntimeError, match="resumed on a worker"):
            LeanSensor(task_id="watch_lean", position=0).execute_complete({}, None)
