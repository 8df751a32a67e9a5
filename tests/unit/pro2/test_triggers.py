"""The triggers that watch: one poll of an account for all items of all dag runs."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent
from tests.incident.harness import InProcess
from tests.unit.pro2.conftest import NOW, Playing, ledger_is_away

from pro2.triggers import watch as triggers_watch
from pro2.triggers.confirm import ConfirmTrigger
from pro2.triggers.watch import LeanTrigger, WatchTrigger
from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.inventory import WatchItem
from pro2_reconciliation.domain.observation import CampaignState, Observation
from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.wire import dashboard
from pro2_reconciliation.wire.exchange import drive


def item(item_id: str = "103", **more: Any) -> dict[str, Any]:
    plain = {
        "kind": ItemKind.CAMPAIGN,
        "name": "Opening night",
        "deadline": NOW + timedelta(minutes=30),
        "not_before": NOW + timedelta(minutes=5),
    }
    return WatchItem(item_id=item_id, **{**plain, **more}).model_dump(mode="json")


def watch(inventory: str = "manual__1", **more: Any) -> WatchTrigger:
    plain = {"item": item(), "pro2_conn_id": "pro2", "dashboard_conn_id": "pro2_dashboard"}
    return WatchTrigger(inventory=inventory, **{**plain, **more})


def seen(state: str, item_id: str = "103", **more: Any) -> Observation:
    return Observation(
        kind=ItemKind.CAMPAIGN,
        item_id=item_id,
        name="Opening night",
        state=state,
        seen_at=NOW,
        source="campaign list",
        **more,
    )


def poll(
    *observations: Observation, errors: tuple[str, ...] = (), waived: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "inventory": None,
        "at": NOW,
        "seen": {observation.key: observation for observation in observations},
        "waived": set(waived),
        "errors": errors,
    }


def lean(place: int = 0) -> LeanTrigger:
    return LeanTrigger(
        inventory="manual__1", place=str(place), pro2_conn_id="pro2", dashboard_conn_id="pro2_dashboard"
    )


PENDING = poll(seen(CampaignState.PENDING))
TENS = [timedelta(minutes=10 * number) for number in range(10)]


def rebuilt(trigger: Any) -> Any:
    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)(**arguments)


@pytest.mark.parametrize(
    "trigger", [watch(), lean(), ConfirmTrigger(step={"verb": "stop_campaign"}, who="a test")]
)
def test_a_trigger_survives_being_stored(trigger: Any) -> None:
    again = rebuilt(trigger)
    assert type(again) is type(trigger)
    assert again.serialize() == trigger.serialize()


@pytest.mark.parametrize("trigger", [WatchTrigger, LeanTrigger, ConfirmTrigger])
def test_a_user_who_kills_a_task_sends_nothing(trigger: Any) -> None:
    """What a trigger's ``on_kill`` sends, a triggerer may send that is merely restarted."""
    assert "on_kill" not in vars(trigger)


class TestOnePoll:
    def test_is_shared_by_all_dag_runs_about_one_account(self) -> None:
        assert watch("manual__1").shared_stream_key() == watch("manual__2").shared_stream_key()

    def test_is_shared_by_the_items_of_a_dag_run(self) -> None:
        one, other = watch(item=item("103")), watch(item=item("104", name="Gala"))
        assert one.shared_stream_key() == other.shared_stream_key() is not None

    def test_is_shared_by_those_that_never_had_a_worker(self) -> None:
        assert lean(0).shared_stream_key() == lean(1).shared_stream_key() == watch().shared_stream_key()

    @pytest.mark.parametrize("more", [{"pro2_conn_id": "pro2_eu"}, {"dashboard_conn_id": "board_eu"}])
    def test_is_not_shared_with_what_reads_something_else(self, more: dict[str, str]) -> None:
        assert watch().shared_stream_key() != watch(**more).shared_stream_key()


class Stream:
    """Polls as they come; ``left`` are those that nobody took. It never ends by itself."""

    def __init__(self, *polls: dict[str, Any], clock: Any = None, passes: timedelta = timedelta(0)) -> None:
        self.left = list(polls)
        self.clock, self.passes = clock, passes

    async def of(self, dag_run: str) -> AsyncIterator[dict[str, Any]]:
        while self.left:
            yield {dag_run: self.left.pop(0)}
            if self.clock is not None:
                self.clock.shift(self.passes)
        raise AssertionError("the watch did not end")


def events(trigger: Any, stream: Stream) -> list[TriggerEvent]:
    async def collected() -> list[TriggerEvent]:
        return [event async for event in trigger.filter_shared_stream(aiter(stream.of(trigger.inventory)))]

    return asyncio.run(collected())


def observation(trigger: Any, stream: Stream) -> Observation:
    """What the one event, which ends the task, hands on."""
    (event,) = events(trigger, stream)
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms is not None
    return Observation.model_validate(event.xcoms["return_value"])


