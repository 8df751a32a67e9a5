"""The vendor's status page under ``/status``, in the shapes of Statuspage v2. It never goes down itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from pro2_sandbox.answers import answer, utc_time
from pro2_sandbox.incident_outages import COMPONENTS, MaintenanceModel, OutageModel
from pro2_sandbox.world import World

PAGE_ID = "sandboxpage"
LINK = "http://localhost/status"
_WORST = {
    "none": "operational",
    "maintenance": "under_maintenance",
    "minor": "degraded_performance",
    "major": "partial_outage",
    "critical": "major_outage",
}
_ORDER = ("none", "maintenance", "minor", "major", "critical")


def router(world: World) -> APIRouter:
    api = APIRouter(prefix="/status/api/v2", tags=["Status page"])

    def page() -> dict[str, Any]:
        name, zone = f"Pro2 sandbox ({world.incident.organization})", world.incident.zone
        body = {"id": PAGE_ID, "name": name, "url": LINK, "time_zone": zone}
        return body | {"updated_at": utc_time(world.now)}

    def told() -> list[tuple[int, OutageModel]]:
        """The outages that the page knows by now, newest first."""
        numbered = [
            (number, one)
            for number, one in enumerate(world.incident.outages, 1)
            if one.feed is not None and world.t0 + one.feed.told <= world.now
        ]
        return sorted(numbered, key=lambda pair: pair[1].start, reverse=True)

    def resolved(outage: OutageModel) -> datetime | None:
        end = outage.feed.resolved if outage.feed is not None else None
        moment = None if end is None else world.t0 + end
        return moment if moment is not None and moment <= world.now else None

    def worst(outages: Iterable[OutageModel]) -> str:
        impacts = [one.feed.impact for one in outages if one.feed is not None and resolved(one) is None]
        return max(impacts, key=_ORDER.index, default="none")

    def component(name: str, position: int) -> dict[str, Any]:
        return {
            "id": f"component{position}",
            "name": name,
            "status": _WORST[worst(one for _, one in told() if one.component == name)],
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
        scripted = [one.component for one in world.incident.outages if one.feed is not None]
        names = dict.fromkeys((*COMPONENTS.values(), "Automations", *scripted))
        return [component(name, position) for position, name in enumerate(names, 1)]

    def named(names: Iterable[str]) -> list[dict[str, Any]]:
        wanted = set(names)
        return [one for one in components() if one["name"] in wanted]

    def incidents(unresolved: bool) -> list[dict[str, Any]]:
        return [incident(number, one) for number, one in told() if not unresolved or resolved(one) is None]

    def incident(number: int, outage: OutageModel) -> dict[str, Any]:
        feed = outage.feed
        assert feed is not None  # noqa: S101 - told() names only those that have one
        key, started, end = f"sandboxincident{number}", world.t0 + feed.started, resolved(outage)
        updates = [_update(key, "investigating", "We are looking into it.", started)]
        if end is not None:
            updates.insert(0, _update(key, "resolved", "It works again.", end))
        return {
            "id": key,
            "name": feed.name,
            "status": updates[0]["status"],
            "impact": feed.impact,
            "created_at": utc_time(started),
            "started_at": utc_time(started),
            "updated_at": updates[0]["updated_at"],
            "monitoring_at": None,
            "resolved_at": utc_time(end),
            "shortlink": LINK,
            "page_id": PAGE_ID,
            "incident_updates": updates,
            "components": named([outage.component]),
        }

    def works(upcoming: bool = False) -> list[dict[str, Any]]:
        """Maintenances that were announced by now; ``upcoming``: those that are not over."""
        return [
            maintenance(number, one)
            for number, one in enumerate(world.incident.maintenance, 1)
            if world.t0 + one.announced <= world.now and not (upcoming and world.t0 + one.end <= world.now)
        ]

    def maintenance(number: int, work: MaintenanceModel) -> dict[str, Any]:
        key, start, end = f"sandboxmaintenance{number}", world.t0 + work.start, world.t0 + work.end
        moments = {"scheduled": world.t0 + work.announced, "in_progress": start, "completed": end}
        updates = [_update(key, name, "Planned work.", at) for name, at in moments.items() if at <= world.now]
        return {
            "id": key,
            "name": work.name,
            "status": updates[-1]["status"],
            "impact": "maintenance",
            "created_at": updates[0]["created_at"],
            "updated_at": updates[-1]["updated_at"],
            "monitoring_at": None,
            "resolved_at": utc_time(end) if end <= world.now else None,
            "scheduled_for": utc_time(start),
            "scheduled_until": utc_time(end),
            "shortlink": LINK,
            "page_id": PAGE_ID,
            "incident_updates": updates[::-1],
            "components": named(COMPONENTS[service] for service in work.services),
        }

    def overall() -> dict[str, str]:
        now = [one for _, one in told() if resolved(one) is None]
        if not now:
            return {"indicator": "none", "description": "All Systems Operational"}
        described = now[0].feed.name if now[0].feed is not None else ""
        return {"indicator": worst(now), "description": described}

    @api.get("/summary.json")
    async def summary() -> JSONResponse:
        body = {"page": page(), "status": overall(), "components": components()}
        coming = works(upcoming=True)
        return answer(body | {"incidents": incidents(unresolved=True), "scheduled_maintenances": coming})

    @api.get("/incidents.json")
    async def all_incidents() -> JSONResponse:
        return answer({"page": page(), "incidents": incidents(unresolved=False)})

    @api.get("/incidents/unresolved.json")
    async def unresolved_incidents() -> JSONResponse:
        return answer({"page": page(), "incidents": incidents(unresolved=True)})

    @api.get("/scheduled-maintenances.json")
    async def maintenances() -> JSONResponse:
        return answer({"page": page(), "scheduled_maintenances": works()})

    @api.get("/scheduled-maintenances/upcoming.json")
    async def upcoming_maintenances() -> JSONResponse:
        return answer({"page": page(), "scheduled_maintenances": works(upcoming=True)})

    @api.get("/status.json")
    async def status() -> JSONResponse:
        return answer({"page": page(), "status": overall()})

    @api.get("/components.json")
    async def listed_components() -> JSONResponse:
        return answer({"page": page(), "components": components()})

    return api


def _update(incident: str, status: str, body: str, at: datetime) -> dict[str, Any]:
    moment = utc_time(at)
    update = {"id": f"{incident}-{status}", "incident_id": incident, "status": status, "body": body}
    return update | {"created_at": moment, "display_at": moment, "updated_at": moment}
