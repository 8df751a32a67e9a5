"""ActiveCampaign's older interface, ``/admin/api.php``: stop and send, campaign lists, report totals.

It is the only way to stop or send. A failure is HTTP 200 with ``result_code`` 0. Of ``api_output`` only JSON exists.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pro2_sandbox import campaign_shapes
from pro2_sandbox.answers import answer, read_time, whole
from pro2_sandbox.campaign import Campaign
from pro2_sandbox.campaigns import Refusal
from pro2_sandbox.world import World

PER_PAGE = 10


def router(world: World) -> APIRouter:
    api = APIRouter(tags=["ActiveCampaign v1"])

    async def call(request: Request) -> JSONResponse:
        form = await parameters(request)
        if world.incident.tokens.api_token not in (request.headers.get("api-token"), form.get("api_key")):
            return _failed("You are not authorized to access this file")
        try:
            match form.get("api_action"):
                case "campaign_status":
                    return _status(world, form)
                case "campaign_list":
                    return _list(world, form)
                case "campaign_report_totals":
                    return _totals(world, form)
                case action:
                    return _failed(f"Failed: the action {action!r} is not known")
        except Refusal as error:
            return _failed(str(error))

    api.add_api_route("/admin/api.php", call, methods=["GET"], operation_id="v1_read")
    api.add_api_route("/admin/api.php", call, methods=["POST"], operation_id="v1_call")
    return api


async def parameters(request: Request) -> dict[str, str]:
    """The query together with a form-encoded body; the body wins."""
    body = (await request.body()).decode("utf-8", "replace")
    return dict(request.query_params) | dict(parse_qsl(body, keep_blank_values=True))


def _status(world: World, form: dict[str, str]) -> JSONResponse:
    campaign = _campaign(world, form.get("id"))
    if campaign is None:
        return _failed("Campaign does not exist")
    status, sdate = form.get("status"), form.get("sdate", "").strip()
    if status == "4":
        world.campaigns.stop_campaign(campaign, world.now, "us")
        return _done("Campaign status changed")
    if status != "1":
        return _failed(f"Status {status!r} cannot be set")
    if sdate:
        try:
            moment = read_time(sdate, world.zone)
        except ValueError:
            return _failed("sdate is not a time")
        if moment > world.now:
            world.campaigns.schedule(campaign, moment, world.now, "us")
            return _done("Campaign scheduled")
    world.campaigns.send_now(campaign, world.now, "us")
    return _done("Campaign status changed")


def _list(world: World, form: dict[str, str]) -> JSONResponse:
    found = list(world.campaigns.all.values())
    if ids := form.get("ids"):
        wanted = {text.strip() for text in ids.split(",")}
        found = [campaign for campaign in found if "all" in wanted or str(campaign.id) in wanted]
    filters = {_bare(key): value for key, value in form.items() if value != ""}
    try:
        found = [campaign for campaign in found if _fits(world, campaign, filters)]
    except ValueError as error:
        return _failed(f"Failed: {error}")
    by_time = form.get("sort") == "cdate"
    descending = form.get("sort_direction", "DESC").upper() != "ASC"
    found.sort(key=lambda one: (one.created if by_time else world.t0, one.id), reverse=descending)
    start = (whole(form.get("page"), 1, 1) - 1) * PER_PAGE
    page = found[start : start + PER_PAGE]
    if not page:
        return _failed("Failed: Nothing is returned")
    full = form.get("full", "1") == "1"
    rows: dict[str, Any] = {
        str(index): campaign_shapes.v1(one, world.zone, world.contacts.lists[one.list_id].name, full)
        for index, one in enumerate(page)
    }
    return _done("Success: Something is returned", rows)


def _totals(world: World, form: dict[str, str]) -> JSONResponse:
    campaign = _campaign(world, form.get("campaignid"))
    if campaign is None:
        return _failed("Campaign does not exist")
    return _done("Success: Something is returned", campaign_shapes.report(campaign, world.zone))


def _fits(world: World, campaign: Campaign, filters: dict[str, str]) -> bool:
    """Whether a campaign passes the filters. Raises ``ValueError`` for a time that is none."""
    for key, value in filters.items():
        if key == "id_greater" and campaign.id <= whole(value, 0):
            return False
        if key == "id_less" and campaign.id >= whole(value, 0):
            return False
        if key == "name" and value.casefold() not in campaign.name.casefold():
            return False
        if key == "type" and campaign.type != value:
            return False
        times = {"cdate": campaign.created, "sdate": campaign.due, "ldate": campaign.last_sent}
        moment = times.get(key.removesuffix("_since_datetime"))
        if key.endswith("_since_datetime") and (moment is None or moment < read_time(value, world.zone)):
            return False
    return True


def _bare(key: str) -> str:
    return key[8:-1] if key.startswith("filters[") and key.endswith("]") else key


def _campaign(world: World, text: str | None) -> Campaign | None:
    return world.campaigns.all.get(whole(text, 0))


def _done(message: str, rows: dict[str, Any] | None = None) -> JSONResponse:
    return answer({**(rows or {}), "result_code": 1, "result_message": message, "result_output": "json"})


def _failed(message: str) -> JSONResponse:
    return answer({"result_code": 0, "result_message": message, "result_output": "json"})
