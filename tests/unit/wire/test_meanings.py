"""The table of meanings, walked whole: every status and fate, for a read and for a mutating request."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro2_reconciliation.domain.errors import (
    Ambiguous,
    NeverSent,
    Refused,
    Rejected,
    RequestError,
    Unreadable,
)
from pro2_reconciliation.wire.exchange import (
    MAX_RETRY_AFTER,
    MEANINGS,
    Fate,
    Reply,
    Request,
    meaning,
    read_json,
    retry_after,
)
from pro2_reconciliation.wire.patience import tries

READ = Request("GET", "x")
WRITE = Request("POST", "x", mutating=True)
STATUSES = range(100, 600)
NOW = datetime(2031, 3, 4, 10, 0, tzinfo=UTC)


def outcome(request: Request, reply: Reply) -> type[RequestError] | None:
    try:
        read_json(request, reply)
    except RequestError as error:
        return type(error) if error.status == reply.status else RequestError
    return None


def due(status: int, body: str) -> tuple[type[RequestError] | None, type[RequestError] | None]:
    """What decisions and invariant 2 ask for: of a read, and of a mutating request."""
    if 200 <= status < 300:
        return (None, None) if body == "{}" else (Unreadable, Ambiguous)
    if status == 429:
        return Refused, Refused
    if status == 503:
        return Refused, Ambiguous
    if 400 <= status < 500 and status != 408:
        return Rejected, Rejected
    return Unreadable, Ambiguous


@pytest.mark.parametrize("body", ["{}", "<html>", ""], ids=["json", "html", "empty"])
def test_every_status_means_one_thing_for_a_read_and_one_for_a_write(body: str) -> None:
    found = {
        status: tuple(outcome(one, Reply(status, {}, body)) for one in (READ, WRITE)) for status in STATUSES
    }
    assert found == {status: due(status, body) for status in STATUSES}


def test_of_all_answers_only_429_may_lead_to_a_second_mutating_request() -> None:
    again = set()
    for status in STATUSES:
        error = meaning(status, mutating=True)
        if error is not None and tries(WRITE, error("x", status=status)) > 1:
            again.add(status)
    assert again == {429}


@pytest.mark.parametrize("status", [-1, 0, 99, 600, 999])
def test_a_status_that_is_none_counts_as_lost(status: int) -> None:
    assert (outcome(READ, Reply(status, {}, "{}")), outcome(WRITE, Reply(status, {}, "{}"))) == (
        Unreadable,
        Ambiguous,
    )


@pytest.mark.parametrize(
    ("fate", "read", "write"),
    [
        (Fate.UNSENT, NeverSent, NeverSent),
        (Fate.LOST, Unreadable, Ambiguous),
        (Fate.NONSENSE, Unreadable, Ambiguous),
    ],
)
def test_every_fate_means_one_thing_for_a_read_and_one_for_a_write(
    fate: Fate, read: type[RequestError], write: type[RequestError]
) -> None:
    assert (meaning(fate, mutating=False), meaning(fate, mutating=True)) == (read, write)


def test_every_fate_has_a_row_of_its_own() -> None:
    assert [row.of for row in MEANINGS if isinstance(row.of, Fate)] == list(Fate)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("0.5", 0.5),
        ("-0", 0.0),
        ("-1e9", 0.0),
        ("60.0001", 60.0),
        ("1e400", 60.0),
        ("inf", 60.0),
        ("-inf", 0.0),
        ("nan", 1.0),
        ("7, 9", 1.0),
        ("Tue, 04 Mar 2031 10:00:20 -0000", 20.0),
        ("Tue, 04 Mar 2031 05:00:20 -0500", 20.0),
        ("Tue, 04 Mar 9999 10:00:20 GMT", 60.0),
        ("Tue, 04 Mar 1970 10:00:20 GMT", 0.0),
        ("Tue, 99 Mar 2031 10:00:20 GMT", 1.0),
        ("Tue, 04 Mar 99999 10:00:20 GMT", 1.0),
        ("Tue, 04 Mar 2031 10:00:20 +999999999", 1.0),
        ("2031-03-04T10:00:20Z", 1.0),
    ],
)
def test_retry_after_is_never_absurd(value: str, seconds: float) -> None:
    assert retry_after({"Retry-After": value}, NOW) == seconds


def test_a_date_counts_from_the_answers_own_clock() -> None:
    fast = {"Date": "Tue, 04 Mar 2031 10:30:00 GMT", "Retry-After": "Tue, 04 Mar 2031 10:30:05 GMT"}
    assert retry_after(fast, NOW) == 5.0


@given(
    st.one_of(
        st.text(),
        st.floats().map(str),
        st.integers().map(str),
        st.datetimes(timezones=st.just(UTC)).map(lambda at: format_datetime(at, usegmt=True)),
    )
)
def test_whatever_a_service_writes_the_wait_is_one_that_can_be_slept(value: str) -> None:
    seconds = retry_after({"Retry-After": value, "Date": value}, NOW)
    assert math.isfinite(seconds)
    assert 0 <= seconds <= MAX_RETRY_AFTER
