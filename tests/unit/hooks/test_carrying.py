"""A connection as a transport, over a real socket: what leaves, what comes back, what a failure is."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest
from tests.unit.hooks.conftest import IMPATIENT

from pro2.hooks.dashboard import Pro2DashboardHook
from pro2.hooks.pro2 import Pro2Hook
from pro2.hooks.status_feed import StatusFeedHook
from pro2.hooks.tessitura import TessituraHook
from pro2_reconciliation.domain.errors import (
    Ambiguous,
    ConfigurationError,
    NeverSent,
    ReadOnly,
    Refused,
    Rejected,
    RequestError,
    Unreadable,
)
from pro2_reconciliation.wire import campaigns, contacts, dashboard
from pro2_reconciliation.wire.exchange import Request, drive
from pro2_reconciliation.wire.ports import ActiveCampaignPort

READ = Request("GET", "api/3/users/me", {"a": "b"})
WRITE = Request("POST", "admin/api.php", form={"api_action": "campaign_status"}, mutating=True)
WRITABLE = {"read_only": False}


@pytest.fixture
def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def failure(hook: Any, request: Request) -> RequestError:
    with pytest.raises(RequestError) as raised:
        hook.carry(request)
    return raised.value


def test_a_read_carries_the_key_in_a_header_and_nowhere_else(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(200, {"user": {"id": "1"}}))
    reply = Pro2Hook(connect("pro2", server.url)).carry(READ)
    assert (reply.status, reply.text) == (200, '{"user": {"id": "1"}}')
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("GET", "/api/3/users/me?a=b", "")
    assert seen.headers["api-token"] == "s3cret-token"
    assert "authorization" not in seen.headers


def test_the_extra_of_a_connection_does_not_become_headers(server: Any, connect: Any) -> None:
    extra = {"read_only": False, "organization": "north", "anything": "else"}
    Pro2Hook(connect("pro2", server.url, extra=extra)).carry(READ)
    assert not {"read_only", "timeout", "pace_ms", "organization", "anything"} & server.seen[0].headers.keys()


def test_forms_and_json_arrive_as_such(server: Any, connect: Any) -> None:
    hook = Pro2Hook(connect("pro2", server.url, extra=WRITABLE))
    hook.carry(Request("POST", "admin/api.php", form={"sdate": "", "filters[id_greater]": "9"}))
    hook.carry(Request("POST", "api/3/contactTags", body={"contactTag": {"contact": "1"}}))
    assert server.seen[0].body == "sdate=&filters%5Bid_greater%5D=9"
    assert server.seen[1].body == '{"contactTag": {"contact": "1"}}'


def test_reads_share_a_session_and_a_mutating_request_has_its_own(
    server: Any, connect: Any, mocker: Any
) -> None:
    hook = Pro2Hook(connect("pro2", server.url, extra=WRITABLE))
    made = mocker.spy(hook, "get_conn")
    for request in (READ, READ, WRITE, READ, WRITE):
        hook.carry(request)
    assert made.call_count == 3


@pytest.mark.parametrize("extra", [{}, {"read_only": True}, {"read_only": None}, {"read_only": "perhaps"}])
def test_a_connection_is_read_only_until_it_says_otherwise(connect: Any, mocker: Any, extra: Any) -> None:
    hook = Pro2Hook(connect("pro2", "http://127.0.0.1:1", extra=extra))
    made = mocker.spy(hook, "get_conn")
    with pytest.raises(ReadOnly, match="under_test is read-only"):
        hook.carry(WRITE)
    assert made.call_count == 0


MUTATING = {
    "stop": campaigns.stop,
    "send": campaigns.send,
    "copy": campaigns.copy,
    "stop_run": lambda i: dashboard.stop_run("o", i),
    "run_now": lambda i: dashboard.run_now("o", i),
    "repeat_import": lambda i: dashboard.repeat_import("o", i),
    "import_list": lambda i: dashboard.import_list("o", i, "t", "n"),
}


@pytest.mark.parametrize("exchange", MUTATING.values(), ids=MUTATING)
def test_read_only_refuses_every_mutating_exchange_before_a_session_is_built(
    server: Any, connect: Any, mocker: Any, exchange: Any
) -> None:
    hook = Pro2Hook(connect("pro2", server.url))
    made = mocker.spy(hook, "get_conn")
    with pytest.raises(ReadOnly):
        drive(exchange("5"), hook.carry)
    assert (made.call_count, server.seen) == (0, [])


def test_read_only_lets_a_tag_be_looked_for_but_not_written(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(200, {"contactTags": [{"id": "502", "tag": "12"}]}))
    hook = Pro2Hook(connect("pro2", server.url))
    with pytest.raises(ReadOnly):
        drive(contacts.remove_tag("88", "12"), hook.carry)
    server.will(answers.reply(200, {"contactTags": []}))
    with pytest.raises(ReadOnly):
        drive(contacts.add_tag("88", "12"), hook.carry)
    assert [one.method for one in server.seen] == ["GET", "GET"]


def test_a_refused_connection_was_never_sent(connect: Any, closed_port: str) -> None:
    hook = Pro2Hook(connect("pro2", closed_port, extra=WRITABLE))
    for request in (READ, WRITE):
        error = failure(hook, request)
        assert type(error) is NeverSent
        assert "refused the connection" in str(error)


def test_a_name_that_does_not_exist_was_never_sent(connect: Any) -> None:
    hook = Pro2Hook(connect("pro2", "http://no-such-host.invalid", extra=WRITABLE))
    error = failure(hook, WRITE)
    assert type(error) is NeverSent
    assert "could not be looked up" in str(error)


@pytest.mark.parametrize("way", ["silence", "hang_up", "half"])
def test_an_answer_that_gets_lost_depends_on_the_verb(
    server: Any, answers: Any, connect: Any, way: str
) -> None:
    server.will(getattr(answers, way))
    hook = Pro2Hook(connect("pro2", server.url, extra=WRITABLE | IMPATIENT))
    assert type(failure(hook, READ)) is Unreadable
    assert type(failure(hook, WRITE)) is Ambiguous
    assert [one.method for one in server.seen] == ["GET", "POST"]


def test_a_lost_answer_is_not_mistaken_for_an_older_refused_connection(
    server: Any, answers: Any, connect: Any
) -> None:
    server.will(answers.hang_up)
    hook = Pro2Hook(connect("pro2", server.url, extra=WRITABLE))
    try:
        raise ConnectionRefusedError
    except ConnectionRefusedError:
        assert type(failure(hook, WRITE)) is Ambiguous


def test_speaking_tls_to_a_host_that_does_not_is_not_certain_to_be_unsent(server: Any, connect: Any) -> None:
    hook = Pro2Hook(connect("pro2", server.url.replace("http://", "https://"), extra=WRITABLE | IMPATIENT))
    assert type(failure(hook, WRITE)) in (Ambiguous, NeverSent)


def test_a_redirect_is_not_followed(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(307, Location=server.url + "/elsewhere"))
    hook = Pro2Hook(connect("pro2", server.url, extra=WRITABLE))
    assert hook.carry(WRITE).status == 307
    assert len(server.seen) == 1
    with pytest.raises(Ambiguous):
        drive(campaigns.send("5"), hook.carry)


def test_429_and_then_success_is_a_success_for_the_port(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(429, Retry_After="3"), answers.reply(200, {"result_code": "1"}))
    naps: list[float] = []
    hook = Pro2Hook(connect("pro2", server.url, extra=WRITABLE))
    ActiveCampaignPort(hook, sleep=naps.append).send("5")
    assert naps == [3.0]
    assert len(server.seen) == 2


def test_html_is_ambiguous_for_a_send_and_unreadable_for_a_read(
    server: Any, answers: Any, connect: Any
) -> None:
    server.will(answers.reply(200, "<html>having some issues</html>"))
    port = ActiveCampaignPort(Pro2Hook(connect("pro2", server.url, extra=WRITABLE)), sleep=lambda _: None)
    with pytest.raises(Ambiguous):
        port.send("5")
    with pytest.raises(Unreadable):
        port.get("5")


def test_a_wrong_token_is_rejected(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(403, {"message": "No permission"}))
    port = ActiveCampaignPort(Pro2Hook(connect("pro2", server.url)), sleep=lambda _: None)
    with pytest.raises(Rejected, match="No permission"):
        port.get("5")


def test_no_automatic_retry_hides_a_refusal(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(429))
    with pytest.raises(Refused):
        drive(campaigns.get("5"), Pro2Hook(connect("pro2", server.url)).carry)
    assert len(server.seen) == 1


def test_the_dashboard_gets_a_bearer_token(server: Any, connect: Any) -> None:
    hook = Pro2DashboardHook(connect("pro2_dashboard", server.url, extra={"organization": "north"}))
    hook.carry(READ)
    assert server.seen[0].headers["authorization"] == "Bearer s3cret-token"
    assert hook.organization == "north"


def test_tessitura_gets_its_four_part_login_and_stays_read_only(server: Any, connect: Any) -> None:
    hook = TessituraHook(connect("tessitura", server.url, login="reader:web:box", extra=WRITABLE))
    hook.carry(READ)
    assert server.seen[0].headers["authorization"] == "Basic cmVhZGVyOndlYjpib3g6czNjcmV0LXRva2Vu"
    with pytest.raises(ReadOnly):
        hook.carry(WRITE)


def test_a_status_feed_needs_no_secret_and_sends_none(server: Any, connect: Any) -> None:
    hook = StatusFeedHook(
        connect(
            "status_feed",
            server.url,
            password=None,
        )
    )
    hook.carry(next(hook.looks()).request)
    assert server.seen[0].path == "/api/v2/incidents.json"
    assert not {"api-token", "authorization"} & server.seen[0].headers.keys()


def test_no_secret_appears_in_the_log_or_in_an_error(
    connect: Any, closed_port: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook = Pro2Hook(connect("pro2", closed_port, extra=WRITABLE))
    error = failure(hook, WRITE)
    assert "s3cret-token" not in caplog.text + str(error) + repr(error.__cause__) + repr(hook.settings)


def test_a_missing_connection_is_named_with_the_command_that_adds_it() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no connection nope.*airflow connections add nope --conn-type pro2"
    ):
        Pro2Hook("nope").carry(READ)


@pytest.mark.parametrize(
    ("conn_type", "parts", "complaint"),
    [
        ("pro2", {"host": ""}, "base URL"),
        ("pro2", {"host": "ftp://x"}, "base URL"),
        ("pro2", {"host": "https://u:p@x"}, "secret or a query in its host"),
        ("pro2", {"password": None}, "no password"),
        ("pro2", {"extra": {"timeout": "soon"}}, "timeout"),
        ("pro2", {"extra": {"pace_ms": -1}}, "pace_ms"),
        ("pro2_dashboard", {}, "organization"),
        ("tessitura", {"login": "reader"}, "user:group:location"),
    ],
)
def test_an_impossible_connection_is_named_with_what_is_wrong(
    connect: Any, conn_type: str, parts: dict[str, Any], complaint: str
) -> None:
    hooks: dict[str, Any] = {
        "pro2": Pro2Hook,
        "pro2_dashboard": Pro2DashboardHook,
        "tessitura": TessituraHook,
    }
    conn_id = connect(conn_type, parts.pop("host", "https://x.example"), **parts)
    with pytest.raises(ConfigurationError, match=complaint) as raised:
        hooks[conn_type](conn_id).carry(READ)
    assert "under_test" in str(raised.value)
