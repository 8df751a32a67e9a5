"""ActiveCampaign v3 under ``/api/3``: contacts, tags, lists, automations, and the bulk import's queue."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pro2_sandbox.answers import answer, cut, offset_time, orders, read_time, whole
from pro2_sandbox.automations import Entry
from pro2_sandbox.contacts import Tag
from pro2_sandbox.world import World


def router(world: World) -> APIRouter:
    api = APIRouter(prefix="/api/3", tags=["ActiveCampaign v3"])
    contacts, automations = world.contacts, world.automations

    def time(moment: datetime | None) -> str | None:
        return offset_time(moment, world.zone)

    def tag_shape(tag: Tag) -> dict[str, Any]:
        row = {"id": str(tag.id), "tag": tag.name, "tagType": "contact", "description": tag.description}
        return row | {"cdate": time(tag.created), "links": {}}

    def contact_shape(contact: int) -> dict[str, Any]:
        row = {"id": str(contact), "email": f"patron{contact}@example.org", "firstName": "Patron"}
        row |= {
            "lastName": str(contact),
            "phone": "",
            "deleted": "0",
            "bounced_hard": "0",
            "bounced_soft": "0",
        }
        return row | {"cdate": time(contacts.created), "udate": time(contacts.created), "links": {}}

    def entry_shape(entry: Entry) -> dict[str, Any]:
        status = "1" if entry.left is None else "2"
        return {
            "id": str(entry.id),
            "contact": str(entry.contact),
            "automation": entry.automation,
            "seriesid": entry.automation,
            "startid": "0",
            "status": status,
            "batchid": None,
            "adddate": time(entry.entered),
            "remdate": time(entry.left),
            "timespan": None if entry.left is None else "0",
            "lastblock": "1",
            "lastlogid": "0",
            "lastdate": time(entry.last_step),
            "completedElements": "1",
            "totalElements": "3",
            "completed": int(entry.left is not None),
            "completeValue": 100 if entry.left is not None else 33,
            "links": {},
        }

    def no_contact() -> JSONResponse:
        return answer({"errors": [{"status": 404, "title": "Not Found", "detail": "Contact not found"}]}, 404)

    @api.get("/tags")
    async def tags(request: Request) -> JSONResponse:
        query = request.query_params
        found = sorted(contacts.tags.values(), key=lambda tag: tag.id)
        if (text := query.get("search") or query.get("filters[search][contains]")) is not None:
            found = [tag for tag in found if text.casefold() in tag.name.casefold()]
        if (name := query.get("filters[search][eq]")) is not None:
            found = [tag for tag in found if tag.name == name]
        listed = [tag_shape(tag) for tag in cut(request, found)]
        return answer({"tags": listed, "meta": {"total": str(len(found))}})

    @api.get("/tags/{tag_id}")
    async def tag(tag_id: str) -> JSONResponse:
        found = contacts.tags.get(whole(tag_id, 0))
        if found is None:
            return answer({"message": f"No Result found for Tag with id {tag_id}"}, 404)
        return answer({"tag": tag_shape(found) | {"subscriber_count": str(len(found.held))}})

    @api.post("/tags")
    async def make_tag(request: Request) -> JSONResponse:
        body = _inside(await request.body(), "tag")
        name = str(body.get("tag") or "").strip()
        if not name:
            return answer({"errors": [{"title": "The tag name is required", "code": "field_missing"}]}, 422)
        if contacts.tag_named(name) is not None:
            return answer({"errors": [{"title": "The tag exists already", "code": "duplicate"}]}, 422)
        made = contacts.make_tag(name, world.now, str(body.get("description") or ""))
        return answer({"tag": tag_shape(made)}, 201)

    @api.get("/contacts")
    async def listed_contacts(request: Request) -> JSONResponse:
        query = request.query_params
        found: list[int] = list(contacts.all)
        if (tag_id := query.get("tagid")) is not None:
            held = contacts.tags.get(whole(tag_id, 0))
            found = sorted(held.held) if held is not None else []
        if (list_id := query.get("listid")) is not None:
            members = contacts.lists[list_id].members if list_id in contacts.lists else range(0)
            found = [contact for contact in found if contact in members]
        if query.get("status", "1") not in ("-1", "1"):
            found = []
        if (email := query.get("email")) is not None:
            found = [contact for contact in found if f"patron{contact}@example.org" == email.casefold()]
        total = len(found)
        after, below = whole(query.get("id_greater"), 0), query.get("id_less")
        found = [contact for contact in found if contact > after]
        if below is not None:
            found = [contact for contact in found if contact < whole(below, 0)]
        if ("id", True) in orders(request):
            found.reverse()
        page = [contact_shape(contact) for contact in cut(request, found)]
        return answer({"contacts": page, "meta": {"total": str(total)}})

    @api.get("/contacts/{contact_id}")
    async def contact(contact_id: str) -> JSONResponse:
        number = whole(contact_id, 0)
        return answer({"contact": contact_shape(number)}) if number in contacts.all else no_contact()

    @api.get("/contacts/{contact_id}/contactTags")
    async def tags_of(contact_id: str) -> JSONResponse:
        number = whole(contact_id, 0)
        if number not in contacts.all:
            return no_contact()
        rows = [_relation(relation, number, tag, time) for relation, tag in contacts.tags_of(number)]
        return answer({"contactTags": rows})

    @api.post("/contactTags")
    async def add_tag(request: Request) -> JSONResponse:
        body = _inside(await request.body(), "contactTag")
        number, tag = whole(str(body.get("contact")), 0), contacts.tags.get(whole(str(body.get("tag")), 0))
        if number not in contacts.all:
            return no_contact()
        if tag is None:
            return answer(
                {"errors": [{"title": "The tag does not exist", "detail": "", "code": "related_missing"}]},
                422,
            )
        had_it = number in tag.held
        relation = contacts.add_tag(number, tag, world.now, "us")
        return answer({"contactTag": _relation(relation, number, tag, time)}, 200 if had_it else 201)

    @api.delete("/contactTags/{relation_id}")
    async def remove_tag(relation_id: str) -> JSONResponse:
        if contacts.remove_relation(whole(relation_id, 0), world.now, "us"):
            return answer({})
        return answer({"message": f"No Result found for SubscriberTag with id {relation_id}"}, 404)

    @api.get("/lists")
    async def lists(request: Request) -> JSONResponse:
        rows = [
            {"id": entry.id, "name": entry.name, "stringid": f"list-{entry.id}"}
            for entry in contacts.lists.values()
        ]
        return answer({"lists": cut(request, rows), "meta": {"total": str(len(rows))}})

    @api.get("/automations")
    async def listed_automations(request: Request) -> JSONResponse:
        rows: list[dict[str, Any]] = []
        for model in automations.models.values():
            inside = automations.of(model.id)
            row = {"id": model.id, "name": model.name, "status": "1" if model.active else "2", "hidden": "0"}
            row |= {"entered": str(len(inside)), "exited": str(sum(1 for entry in inside if entry.left))}
            row |= {"multientry": "1" if model.multientry else "0", "userid": "1", "defaultscreenshot": ""}
            rows.append(row | {"cdate": time(contacts.created), "mdate": time(contacts.created), "links": {}})
        return answer({"automations": cut(request, rows), "meta": {"total": str(len(rows))}})

    @api.get("/contactAutomations")
    async def contact_automations(request: Request) -> JSONResponse:
        found = list(automations.entries)
        for key, value in request.query_params.items():
            try:
                found = [entry for entry in found if _fits(entry, key, value, world)]
            except ValueError:
                return answer({"errors": [{"title": f"{key} is not a time", "detail": value}]}, 422)
        listed = [entry_shape(entry) for entry in cut(request, found)]
        return answer({"contactAutomations": listed, "meta": {"total": str(len(found))}})

    @api.get("/import/bulk_import")
    async def bulk_import() -> JSONResponse:
        account = world.incident.account
        drained = account.backlog_drains is not None and world.now >= world.t0 + account.backlog_drains
        outstanding = []
        if account.bulk_import_backlog and not drained:
            waiting = {"forDate": f"{world.now.astimezone(world.zone):%Y-%m-%d}", "batches": "1"}
            outstanding = [waiting | {"contacts": str(account.bulk_import_backlog)}]
        return answer({"outstanding": outstanding, "recentlyCompleted": []})

    return api


def _fits(entry: Entry, key: str, value: str, world: World) -> bool:
    """Whether an entry passes one filter. Raises ``ValueError`` for a time that is none."""
    if key == "filters[seriesid]":
        return entry.automation == value
    if key == "filters[status]":
        return value == ("1" if entry.left is None else "2")
    if key == "filters[subscriberid]":
        return str(entry.contact) == value
    if key.startswith("filters[adddate][") and key.endswith("]"):
        limit = read_time(value, world.zone)
        return {
            "gte": entry.entered >= limit,
            "gt": entry.entered > limit,
            "lt": entry.entered < limit,
            "lte": entry.entered <= limit,
            "eq": entry.entered == limit,
        }.get(key[17:-1], True)
    return True


def _relation(relation: int, contact: int, tag: Tag, time: Any) -> dict[str, Any]:
    row = {"id": str(relation), "contact": str(contact), "tag": str(tag.id), "cdate": time(tag.created)}
    return row | {"created_timestamp": time(tag.created), "links": {}}


def _inside(raw: bytes, key: str) -> dict[str, Any]:
    """The object under ``key`` of a JSON body; empty where there is none."""
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    inner = body.get(key) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}
