"""The vendor's status page under ``/status``, in the shapes of Statuspage v2. It never goes down itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from pro2_sandbox.answers import answer, utc_time
from pro2_sandbox.incident import Feed
from pro2_sandbox.world import World

PAGE_ID, INCIDENT_ID = "sandboxpage", "sandboxincident1"
_WORST = {
    "none": "operational",
    "minor": "degraded_performance",
    "major": "partial_outage",
    "critical": "major_outage",
}


def router(world: World) -> APIRouter:
    api = APIRouter(prefix="/status/api/v2", tags=["Status page"])

    def page() -> dict[str, Any]:
        name, zone = f"Pro2 sandbox ({world.incident.organization})", world.incident.zone
        body = {"id": PAGE_ID, "name": name, "url": "http://localhost/status", "time_zone": zone}
        return body | {"updated_at": utc_time(world.now)}

    def feed() -> Feed | None:
        """What the page knows by now."""
        told = world.incident.outage.feed
        return told if told is not None and world.t0 + told.started <= world.now else None

    def resolved(told: Feed) -> datetime | None:
        end = None if told.resolved is None else world.t0 + told.resolved
        return end if end is not None and end <= world.now else None

    def component(told: Feed | None, name: str, position: int) -> dict[str, Any]:
        hit = told is not None and resolved(told) is None and told.component == name
        return {
            "id": f"component{position}",
            "name": name,
            "status": _WORST[told.impact] if hit and told is not None else "operational",
            "description": None,
            "group": False,
            "group_id": None,
            "position": position,
            "showcase": True,
            "only_show_if_degraded": False,
            "start_date": None,
            "page_id": PAGE_ID,
            "created_at": "2030-01-01T00:00:00.000Z",
            "updated_at": utc_time(world.now),
        }

    def components() -> list[dict[str, Any]]:
        told = feed()
        names = ["Campaign sending", "Integrated Dashboard", "Automations"]
        scripted = world.incident.outage.feed
        if scripted is not None and scripted.component not in names:
            names.append(scripted.component)
        return [component(told, name, position) for position, name in enumerate(names, 1)]

    def incidents(unresolved: bool) -> list[dict[str, Any]]:
        told = feed()
        if told is None or (unresolved and resolved(told) is not None):
            return []
        started, end = world.t0 + told.started, resolved(told)
        updates = [_update("investigating", "We are looking into delayed campaigns.", started)]
        if end is not None:
            updates.insert(0, _update("resolved", "Sending works again.", end))
        affected = [one for one in components() if one["name"] == told.component]
        incident = {
            "id": INCIDENT_ID,
            "name": told.name,
            "status": updates[0]["status"],
            "impact": told.impact,
            "created_at": utc_time(started),
            "started_at": utc_time(started),
            "updated_at": updates[0]["updated_at"],
            "monitoring_at": None,
            "resolved_at": utc_time(end),
            "shortlink": "http://localhost/status",
            "page_id": PAGE_ID,
            "incident_updates": updates,
            "components": affected,
        }
        return [incident]

    def overall() -> dict[str, str]:
        told = feed()
        if told is None or resolved(told) is not None:
            return {"indicator": "none", "description": "All Systems Operational"}
        return {"indicator": told.impact, "description": told.name}

    @api.get("/summary.json")
    async def summary() -> JSONResponse:
        body = {"page": page(), "status": overall(), "components": components()}
        return answer(body | {"incidents": incidents(unresolved=True), "scheduled_maintenances": []})

    @api.get("/incidents.json")
    async def all_incidents() -> JSONResponse:
        return answer({"page": page(), "incidents": incidents(unresolved=False)})

    @api.get("/incidents/unresolved.json")
    async def unresolved_incidents() -> JSONResponse:
        return answer({"page": page(), "incidents": incidents(unresolved=True)})

    @api.get("/scheduled-maintenances.json")
    async def maintenances() -> JSONResponse:
        return answer({"page": page(), "scheduled_maintenances": []})

    @api.get("/status.json")
    async def status() -> JSONResponse:
        return answer({"page": page(), "status": overall()})

    @api.get("/components.json")
    async def listed_components() -> JSONResponse:
        return answer({"page": page(), "components": components()})

    return api


def _update(status: str, body: str, at: datetime) -> dict[str, Any]:
    moment = utc_time(at)
    update = {"id": f"update-{status}", "incident_id": INCIDENT_ID, "status": status, "body": body}
    return update | {"created_at": moment, "display_at": moment, "updated_at": moment}
