"""Which requests are sent again, and which never."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pro2_reconciliation.domain.errors import (
    Ambiguous,
    NeverSent,
    ReadOnly,
    Refused,
    Rejected,
    RequestError,
    Unreadable,
)
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_reconciliation.wire.patience import Patient
from pro2_reconciliation.wire.ports import ActiveCampaignPort

READ = Request("GET", "x")
WRITE = Request("POST", "x", mutating=True)
OK = Reply(200, {}, "{}")
LATER = Reply(429, {"Retry-After": "7"}, "")


def sent(wire: Any, request: Request, patience: float = 60) -> tuple[int, list[float], Any]:
    """How often it was sent, the waits in between, and what came of it."""
    naps: list[float] = []
    try:
        outcome: Any = Patient(wire, sleep=naps.append, patience=patience).carry(request)
    except RequestError as error:
        outcome = error
    return len(wire.asked), naps, outcome


@pytest.mark.parametrize("request_", [READ, WRITE])
def test_a_refusal_is_obeyed_and_sent_again(scripted: Any, request_: Request) -> None:
    assert sent(scripted(LATER, LATER, OK), request_) == (3, [7.0, 7.0], OK)


@pytest.mark.parametrize("request_", [READ, WRITE])
def test_five_refusals_are_enough(scripted: Any, request_: Request) -> None:
    times, _, outcome = sent(scripted(*[LATER] * 9), request_)
    assert (times, outcome) == (5, LATER)


def test_the_waits_never_exceed_the_patience(scripted: Any) -> None:
    times, naps, outcome = sent(scripted(*[LATER] * 9), WRITE, patience=20)
    assert (times, naps, outcome) == (3, [7.0, 7.0], LATER)


def test_an_unreadable_read_gets_two_more_tries(scripted: Any) -> None:
    assert sent(scripted(Unreadable("lost"), Reply(500, {}, ""), OK), READ) == (3, [0.5, 1.0], OK)
    times, _, outcome = sent(scripted(*[Unreadable("lost")] * 9), READ)
    assert times == 3
    assert isinstance(outcome, Unreadable)


@pytest.mark.parametrize(
    "answer", [Ambiguous("lost"), Reply(500, {}, ""), Reply(200, {}, "<html>"), Reply(503, {}, "")]
)
def test_a_mutating_request_that_may_have_landed_is_sent_once(scripted: Any, answer: Any) -> None:
    times, naps, _ = sent(scripted(answer, OK), WRITE)
    assert (times, naps) == (1, [])


def test_what_never_left_may_be_sent_again(scripted: Any) -> None:
    assert sent(scripted(NeverSent("no"), OK), WRITE)[0] == 2
    assert sent(scripted(*[NeverSent("no")] * 9), WRITE)[0] == 5
    assert sent(scripted(*[NeverSent("no")] * 9), READ)[0] == 3


def test_read_only_is_final(scripted: Any) -> None:
    times, _, outcome = sent(scripted(ReadOnly("no"), OK), WRITE)
    assert times == 1
    assert isinstance(outcome, ReadOnly)


def test_a_rejection_is_final_but_a_read_that_is_forbidden_is_asked_once_more(scripted: Any) -> None:
    forbidden = Reply(403, {}, "")
    assert sent(scripted(forbidden, OK), READ)[0] == 2
    assert sent(scripted(forbidden, forbidden, OK), READ) == (2, [0.5], forbidden)
    assert sent(scripted(forbidden, OK), WRITE)[0] == 1
    assert sent(scripted(Reply(404, {}, ""), OK), READ)[0] == 1


def test_a_page_is_repeated_alone_and_not_the_whole_scan(scripted: Any) -> None:
    first = {"contacts": [{"id": str(n)} for n in range(1, 101)]}
    wire = scripted(first, Reply(502, {}, ""), {"contacts": [{"id": "101"}]})
    assert len(ActiveCampaignPort(wire, sleep=lambda _: None).holders("7")) == 101
    assert [one.params["id_greater"] for one in wire.asked] == ["0", "100", "100"]


def test_a_port_raises_what_the_last_try_amounts_to(scripted: Any) -> None:
    port = ActiveCampaignPort(scripted(*[LATER] * 9), sleep=lambda _: None)
    with pytest.raises(Refused):
        port.scheduled_since(datetime(2031, 3, 4, tzinfo=UTC))
    with pytest.raises(Rejected):
        ActiveCampaignPort(scripted({"result_code": 0}), sleep=lambda _: None).send("5")
