"""The sandbox's own questions and levers under ``/sandbox``: what happened, what is true, what shall go wrong."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from pro2_sandbox import truth
from pro2_sandbox.answers import answer, utc_time
from pro2_sandbox.campaigns import Refusal
from pro2_sandbox.export import activity_csv, file_name
from pro2_sandbox.faults import KINDS, Fault
from pro2_sandbox.incident import PersonModel
from pro2_sandbox.jobs import Unknown, WrongButton
from pro2_sandbox.site_config import export_yaml, jobs_yaml, policy_yaml, sources_yaml
from pro2_sandbox.world import World


def router(world: World) -> APIRouter:
    api = APIRouter(prefix="/sandbox", tags=["Sandbox"])

    @api.get("/effects")
    async def effects() -> JSONResponse:
        rows = [
            {"at": utc_time(one.at), "kind": one.kind, "item": one.item, "by": one.by, "detail": one.detail}
            for one in sorted(world.effects.log, key=lambda one: one.at)
        ]
        return answer({"effects": rows})

    @api.get("/truth")
    async def verdict() -> JSONResponse:
        return answer(
            {
                "expected": truth.expected(world),
                "expected_outages": truth.expected_outages(world),
                "mailed_twice": truth.mailed_twice(world),
                "missing": truth.missing(world),
            }
        )

    @api.get("/expected")
    async def expected() -> JSONResponse:
        return answer({"incident": world.incident.name, "items": truth.expected(world)})

    @api.get("/config/jobs.yaml")
    async def jobs() -> Response:
        return Response(jobs_yaml(world), media_type="application/yaml")

    @api.get("/config/policy.yaml")
    async def policy() -> Response:
        return Response(policy_yaml(world), media_type="application/yaml")

    @api.get("/config/sources.yaml")
    async def sources() -> Response:
        return Response(sources_yaml(world), media_type="application/yaml")

    @api.get("/config/activity_export.yaml")
    async def activity_export(path: str = "file:///exports") -> Response:
        return Response(export_yaml(world, path), media_type="application/yaml")

    @api.get("/activity.csv")
    async def activity() -> Response:
        """What a person exports from the dashboard, under the name that it gives the file; nothing while it is down."""
        if world.silent("dashboard"):
            return answer({"message": "the Integrated Dashboard does not answer"}, 503)
        headers = {"X-File-Name": file_name(world)}
        return Response(activity_csv(world), headers=headers, media_type="text/csv; charset=utf-8")

    @api.post("/people")
    async def act(request: Request) -> JSONResponse:
        """Somebody works in Pro2 now."""
        body: Any = await request.json()
        try:
            person = PersonModel.model_validate({"at": "0"} | body)
        except (ValidationError, TypeError) as error:
            return answer({"message": str(error)}, 422)
        try:
            world.people.act(person, world.now)
        except Refusal as error:
            return answer({"message": str(error)}, 409)
        except Unknown as error:
            return answer({"message": str(error)}, 404)
        except WrongButton as error:
            return answer({"message": str(error)}, 422)
        return answer({"done": person.does, "item": person.item}, 201)

    @api.get("/clock")
    async def clock() -> JSONResponse:
        return answer({"t0": utc_time(world.t0), "now": utc_time(world.now)})

    @api.get("/faults")
    async def faults() -> JSONResponse:
        return answer(
            {"faults": world.faults.listed(), "kinds": {kind: one.about for kind, one in KINDS.items()}}
        )

    @api.post("/faults")
    async def add_faults(request: Request) -> JSONResponse:
        body: Any = await request.json()
        try:
            added = [Fault.model_validate(one) for one in (body if isinstance(body, list) else [body])]
        except ValidationError as error:
            return answer(
                {
                    "errors": [
                        {"where": ".".join(map(str, one["loc"])), "message": one["msg"]}
                        for one in error.errors()
                    ]
                },
                422,
            )
        for fault in added:
            if fault.item is not None and int(fault.item) not in world.campaigns.all:
                return answer({"message": f"There is no campaign {fault.item}"}, 404)
        for fault in added:
            world.faults.add(fault)
        world.advance()
        return answer({"faults": world.faults.listed()}, 201)

    @api.delete("/faults")
    async def clear_faults() -> JSONResponse:
        world.well_again()
        return answer({"faults": []})

    return api
