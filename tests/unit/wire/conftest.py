"""A transport that answers from a script and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from pro2_reconciliation.domain.errors import Ambiguous, NeverSent, RequestError, Unreadable
from pro2_reconciliation.wire.exchange import Reply, Request

Answer = Reply | RequestError | dict[str, Any] | list[Any] | str


class Scripted:
    """Gives its answers in order: a Reply, an error to raise, or JSON for a 200."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def carry(self, request: Request) -> Reply:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, RequestError):
            raise answer
        if isinstance(answer, Reply):
            return answer
        return Reply(200, {}, answer if isinstance(answer, str) else json.dumps(answer))


@pytest.fixture
def scripted() -> Callable[..., Scripted]:
    return Scripted


@pytest.fixture
def campaign_row() -> Callable[..., dict[str, Any]]:
    """A campaign of v3 as the vendor documents it, numbers as text."""

    def build(**changes: Any) -> dict[str, Any]:
        row = {
            "id": "4711",
            "name": "Season opener",
            "type": "single",
            "source": "web",
            "status": "1",
            "seriesid": "0",
            "automation": None,
            "segmentid": "0",
            "cdate": "2031-03-01T09:30:00-06:00",
            "mdate": "2031-03-02T09:30:00-06:00",
            "sdate": "2031-03-04T09:30:00-06:00",
            "ldate": None,
            "send_amt": "0",
            "total_amt": "18250",
            "opens": "0",
            "uniqueopens": "0",
            "linkclicks": "0",
            "uniquelinkclicks": "0",
            "subscriberclicks": "0",
            "hardbounces": "0",
            "softbounces": "0",
            "unsubscribes": "0",
            "willrecur": "0",
            "split_winner_awaiting": "0",
        }
        return {**row, **changes}

    return build


class InProcess:
    """Carries requests into an ASGI application in this process, with the headers a hook would add."""

    def __init__(self, app: Any, headers: dict[str, str] | None = None) -> None:
        self.client = TestClient(app, raise_server_exceptions=False, headers=headers)

    def carry(self, request: Request) -> Reply:
        try:
            answer = self.client.request(
                request.method,
                f"/{request.path}",
                params=dict(request.params),
                data=None if request.form is None else dict(request.form),
                json=None if request.body is None else dict(request.body),
                follow_redirects=False,
            )
        except httpx.ConnectError as error:
            raise NeverSent(f"{request.path}: {error}") from error
        except httpx.HTTPError as error:
            raise (Ambiguous if request.mutating else Unreadable)(f"{request.path}: {error}") from error
        return Reply(answer.status_code, dict(answer.headers), answer.text)


@pytest.fixture
def in_process() -> type[InProcess]:
    return InProcess
