"""What people were told of: the same news is written once, and a delivery is taken by one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.ledger import racers
from tests.unit.ledger.conftest import StandingClock

from pro2_reconciliation.ledger import Delivery, DeliveryState, Ledger

HOURS = timedelta(hours=6)


@pytest.fixture
def announce(ledger: Ledger) -> Callable[..., tuple[str, ...]]:
    """Tell of subjects, each in its first generation unless it is said."""

    def told(*subjects: str, generation: int = 1, **options: Any) -> tuple[str, ...]:
        given: dict[str, Any] = {"organization": "playhouse", "kind": "finished", "connections": ("chat",)}
        return ledger.announce(
            subjects=dict.fromkeys(subjects, generation),
            build=lambda new: {"title": " and ".join(new)},
            **{**given, **options},
        )

    return told


def titles(ledger: Ledger) -> list[str]:
    return [str(one.body["title"]) for one in ledger.deliveries("playhouse")]


def take(ledger: Ledger, seconds: float = 60) -> Delivery:
    (due,) = ledger.due_deliveries("playhouse")
    taken = ledger.begin_delivery(due.notification_id, due.connection, seconds)
    assert taken is not None
    return taken


def end(ledger: Ledger, taken: Delivery, state: DeliveryState, again_at: Any = None) -> bool:
    return ledger.end_delivery(taken, state, outcomes={"1": state.value}, said="", again_at=again_at)


class TestNews:
    def test_is_written_once_for_each_connection(self, ledger: Ledger, announce: Any) -> None:
        assert announce("run-1", connections=("chat", "mail")) == ("run-1",)
        assert announce("run-1", connections=("chat", "mail")) == ()
        assert [one.connection for one in ledger.deliveries("playhouse")] == ["chat", "mail"]

    def test_of_several_tells_only_what_was_not_told(self, ledger: Ledger, announce: Any) -> None:
        announce("campaign:1")
        assert announce("campaign:1", "campaign:2", "campaign:3") == ("campaign:2", "campaign:3")
        assert titles(ledger) == ["campaign:1", "campaign:2 and campaign:3"]

    def test_of_a_later_generation_is_news_again_and_of_an_earlier_is_not(self, announce: Any) -> None:
        assert announce("3f2a", generation=2) == ("3f2a",)
        assert announce("3f2a", generation=1) == ()
        assert announce("3f2a", generation=3) == ("3f2a",)

    def test_of_another_kind_or_organization_is_other_news(self, announce: Any) -> None:
        announce("run-1")
        assert announce("run-1", kind="failed") == ("run-1",)
        assert announce("run-1", organization="opera") == ("run-1",)

    def test_that_lasts_is_told_again_only_after_its_time(
        self, ledger: Ledger, announce: Any, clock: StandingClock
    ) -> None:
        assert announce("guard", again_after=HOURS) == ("guard",)
        clock.pass_seconds(HOURS.total_seconds() - 1)
        assert announce("guard", again_after=HOURS) == ()
        clock.pass_seconds(1)
        assert announce("guard", again_after=HOURS) == ("guard",)
        assert [one.generation for one in ledger.told_of("playhouse", "finished")] == [1, 2]

    def test_for_nobody_is_not_written(self, ledger: Ledger, announce: Any) -> None:
        assert announce("run-1", connections=()) == ()
        assert ledger.told_of("playhouse", "finished") == []
        assert announce("run-1") == ("run-1",), "who is named later is told"

    def test_whose_message_cannot_be_made_is_not_written(self, ledger: Ledger) -> None:
        def broken(new: Sequence[str]) -> dict[str, Any]:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            ledger.announce("playhouse", "finished", {"run-1": 1}, broken, ("chat",))
        assert ledger.told_of("playhouse", "finished") == []

    def test_can_be_read_back_with_its_message(
        self, ledger: Ledger, announce: Any, clock: StandingClock
    ) -> None:
        announce("run-1")
        (told,) = ledger.told_of("playhouse", "finished")
        assert (told.subject, told.body, told.at) == ("run-1", {"title": "run-1"}, clock.time)
        assert ledger.told_of("playhouse", "finished", clock.time + timedelta(seconds=1)) == []


class TestADelivery:
    @pytest.fixture(autouse=True)
    def news(self, announce: Any) -> None:
        announce("run-1")

    def test_that_was_sent_is_over(self, ledger: Ledger) -> None:
        assert end(ledger, take(ledger), DeliveryState.SENT)
        assert ledger.due_deliveries("playhouse") == []

    def test_is_taken_by_one_at_a_time(self, ledger: Ledger) -> None:
        taken = take(ledger)
        assert ledger.due_deliveries("playhouse") == []
        assert ledger.begin_delivery(taken.notification_id, taken.connection, 60) is None

    def test_of_one_who_died_is_found_after_his_lease(self, ledger: Ledger, clock: StandingClock) -> None:
        assert not take(ledger, 60).taken_over
        clock.pass_seconds(60)
        again = take(ledger)
        assert (again.taken_over, again.tries) == (True, 2)

    def test_that_was_taken_over_is_not_ended_by_the_one_before(
        self, ledger: Ledger, clock: StandingClock
    ) -> None:
        slow = take(ledger, 60)
        clock.pass_seconds(60)
        quick = take(ledger)
        assert not end(ledger, slow, DeliveryState.SENT)
        assert end(ledger, quick, DeliveryState.UNKNOWN)
        assert ledger.deliveries("playhouse")[0].state is DeliveryState.UNKNOWN

    def test_is_tried_again_when_its_time_has_come_and_never_without_one(
        self, ledger: Ledger, clock: StandingClock
    ) -> None:
        end(ledger, take(ledger), DeliveryState.REFUSED, clock.time + timedelta(minutes=5))
        assert ledger.due_deliveries("playhouse") == []
        clock.pass_seconds(300)
        end(ledger, take(ledger), DeliveryState.REFUSED)
        clock.pass_seconds(10**6)
        assert ledger.due_deliveries("playhouse") == []


def test_of_many_processes_with_the_same_news_one_tells_it_and_one_sends_it(ledger: Ledger, url: str) -> None:
    results = racers.race(racers.tell_together, url, 4, 15)
    told = Counter(subject for subjects, _ in results for subject in subjects)
    taken = Counter(number for _, numbers in results for number in numbers)
    assert len(told) == len(taken) == 15
    assert set(told.values()) == set(taken.values()) == {1}
