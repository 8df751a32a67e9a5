"""Tessitura's List Manager under ``/TessituraService``, read only: ``Generate`` is refused, always."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from pro2_sandbox.answers import answer, utc_time, whole
from pro2_sandbox.work import TessituraList
from pro2_sandbox.world import World

CONSTITUENTS_FROM = 9_000


def router(world: World) -> APIRouter:
    api = APIRouter(prefix="/TessituraService", tags=["Tessitura"])
    lists = world.work.lists

    def summary(entry: TessituraList) -> dict[str, Any]:
        return {
            "Id": int(entry.id),
            "Description": entry.name,
            "Category": {"Id": 1, "Description": "Pro2", "Inactive": False},
            "ConstituentCount": len(entry.members),
            "Inactive": False,
            "CreatedBy": "boxoffice",
            "LastUsedDateTime": utc_time(entry.used),
            "LastGeneratedDateTime": utc_time(entry.generated_by(world.now)),
            "IsDynamic": entry.dynamic,
            "EditMode": "Criteria" if entry.dynamic else "Manual",
        }

    def no_list(list_id: str) -> JSONResponse:
        text = f"List {list_id} does not exist"
        return answer([{"Code": "NOT_FOUND", "Description": text, "Details": "", "ErrorPath": ""}], 404)

    @api.get("/Diagnostics/Status")
    async def status() -> JSONResponse:
        return answer({"Status": "OK", "ServiceVersion": "15.2.40"})

    @api.head("/Diagnostics/Ping")
    async def ping() -> Response:
        return Response()

    @api.get("/Reporting/Lists/Summary")
    async def summaries(request: Request) -> JSONResponse:
        wanted = [text.strip() for text in request.query_params.get("listIds", "").split(",")]
        return answer([summary(lists[list_id]) for list_id in wanted if list_id in lists])

    @api.post("/Reporting/Lists/Search")
    async def search(request: Request) -> JSONResponse:
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            body = {}
        text = str(body.get("SearchText") or "").casefold()
        found = [entry for entry in lists.values() if text in entry.name.casefold()]
        page, size = whole(str(body.get("Page")), 1, 1), whole(str(body.get("PageSize")), 50, 1)
        headers = {"X-Page": str(page), "X-Page-Size": str(size), "X-Total-Count": str(len(found))}
        return answer([summary(entry) for entry in found[(page - 1) * size : page * size]], 200, headers)

    @api.get("/Reporting/Lists/{list_id}")
    async def one(list_id: str) -> JSONResponse:
        if list_id not in lists:
            return no_list(list_id)
        entry = lists[list_id]
        more = {
            "TMSIndicator": True,
            "Criteria": [],
            "CreatedDateTime": utc_time(entry.generated_by(world.now)),
        }
        return answer(summary(entry) | more)

    @api.get("/Reporting/Lists/{list_id}/Contents")
    async def contents(list_id: str) -> JSONResponse:
        if list_id not in lists:
            return no_list(list_id)
        return answer([{"ConstituentId": CONSTITUENTS_FROM + member} for member in lists[list_id].members])

    @api.post("/Reporting/Lists/{list_id}/Generate")
    async def generate(list_id: str) -> JSONResponse:
        text = "Generating a list changes what others share; this account may only read"
        return answer([{"Code": "FORBIDDEN", "Description": text, "Details": "", "ErrorPath": ""}], 403)

    return api
