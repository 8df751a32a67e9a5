"""Every exception of the two transports, by verb: "never sent" only where that is certain."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
import requests
import urllib3.exceptions as u3
from requests import exceptions

from pro2.hooks import failures
from pro2.hooks.asynchronous import Pro2AsyncHook
from pro2.hooks.pro2 import Pro2Hook
from pro2_reconciliation.domain.errors import (
    Ambiguous,
    ConfigurationError,
    NeverSent,
    ReconciliationError,
    Unreadable,
)
from pro2_reconciliation.wire.exchange import Request

READ = Request("GET", "api/3/users/me")
WRITE = Request("POST", "admin/api.php", mutating=True)
NO_REQUEST = (exceptions.InvalidURL, exceptions.InvalidHeader)
"""The connection makes no request at all; a person corrects it."""


def classes(module: Any, base: type[Exception]) -> list[type[Exception]]:
    found = {one for one in vars(module).values() if inspect.isclass(one) and issubclass(one, base)}
    return sorted(found, key=lambda one: one.__name__)


def of_requests(kind: type[Exception]) -> Exception:
    if issubclass(kind, exceptions.JSONDecodeError):
        return kind("no JSON", "", 0)
    return kind("it went wrong")


def because(reason: Exception) -> u3.MaxRetryError:
    return u3.MaxRetryError(None, "/", reason)  # type: ignore[arg-type]


def refused() -> Exception:
    error = u3.NewConnectionError(None, "refused")  # type: ignore[arg-type]
    error.__cause__ = ConnectionRefusedError()
    return error


CERTAIN = {
    "connect timeout": (exceptions.ConnectTimeout(because(u3.ConnectTimeoutError())), failures.SLOW),
    "refused": (requests.ConnectionError(because(refused())), failures.REFUSED),
    "no route": (requests.ConnectionError(because(u3.NewConnectionError(None, "no"))), failures.UNREACHABLE),  # type: ignore[arg-type]
    "no name": (
        requests.ConnectionError(because(u3.NameResolutionError("x", None, OSError()))),  # type: ignore[arg-type]
        failures.NAME,
    ),
    "certificate": (
        exceptions.SSLError(because(u3.SSLError(ssl.SSLCertVerificationError("expired")))),
        failures.CERTIFICATE,
    ),
}
UNCERTAIN = {
    "proxy": exceptions.ProxyError(because(refused())),
    "tls": exceptions.SSLError(because(u3.SSLError(ssl.SSLEOFError("eof")))),
    "reset": requests.ConnectionError(u3.ProtocolError("aborted", ConnectionResetError())),
    "read timeout": exceptions.ReadTimeout(u3.ReadTimeoutError(None, "/", "slow")),  # type: ignore[arg-type]
}


def carried(connect: Any, mocker: Any, error: Exception, request: Request) -> ReconciliationError:
    hook = Pro2Hook(connect("pro2", "http://127.0.0.1:1", extra={"read_only": False}))
    mocker.patch.object(requests.Session, "send", side_effect=error)
    with pytest.raises(ReconciliationError) as raised:
        hook.carry(request)
    assert "s3cret-token" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize("kind", classes(exceptions, requests.RequestException), ids=lambda k: k.__name__)
def test_every_exception_of_requests_without_a_certain_reason_is_lost(
    connect: Any, mocker: Any, kind: type[Exception]
) -> None:
    read, write = (type(carried(connect, mocker, of_requests(kind), one)) for one in (READ, WRITE))
    if issubclass(kind, NO_REQUEST):
        assert (read, write) == (ConfigurationError, ConfigurationError)
    elif kind is exceptions.ConnectTimeout:
        assert (read, write) == (NeverSent, NeverSent)
    else:
        assert (read, write) == (Unreadable, Ambiguous)


@pytest.mark.parametrize("name", CERTAIN)
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_what_certainly_did_not_leave_may_be_sent_again(
    connect: Any, mocker: Any, name: str, request_: Request
) -> None:
    error, why = CERTAIN[name]
    found = carried(connect, mocker, error, request_)
    assert type(found) is NeverSent
    assert why in str(found)


@pytest.mark.parametrize("name", UNCERTAIN)
def test_what_may_have_left_is_never_sent_again(connect: Any, mocker: Any, name: str) -> None:
    assert type(carried(connect, mocker, UNCERTAIN[name], WRITE)) is Ambiguous


def test_every_row_for_requests_is_reached() -> None:
    reached = {failures.requests_never_sent(error) for error, _ in CERTAIN.values()}
    assert reached == {why for *_, why in failures.REQUESTS if why}


def of_aiohttp(kind: type[Exception], cause: Exception) -> Exception:
    key = SimpleNamespace(host="x", port=1, ssl=True, is_ssl=True)
    if issubclass(kind, aiohttp.ClientConnectorCertificateError):
        return kind(key, cause)
    if kind.__name__ == "UnixClientConnectorError":
        return kind("/x", key, cause)
    if issubclass(kind, aiohttp.ClientConnectorError):
        return kind(key, cause)
    if issubclass(kind, aiohttp.ServerFingerprintMismatch):
        return kind(b"", b"", "x", 1)
    if issubclass(kind, aiohttp.ClientResponseError):
        return kind(SimpleNamespace(real_url="x"), ())
    return kind("it went wrong")


def acarried(connect: Any, mocker: Any, error: Exception) -> ReconciliationError:
    async def run() -> ReconciliationError:
        async with Pro2AsyncHook(connect("pro2", "http://127.0.0.1:1")) as hook:
            mocker.patch.object(aiohttp.ClientSession, "request", side_effect=error)
            with pytest.raises(ReconciliationError) as raised:
                await hook.acarry(READ)
            return raised.value

    return asyncio.run(run())


ASYNC = [*classes(aiohttp.client_exceptions, aiohttp.ClientError), TimeoutError, asyncio.TimeoutError]
NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


@pytest.mark.parametrize("kind", ASYNC, ids=lambda k: k.__name__)
@pytest.mark.parametrize(
    "cause", [ConnectionRefusedError(), OSError(113, "no route")], ids=["refused", "other"]
)
def test_every_exception_of_aiohttp_is_never_sent_or_lost(
    connect: Any, mocker: Any, kind: type[Exception], cause: Exception
) -> None:
    found = type(acarried(connect, mocker, of_aiohttp(kind, cause)))
    if issubclass(kind, aiohttp.InvalidURL):
        assert found is ConfigurationError
    elif issubclass(kind, NOT_CONNECTED) and not issubclass(kind, aiohttp.ClientProxyConnectionError):
        assert found is NeverSent
    else:
        assert found is Unreadable


def test_every_row_for_aiohttp_is_reached() -> None:
    kinds = [kind for kind in ASYNC if issubclass(kind, aiohttp.ClientError)]
    reached = {
        failures.aiohttp_never_sent(of_aiohttp(kind, cause))
        for kind in kinds
        for cause in (ConnectionRefusedError(), OSError(113, "no route"))
    }
    assert reached == {why for *_, why in failures.AIOHTTP}
