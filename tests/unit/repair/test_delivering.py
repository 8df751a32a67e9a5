"""What becomes of a message on its way: tried again where it did not arrive, not where it may have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from tests.incident.harness import MovableClock

from pro2_reconciliation.domain.notifications import NotificationKind as Kind
from pro2_reconciliation.ledger import Delivery, DeliveryState, Ledger
from pro2_reconciliation.repair.delivering import (
    ALARM_WAITS,
    LEASE_SECONDS,
    MOST_AT_ONCE,
    WAITS,
    Outcome,
    Outcomes,
    deliver_due,
    left_of,
)

SENT, REFUSED, UNKNOWN = DeliveryState.SENT, DeliveryState.REFUSED, DeliveryState.UNKNOWN
QUIET, LOUD = Kind.FINISHED, Kind.ORIGINAL_WOKE


class Channel:
    """Does at each address what it is told, and remembers what it was given."""

    def __init__(self, **becomes: DeliveryState) -> None:
        self.becomes = becomes or {"1": SENT}
        self.tried: list[tuple[str, ...]] = []

    def __call__(self, deliveries: Sequence[Delivery]) -> list[Outcomes]:
        left = [left_of(one, tuple(self.becomes)) for one in deliveries]
        self.tried += left
        return [
            {one: Outcome(self.becomes[one], f"said {self.becomes[one]}") for one in some} for some in left
        ]


def at(*addresses: DeliveryState) -> Channel:
    return Channel(**{str(number): state for number, state in enumerate(addresses, start=1)})


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def ledger(open_ledger: Callable[[Callable[[], datetime]], Ledger], clock: MovableClock) -> Ledger:
    return open_ledger(clock.now)


def announce(ledger: Ledger, kind: Kind, subject: str = "run-1") -> None:
    ledger.announce("playhouse", kind.value, {subject: 1}, lambda _: {"title": "It has ended"}, ("chat",))


def deliver(ledger: Ledger, channel: Channel) -> list[str]:
    return deliver_due(ledger, "playhouse", "America/Chicago", channel)


def waits_of(ledger: Ledger, clock: MovableClock, channel: Channel) -> list[float]:
    """Pass whenever something is to be tried again; out: the minutes between two tries."""
    found: list[float] = []
    while True:
        deliver(ledger, channel)
        again_at = ledger.deliveries("playhouse")[-1].again_at
        if again_at is None:
            return found
        found.append((again_at - clock.at).total_seconds() / 60)
        clock.at = again_at - timedelta(seconds=1)
        assert deliver(ledger, channel) == [], "too early"
        clock.at = again_at


@pytest.mark.parametrize("kind", [QUIET, LOUD])
def test_what_arrived_is_over(ledger: Ledger, kind: Kind) -> None:
    announce(ledger, kind)
    channel = at(SENT)
    assert deliver(ledger, channel) == ["Told chat «It has ended»"]
    assert deliver(ledger, channel) == []
    assert channel.tried == [("1",)]


@pytest.mark.parametrize(("kind", "waits"), [(QUIET, WAITS), (LOUD, ALARM_WAITS)])
def test_what_did_not_arrive_is_tried_again_and_given_up_in_the_end(
    ledger: Ledger, clock: MovableClock, kind: Kind, waits: tuple[int, ...]
) -> None:
    announce(ledger, kind)
    assert waits_of(ledger, clock, at(REFUSED)) == list(waits)
    clock.at += timedelta(days=30)
    assert deliver(ledger, at(SENT)) == [], "given up"
    assert ledger.deliveries("playhouse")[0].state is REFUSED


def test_what_may_have_arrived_is_tried_again_only_if_it_is_an_alarm(
    ledger: Ledger, clock: MovableClock
) -> None:
    announce(ledger, QUIET)
    assert waits_of(ledger, clock, at(UNKNOWN)) == []
    announce(ledger, LOUD, "woke")
    assert waits_of(ledger, clock, at(UNKNOWN)) == list(ALARM_WAITS)


def test_of_several_addresses_only_those_are_tried_again_where_it_did_not_arrive(
    ledger: Ledger, clock: MovableClock
) -> None:
    announce(ledger, QUIET)
    channel = at(SENT, REFUSED, UNKNOWN)
    deliver(ledger, channel)
    clock.at += timedelta(minutes=1)
    channel.becomes["2"] = SENT
    deliver(ledger, channel)
    assert channel.tried == [("1", "2", "3"), ("2",)]
    (delivery,) = ledger.deliveries("playhouse")
    assert delivery.outcomes == {"1": "sent", "2": "sent", "3": "unknown"}
    assert (delivery.state, delivery.again_at) == (UNKNOWN, None)


@pytest.mark.parametrize(("kind", "tries"), [(QUIET, 0), (LOUD, 1)])
def test_of_one_who_died_while_he_told_it_only_an_alarm_is_told_again(
    ledger: Ledger, clock: MovableClock, kind: Kind, tries: int
) -> None:
    announce(ledger, kind)
    (due,) = ledger.due_deliveries("playhouse")
    assert ledger.begin_delivery(due.notification_id, due.connection, LEASE_SECONDS)  # and no word since
    channel = at(SENT)
    assert deliver(ledger, channel) == []
    clock.at += timedelta(seconds=LEASE_SECONDS)
    (said,) = deliver(ledger, channel)
    assert len(channel.tried) == tries
    assert ("was perhaps not told" in said) is (kind is QUIET)


def test_a_sentence_says_how_often_and_when_it_is_tried_again(ledger: Ledger, clock: MovableClock) -> None:
    announce(ledger, QUIET)
    (said,) = deliver(ledger, at(REFUSED))
    assert said.startswith("chat was not told «It has ended» (try 1): said refused; it is tried again ")
    assert said.endswith("CST")


def test_a_pass_takes_only_so_many_and_the_next_one_the_rest(ledger: Ledger) -> None:
    for number in range(MOST_AT_ONCE + 3):
        announce(ledger, QUIET, f"run-{number}")
    channel = at(SENT)
    assert [len(deliver(ledger, channel)) for _ in range(3)] == [MOST_AT_ONCE, 3, 0]
