"""The hooks of the triggerer: the same answers, the same errors, reads only."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from tests.unit.hooks.conftest import IMPATIENT

from pro2.hooks.asynchronous import DashboardAsyncHook, Pro2AsyncHook
from pro2_reconciliation.domain.errors import ConfigurationError, NeverSent, ReadOnly, Unreadable
from pro2_reconciliation.wire import campaigns, dashboard
from pro2_reconciliation.wire.exchange import Request

READ = Request("GET", "api/3/users/me", {"filters[a]": "b c"})


def carried(hook: Any, *requests: Request) -> list[Any]:
    async def run() -> list[Any]:
        async with hook:
            return [await hook.acarry(one) for one in requests]

    return asyncio.run(run())


def test_an_exchange_runs_unchanged(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(404, {"message": "No Result"}))

    async def run() -> Any:
        async with Pro2AsyncHook(connect("pro2", server.url)) as hook:
            return await hook.fetch(campaigns.get("9"))

    assert asyncio.run(run()) is None
    assert server.seen[0].headers["api-token"] == "s3cret-token"


def test_the_dashboard_has_its_token_and_organization(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(200, {"as_of": "2031-03-04T00:00:00Z", "rows": []}))

    async def run() -> Any:
        conn_id = connect("pro2_dashboard", server.url, extra={"organization": "north"})
        async with DashboardAsyncHook(conn_id) as hook:
            return await hook.fetch(dashboard.console(await hook.organization()))

    assert asyncio.run(run()).rows == ()
    assert server.seen[0].headers["authorization"] == "Bearer s3cret-token"
    assert "organization" not in server.seen[0].headers


def test_a_stream_looks_its_connection_up_once_and_keeps_one_session(
    server: Any, connect: Any, mocker: Any
) -> None:
    hook = Pro2AsyncHook(connect("pro2", server.url))
    looked_up = mocker.patch.object(hook, "aget_connection", wraps=hook.aget_connection)
    opened = mocker.patch("pro2.hooks.asynchronous.aiohttp.ClientSession", wraps=aiohttp.ClientSession)
    carried(hook, READ, READ, READ)
    assert (looked_up.call_count, opened.call_count) == (1, 1)
    assert server.seen[0].path == "/api/3/users/me?filters%5Ba%5D=b+c"


def test_nothing_is_changed_from_the_triggerer(server: Any, connect: Any) -> None:
    hook = Pro2AsyncHook(connect("pro2", server.url, extra={"read_only": False}))
    with pytest.raises(ReadOnly):
        carried(hook, Request("POST", "x", mutating=True))
    assert server.seen == []


@pytest.mark.parametrize("way", ["silence", "hang_up", "half"])
def test_an_answer_that_gets_lost_is_unreadable(server: Any, answers: Any, connect: Any, way: str) -> None:
    server.will(getattr(answers, way))
    with pytest.raises(Unreadable):
        carried(Pro2AsyncHook(connect("pro2", server.url, extra=IMPATIENT)), READ)


def test_what_never_left_is_never_sent(connect: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(NeverSent, match="refused the connection"):
        carried(Pro2AsyncHook(connect("pro2", closed)), READ)
    with pytest.raises(NeverSent, match="looked up"):
        carried(Pro2AsyncHook(connect("pro2", "http://no-such-host.invalid")), READ)


def test_a_missing_connection_is_named_with_the_command_that_adds_it() -> None:
    with pytest.raises(ConfigurationError, match="airflow connections add nope"):
        carried(Pro2AsyncHook("nope"), READ)


def test_a_redirect_is_not_followed(server: Any, answers: Any, connect: Any) -> None:
    server.will(answers.reply(302, Location=server.url + "/elsewhere"))
    (reply,) = carried(Pro2AsyncHook(connect("pro2", server.url)), READ)
    assert reply.status == 302
    assert len(server.seen) == 1
