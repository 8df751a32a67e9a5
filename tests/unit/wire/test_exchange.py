"""The table that says what a failure means: every row, for reads and for mutating requests."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pro2_reconciliation.domain.errors import Ambiguous, Refused, Rejected, RequestError, Unreadable
from pro2_reconciliation.wire.exchange import Reply, Request, explain, read_json, retry_after

READ = Request("GET", "x")
WRITE = Request("POST", "x", mutating=True)
HTML = "<html>We are having some issues</html>"


@pytest.mark.parametrize(
    ("request_", "status", "text", "error"),
    [
        (READ, 429, "", Refused),
        (WRITE, 429, "", Refused),
        (READ, 503, "", Refused),
        (WRITE, 503, "", Ambiguous),
        (READ, 400, "{}", Rejected),
        (WRITE, 400, "'not allowed'", Rejected),
        (READ, 401, "", Rejected),
        (READ, 403, '{"message": "no"}', Rejected),
        (WRITE, 404, "", Rejected),
        (WRITE, 422, "", Rejected),
        (READ, 500, "", Unreadable),
        (WRITE, 500, "", Ambiguous),
        (READ, 502, HTML, Unreadable),
        (WRITE, 504, HTML, Ambiguous),
        (READ, 302, "", Unreadable),
        (WRITE, 302, "", Ambiguous),
        (READ, 200, HTML, Unreadable),
        (WRITE, 200, HTML, Ambiguous),
        (READ, 200, "", Unreadable),
        (WRITE, 200, "", Ambiguous),
        (READ, 200, '{"campaigns": [{"id": "1"', Unreadable),
        (WRITE, 201, '{"succeeded":', Ambiguous),
        (READ, 200, "[" * 200_000, Unreadable),
    ],
)
def test_a_reply_becomes_the_error_that_its_status_body_and_verb_amount_to(
    request_: Request, status: int, text: str, error: type[RequestError]
) -> None:
    with pytest.raises(error) as raised:
        read_json(request_, Reply(status, {}, text))
    assert type(raised.value) is error
    assert raised.value.status == status


@pytest.mark.parametrize("request_", [READ, WRITE])
@pytest.mark.parametrize("status", [200, 201, 202])
def test_json_of_a_success_is_returned(request_: Request, status: int) -> None:
    assert read_json(request_, Reply(status, {}, '{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("", 1.0),
        ("-5", 0.0),
        ("9999", 60.0),
        ("soon", 1.0),
        ("Tue, 04 Mar 2031 10:00:20 GMT", 20.0),
        ("Tue, 04 Mar 2031 09:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_date_and_clamped(value: str, seconds: float) -> None:
    now = datetime(2031, 3, 4, 10, 0, tzinfo=UTC)
    assert retry_after({"retry-AFTER": value}, now) == seconds


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"message": "No Result found"}', "No Result found"),
        ('{"errors": [{"title": "Forbidden", "detail": ""}]}', "Forbidden"),
        ('{"errors": [{"status": 404, "detail": "Contact not found"}]}', "Contact not found"),
        ('{"errors": ["Field name is required"]}', "Field name is required"),
        ('{"result_code": 0, "result_message": "Nothing"}', "Nothing"),
        ('{"Code": "X", "Description": "List missing"}', "List missing"),
        ("'Bad request.'", "'Bad request.'"),
        ("{}", "no reason given"),
        ("", "no reason given"),
    ],
)
def test_every_known_shape_of_an_error_body_yields_its_sentence(text: str, sentence: str) -> None:
    assert explain(Reply(400, {}, text)) == sentence
