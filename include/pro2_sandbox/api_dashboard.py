"""The Integrated Dashboard behind the project's own contract (docs/dashboard-contract.openapi.yaml)."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pro2_sandbox.answers import answer, read_time, utc_time, whole
from pro2_sandbox.jobs import Unknown, WrongButton
from pro2_sandbox.runs import Run
from pro2_sandbox.world import World

BASE = "/dashboard/v1/organizations/{organization}"


def router(world: World) -> APIRouter:
    api = APIRouter(prefix=BASE, tags=["Integrated Dashboard"])
    jobs = world.jobs

    def console_row(run: Run) -> dict[str, Any]:
        queued = run.started > world.now
        progress, progressed = run.progress_at(world.now)
        return {
            **_identity(run),
            "status": "queued" if queued else "running",
            "started_at": None if queued else utc_time(run.started),
            "scheduled_for": utc_time(run.due),
            "progress": None if queued else progress,
            "progressed_at": None if queued else utc_time(progressed),
        }

    def activity_row(run: Run) -> dict[str, Any]:
        ended = run.ended(world.now)
        counts = run.counts if ended else None
        return {
            **_identity(run),
            "started_at": utc_time(run.started),
            "finished_at": utc_time(run.finished) if ended else None,
            "status": run.status(world.now),
            "origin": run.origin,
            "counts": None if counts is None else counts.model_dump(),
            "tag": run.tag,
        }

    @api.get("/activity")
    async def activity(organization: str, request: Request) -> JSONResponse:
        query = request.query_params
        try:
            since = read_time(query.get("since") or "0001-01-01T00:00:00+00:00", world.zone)
            until = read_time(query.get("until") or "9999-12-30T00:00:00+00:00", world.zone)
        except ValueError:
            return answer({"message": "since and until are ISO 8601 times with an offset"}, 422)
        rows = jobs.activity(since, until, world.now)
        page, size = whole(query.get("page"), 1, 1), whole(query.get("per_page"), 100, 1, 500)
        listed = [activity_row(run) for run in rows[(page - 1) * size : page * size]]
        pages = max(1, -(-len(rows) // size))
        head = {"as_of": utc_time(world.now), "page": page, "pages": pages, "total": len(rows)}
        return answer(head | {"rows": listed})

    @api.get("/console")
    async def console(organization: str) -> JSONResponse:
        rows = [console_row(run) for run in jobs.console(world.now)]
        return answer({"as_of": utc_time(world.now), "rows": rows})

    @api.post("/jobs/{process_id}/stop")
    async def stop(organization: str, process_id: str, request: Request) -> JSONResponse:
        run_id = _body(await request.body()).get("run_id")
        try:
            given = jobs.stop(process_id, None if run_id is None else str(run_id), world.now, "us")
        except Unknown as error:
            return answer({"message": str(error)}, 404)
        return answer({"answer": given})

    @api.post("/jobs/{process_id}/run-now", status_code=202)
    async def run_now(organization: str, process_id: str) -> JSONResponse:
        try:
            jobs.run_now(process_id, world.now, "us")
        except (Unknown, WrongButton) as error:
            return answer({"message": str(error)}, 404 if isinstance(error, Unknown) else 422)
        return answer({"accepted": True}, 202)

    @api.post("/jobs/{process_id}/repeat-import", status_code=202)
    async def repeat_import(organization: str, process_id: str) -> JSONResponse:
        try:
            jobs.repeat_import(process_id, world.now, "us")
        except (Unknown, WrongButton) as error:
            return answer({"message": str(error)}, 404 if isinstance(error, Unknown) else 422)
        return answer({"accepted": True}, 202)

    @api.post("/imports", status_code=202)
    async def imports(organization: str, request: Request) -> JSONResponse:
        body = _body(await request.body())
        given = [body.get(key) for key in ("list_id", "tag", "name")]
        if not all(isinstance(value, str) and value for value in given):
            return answer({"message": "list_id, tag and name are texts and must not be empty"}, 422)
        list_id, tag, name = (str(value) for value in given)
        try:
            jobs.import_list(list_id, tag, name, world.now, "us")
        except Unknown as error:
            return answer({"message": str(error)}, 404)
        return answer({"accepted": True}, 202)

    return api


def _identity(run: Run) -> dict[str, Any]:
    row = {"run_id": run.id, "process_type": run.process_type, "process_id": run.process_id}
    return row | {"process_name": run.name}


def _body(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
