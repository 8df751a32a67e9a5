"""ActiveCampaign v3 under ``/api/3``: campaigns with their messages and lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pro2_sandbox import campaign_shapes
from pro2_sandbox.answers import answer, cut, orders
from pro2_sandbox.campaign import Campaign
from pro2_sandbox.world import World

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def router(world: World) -> APIRouter:
    api = APIRouter(prefix="/api/3", tags=["ActiveCampaign v3"])

    def shape(campaign: Campaign, request: Request) -> dict[str, Any]:
        return campaign_shapes.v3(campaign, world.zone, f"{str(request.base_url).rstrip('/')}/api/3")

    def find(campaign_id: str) -> Campaign | None:
        return world.campaigns.all.get(int(campaign_id)) if campaign_id.isdecimal() else None

    def no_campaign(campaign_id: str) -> JSONResponse:
        return answer({"message": f"No Result found for Campaign with id {campaign_id}"}, 404)

    @api.get("/users/me")
    async def me(request: Request) -> JSONResponse:
        user = {
            "id": "1",
            "username": "sandbox",
            "firstName": "Sandbox",
            "lastName": world.incident.organization,
            "email": "sandbox@example.org",
            "phone": "",
            "signature": None,
            "links": {"lists": f"{str(request.base_url).rstrip('/')}/api/3/users/1/lists"},
        }
        return answer({"user": user})

    @api.get("/campaigns")
    async def campaigns(request: Request) -> JSONResponse:
        found = _ordered(request, _filtered(request, list(world.campaigns.all.values())))
        listed = [shape(campaign, request) for campaign in cut(request, found)]
        return answer({"campaigns": listed, "meta": {"total": str(len(found))}})

    @api.get("/campaigns/{campaign_id}")
    async def campaign(campaign_id: str, request: Request) -> JSONResponse:
        found = find(campaign_id)
        return no_campaign(campaign_id) if found is None else answer({"campaign": shape(found, request)})

    @api.get("/campaigns/{campaign_id}/links")
    async def links(campaign_id: str) -> JSONResponse:
        found = find(campaign_id)
        if found is None:
            return no_campaign(campaign_id)
        link = {
            "id": str(found.id + 90_000),
            "campaignid": str(found.id),
            "messageid": str(found.message_id),
            "link": "open",
            "name": "",
            "ref": "",
            "tracked": "1",
            "links": {},
        }
        return answer({"links": [link], "meta": {"total": "1"}})

    @api.get("/campaigns/{campaign_id}/campaignLists")
    async def campaign_lists(campaign_id: str) -> JSONResponse:
        found = find(campaign_id)
        if found is None:
            return no_campaign(campaign_id)
        row = {"id": str(found.id + 30_000), "campaignid": str(found.id), "listid": found.list_id}
        row |= {"list_amt": str(len(found.audience)), "campaign": str(found.id), "list": found.list_id}
        return answer({"campaignLists": [row]})

    @api.get("/campaigns/{campaign_id}/campaignMessages")
    async def campaign_messages(campaign_id: str) -> JSONResponse:
        found = find(campaign_id)
        if found is None:
            return no_campaign(campaign_id)
        row = {"id": str(found.id + 40_000), "campaignid": str(found.id), "messageid": str(found.message_id)}
        row |= {"percentage": "100", "subject": found.subject, "send_amt": str(found.counters.send_amt)}
        row |= {"campaign": str(found.id), "message": str(found.message_id)}
        return answer({"campaignMessages": [row]})

    @api.post("/campaigns/{campaign_id}/copy")
    async def copy(campaign_id: str) -> JSONResponse:
        found = find(campaign_id)
        if found is None:
            return no_campaign(campaign_id)
        made = world.campaigns.copy(found, world.now, "us")
        return answer({"succeeded": 1, "message": "Campaign copied", "newCampaignId": made.id})

    @api.get("/messages/{message_id}")
    async def message(message_id: str) -> JSONResponse:
        for found in world.campaigns.all.values():
            if str(found.message_id) == message_id:
                row = {
                    "id": message_id,
                    "userid": "1",
                    "user": "1",
                    "name": found.name,
                    "subject": found.subject,
                }
                row |= {"fromname": world.incident.organization, "fromemail": "news@example.org"}
                row |= {"reply2": "news@example.org", "charset": "utf-8", "encoding": "quoted-printable"}
                return answer({"message": row})
        return answer({"message": f"No Result found for Message with id {message_id}"}, 404)

    return api


def _filtered(request: Request, campaigns: list[Campaign]) -> list[Campaign]:
    query = request.query_params
    if (series := query.get("filters[seriesid]")) is not None:
        campaigns = [campaign for campaign in campaigns if campaign.series == series]
    if (name := query.get("filters[name]")) is not None:
        campaigns = [campaign for campaign in campaigns if name.casefold() in campaign.name.casefold()]
    if (status := query.get("filters[status]")) is not None:
        wanted = set(status.split(","))
        campaigns = [campaign for campaign in campaigns if str(campaign.status) in wanted]
    return campaigns


def _ordered(request: Request, campaigns: list[Campaign]) -> list[Campaign]:
    """As MySQL orders: a missing time is less than every other, so it comes last when descending."""
    found = sorted(campaigns, key=lambda campaign: campaign.id)
    for field, descending in reversed(orders(request)):
        if field == "id":
            found.sort(key=lambda campaign: campaign.id, reverse=descending)
        elif field == "status":
            found.sort(key=lambda campaign: campaign.status, reverse=descending)
        elif field in ("sdate", "ldate", "cdate", "mdate"):
            found.sort(key=lambda campaign, field=field: _time(campaign, field), reverse=descending)  # type: ignore[misc]
    return found


def _time(campaign: Campaign, field: str) -> datetime:
    value = {
        "sdate": campaign.due,
        "ldate": campaign.last_sent,
        "cdate": campaign.created,
        "mdate": campaign.modified,
    }[field]
    return _LONG_AGO if value is None else value