@pytest.mark.usefixtures("clock")
class TestTheWatchOfAnItem:
    def test_ends_with_one_observation_once_the_item_has_settled(self) -> None:
        stream = Stream(PENDING, poll(seen(CampaignState.SENT)), PENDING)
        found = observation(watch(), stream)
        assert (found.item_id, found.state, found.still_pending) == ("103", CampaignState.SENT, False)
        assert len(stream.left) == 1

    def test_is_about_its_own_item_only(self) -> None:
        others = poll(seen(CampaignState.SENT, "104"), seen(CampaignState.PENDING, "103"))
        own = poll(seen(CampaignState.PENDING, "104"), seen(CampaignState.SENT, "103"))
        stream = Stream(others, own)
        assert observation(watch(), stream).item_id == "103"
        assert stream.left == []

    def test_goes_on_when_a_poll_fails(self) -> None:
        failed = poll(seen(CampaignState.PENDING), errors=("no answer within 20 s",))
        unknown = poll(errors=("the connection broke off",))
        found = observation(watch(), Stream(failed, failed, unknown, poll(seen(CampaignState.SENT))))
        assert found.state == CampaignState.SENT

    def test_says_still_pending_at_the_deadline_and_does_not_fail(self, clock: Any) -> None:
        polls = [seen(CampaignState.PENDING).model_copy(update={"seen_at": NOW + at}) for at in TENS]
        found = observation(watch(), stream := Stream(*map(poll, polls), clock=clock, passes=TENS[1]))
        assert (found.state, found.still_pending, found.waived) == (CampaignState.PENDING, True, False)
        assert len(stream.left) == 6, "the deadline is thirty minutes away, so the fourth poll ends it"

    def test_is_no_observation_when_airflow_was_away_until_after_the_deadline(self, clock: Any) -> None:
        clock.shift(timedelta(hours=6))
        found = observation(watch(), Stream(PENDING))
        assert (found.state, found.still_pending) == ("unknown", False)

    def test_of_what_was_never_read_is_unknown_at_the_deadline(self, clock: Any) -> None:
        failed = poll(errors=("no answer",))
        found = observation(watch(), Stream(*[failed] * 10, clock=clock, passes=timedelta(minutes=10)))
        assert found.state == "unknown"

    def test_ends_when_a_person_waives_the_wait_but_not_before_two_reads_can_agree(self, clock: Any) -> None:
        waived = poll(seen(CampaignState.PENDING), waived=("campaign:103",))
        stream = Stream(*[waived] * 10, clock=clock, passes=timedelta(minutes=2))
        found = observation(watch(), stream)
        assert (found.still_pending, found.waived) == (True, True)
        assert len(stream.left) == 6, (
            "five minutes must lie between two reads: the fourth poll is the first after"
        )

    def test_a_waiver_of_another_item_is_no_waiver(self, clock: Any) -> None:
        waived = poll(seen(CampaignState.PENDING), waived=("campaign:104",))
        found = observation(watch(), Stream(*[waived] * 10, clock=clock, passes=timedelta(minutes=10)))
        assert found.waived is False

    def test_ends_when_a_colleague_repaired_it(self) -> None:
        copied = poll(seen(CampaignState.PENDING, note="«Opening night (copy)» (120)"))
        assert observation(watch(), Stream(PENDING, copied)).note == "«Opening night (copy)» (120)"


class Carried:
    """The asynchronous hook, with the sandbox in process behind it."""

    def __init__(self, carrier: InProcess) -> None:
        self.carrier = carrier

    async def __aenter__(self) -> Carried:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def activity(self, since: Any, until: Any) -> Any:
        return await self.fetch(dashboard.activity("playhouse", since, until))

    async def console(self) -> Any:
        return await self.fetch(dashboard.console("playhouse"))

    async def fetch(self, exchange: Any) -> Any:
        return await asyncio.to_thread(drive, exchange, self.carrier.carry)


