"""The ports over an application in this process: forms, queries and JSON as a web framework decodes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as Incoming
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pro2_reconciliation.domain.errors import Ambiguous, Rejected
from pro2_reconciliation.domain.words import StopAnswer
from pro2_reconciliation.wire.ports import ActiveCampaignPort, DashboardPort, ListsPort

SINCE = datetime(2031, 3, 4, tzinfo=UTC)


@pytest.fixture
def asked() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def app(asked: list[tuple[str, dict[str, Any]]]) -> Starlette:
    async def v1(request: Incoming) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        asked.append(("v1", form))
        if form.get("status") == "1":
            return PlainTextResponse("<html>busy</html>")
        return JSONResponse({"result_code": "1"})

    async def contacts(request: Incoming) -> Response:
        asked.append(("contacts", dict(request.query_params)))
        return JSONResponse({"contacts": [{"id": "1"}, {"id": "2"}], "meta": {"total": "2"}})

    async def tag(request: Incoming) -> Response:
        asked.append(("tag", await request.json()))
        return JSONResponse({"errors": [{"title": "Missing attribute"}]}, status_code=422)

    async def tags_of(_: Incoming) -> Response:
        return JSONResponse({"contactTags": []})

    async def copy(request: Incoming) -> Response:
        new_id = int(request.path_params["id"]) + 1
        return JSONResponse({"succeeded": 1, "message": "copied", "newCampaignId": new_id})

    async def activity(request: Incoming) -> Response:
        asked.append(("activity", dict(request.query_params)))
        return JSONResponse({"as_of": "2031-03-05T00:00:00Z", "rows": []})

    async def stop(_: Incoming) -> Response:
        return JSONResponse({"answer": "nothing_to_stop"})

    async def listed(_: Incoming) -> Response:
        return JSONResponse({"ConstituentCount": 3, "LastGeneratedDateTime": "2031-03-05T00:00:00Z"})

    board = "/dashboard/v1/organizations/north"
    return Starlette(
        routes=[
            Route("/admin/api.php", v1, methods=["POST"]),
            Route("/api/3/contacts", contacts),
            Route("/api/3/contactTags", tag, methods=["POST"]),
            Route("/api/3/contacts/88/contactTags", tags_of),
            Route("/api/3/campaigns/{id}/copy", copy, methods=["POST"]),
            Route(f"{board}/activity", activity),
            Route(f"{board}/jobs/members/stop", stop, methods=["POST"]),
            Route("/TessituraService/Reporting/Lists/101", listed),
        ]
    )


def test_an_account_is_read_and_acted_upon(app: Starlette, in_process: Any, asked: list[Any]) -> None:
    port = ActiveCampaignPort(in_process(app), sleep=lambda _: None)
    port.stop("5")
    assert asked.pop() == (
        "v1",
        {"api_action": "campaign_status", "api_output": "json", "id": "5", "status": "4"},
    )
    with pytest.raises(Ambiguous):
        port.send("5")
    assert asked.pop()[1]["sdate"] == ""
    assert asked == []
    assert port.copy("5") == "6"
    assert port.holders("7") == {"1", "2"}
    assert asked.pop()[1]["orders[id]"] == "ASC"
    with pytest.raises(Rejected, match="Missing attribute"):
        port.add_tag("88", "12")
    assert asked == [("tag", {"contactTag": {"contact": "88", "tag": "12"}})]
    assert port.get("404") is None


def test_a_dashboard_and_a_list_are_read(app: Starlette, in_process: Any, asked: list[Any]) -> None:
    board = DashboardPort(in_process(app), "north", sleep=lambda _: None)
    log = board.activity(SINCE, SINCE.replace(day=5))
    assert (log.rows, log.as_of.day) == ((), 5)
    assert asked[0][1] == {
        "since": "2031-03-04T00:00:00+00:00",
        "until": "2031-03-05T00:00:00+00:00",
        "page": "1",
        "per_page": "500",
    }
    assert board.stop_run("members") is StopAnswer.NOTHING_TO_STOP
    assert ListsPort(in_process(app)).size("101") == 3