class TestTheStream:
    @pytest.fixture(autouse=True)
    def in_process(self, playing: Playing, slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pro2.triggers.watch._OBSERVERS", {})
        monkeypatch.setattr("pro2.triggers.watch._PARTIES", {})
        evening = playing.evening
        hooks = "pro2.hooks.asynchronous"
        monkeypatch.setattr(f"{hooks}.Pro2AsyncHook", lambda _: Carried(evening.pro2))
        monkeypatch.setattr(f"{hooks}.DashboardAsyncHook", lambda _: Carried(evening.dashboard))

    def polls(self, number: int, then: Any = None) -> list[dict[str, Any]]:
        async def collected() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = []
            stream = WatchTrigger.open_shared_stream(watch("outage__1__g1").serialize()[1])
            async for event in stream:
                found.append(event["outage__1__g1"])
                if len(found) == number:
                    await stream.aclose()  # type: ignore[attr-defined]
                    break
                if then is not None:
                    then()
            return found

        return asyncio.run(collected())

    def test_sees_every_item_in_one_poll(self) -> None:
        (event,) = self.polls(1)
        assert {key: seen.state for key, seen in event["seen"].items()} == {
            "campaign:103": CampaignState.PENDING,
            "campaign:104": CampaignState.PENDING,
        }
        assert event["errors"] == ()

    def test_tells_errors_and_keeps_what_was_seen_last(
        self, playing: Playing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def silent(request: Any) -> Any:
            raise Unreadable("no answer within 20 s")

        first, second = self.polls(2, then=lambda: monkeypatch.setattr(playing.evening.pro2, "carry", silent))
        assert second["errors"] == ("no answer within 20 s",)
        assert second["seen"].keys() == first["seen"].keys()
        assert second["seen"]["campaign:103"].state is CampaignState.PENDING

    def test_serves_every_dag_run_that_takes_part_with_one_poll(self, playing: Playing) -> None:
        """An outage's dag run is watching when the nightly begins: the account is asked once for both."""
        playing.ledger.save_inventory("scheduled__1", playing.ledger.inventory("outage__1__g1"))
        before = len(playing.evening.pro2.carried)

        async def collected() -> list[set[str]]:
            served: list[set[str]] = []

            async def counted(stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
                async for events in stream:
                    served.append(set(events))
                    yield events
                    if len(served) == 2:
                        return

            one, other = watch("outage__1__g1"), watch("scheduled__1")
            stream = WatchTrigger.open_shared_stream(one.serialize()[1])
            mine = one.filter_shared_stream(counted(stream))
            party = triggers_watch._PARTIES.setdefault(other.shared_stream_key(), triggers_watch._Party())
            party.triggers["scheduled__1"] += 1
            assert [event async for event in mine] == []
            await stream.aclose()  # type: ignore[attr-defined]
            return served

        served = asyncio.run(collected())
        assert served == [{"outage__1__g1", "scheduled__1"}] * 2
        assert len(playing.evening.pro2.carried) - before == 2

    def test_forgets_what_a_dag_run_watched_with_its_last_trigger(self) -> None:
        """Else an inventory that was taken anew would be watched with the items of the first one."""
        party = triggers_watch._Party(watches={"outage__1__g1": "the watch"})
        party.triggers["outage__1__g1"] = 2
        party.leave("outage__1__g1")
        assert party.watches == {"outage__1__g1": "the watch"}
        party.leave("outage__1__g1")
        assert (party.watches, party.triggers) == ({}, {})

    def test_passes_on_what_a_person_waived(self, playing: Playing) -> None:
        def waive() -> None:
            playing.ledger.waive("playhouse", "campaign:103", "Ada", "we know")

        assert [event["waived"] for event in self.polls(2, then=waive)] == [set(), {"campaign:103"}]

    def test_has_the_list_in_which_a_lean_sensor_finds_its_item_by_number(self) -> None:
        (event,) = self.polls(1)
        names = [lean(place)._item(event["inventory"]).item_id for place in range(2)]
        assert names == ["103", "104"]
        settled = {**event, "seen": {"campaign:104": seen(CampaignState.SENT, "104")}}
        assert observation(lean(1), Stream(settled)).item_id == "104"

    def test_goes_on_with_what_it_knows_while_the_ledger_is_away(
        self, playing: Playing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its database is started anew: every item that is watched would lose its watch."""
        playing.ledger.waive("playhouse", "campaign:103", "Ada", "we know")
        first, second = self.polls(2, then=lambda: monkeypatch.setattr(Ledger, "waivers", ledger_is_away))
        assert first["waived"] == second["waived"] == {"campaign:103"}
        assert second["errors"] == ("the database was shut down",)
        assert second["seen"].keys() == first["seen"].keys()

    def test_begins_anew_with_an_inventory_that_was_taken_anew(self, playing: Playing) -> None:
        """A person cleared ``take_inventory``: what is watched now was not all in the first one."""
        first = playing.ledger.inventory("outage__1__g1")
        without = {key: seen for key, seen in first.observations.items() if key != "campaign:104"}
        playing.ledger.save_inventory(
            "outage__1__g1",
            first.model_copy(
                update={"observations": without, "taken_at": first.taken_at - timedelta(hours=1)}
            ),
        )
        with time_machine.travel(first.taken_at + timedelta(days=1), tick=False):
            self.polls(1)
            playing.ledger.save_inventory("outage__1__g1", first)
            (event,) = self.polls(1)
        assert event["seen"]["campaign:104"].after_gap is not None, "the new inventory saw it, a day ago"

    def test_waits_between_polls_as_the_site_says(self, slept: list[float], playing: Playing) -> None:
        self.polls(3)
        assert slept == [playing.evening.site.policy.poll_seconds] * 2

    def test_serves_an_item_alone_too(self, playing: Playing) -> None:
        """The way that a triggerer takes which shares nothing."""
        first = playing.watched_items("campaign")[0]
        past = {**first, "deadline": first["not_before"], "read_gap_seconds": 0}

        async def collected() -> list[TriggerEvent]:
            return [event async for event in watch("outage__1__g1", item=past).run()]

        (event,) = asyncio.run(collected())
        assert isinstance(event, TaskSuccessEvent)
