"""The GET routes: the board, the items of an outage or a dag run, an item's story, what makes us trusted, and files.

A report is a file to take away too, since it styles itself, which the page's policy forbids.

Plain functions, so each runs in a thread and none holds up the API server's event loop. An answer carries an ETag over
what it says; whoever shows it back gets 304 and no body. Fails with 404 in a sentence for what is not known.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import APIRouter, HTTPException, Request, Response

from pro2.web.clock import wall_clock
from pro2.web.opened import Opened
from pro2.web.people import PersonDep
from pro2.web.words import words
from pro2_reconciliation.domain.errors import LedgerError, LedgerUnavailable
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.overview.board import board
from pro2_reconciliation.overview.capabilities import capabilities, pressed_by_a_person
from pro2_reconciliation.overview.export import as_csv, as_json
from pro2_reconciliation.overview.items import items_of_outage, items_of_run
from pro2_reconciliation.overview.shadow import shadow
from pro2_reconciliation.overview.story import story
from pro2_reconciliation.overview.views import ItemView
from pro2_reconciliation.repair.report import Report
from pro2_reconciliation.repair.report_page import render

T = TypeVar("T")
Items = tuple[ItemView, ...]
LATEST = "latest"
"""The newest outage, as in the form of ``reconcile``: the page asks for it before it knows any id."""


def read_routes(opened: Opened) -> APIRouter:
    """Everything below ``api`` that only reads."""
    router = APIRouter(prefix="/api")

    def known(read: Callable[[Ledger], T]) -> T:
        ledger = opened.ledger()
        try:
            return read(ledger)
        except LedgerUnavailable:
            raise
        except LedgerError as error:
            raise HTTPException(404, str(error)) from error

    def items_of(outage_id: str) -> Items:
        return known(lambda ledger: items_of_outage(opened.site(), ledger, outage_id, opened.now()))

    @router.get("/board")
    def whole_board(request: Request, person: PersonDep) -> Response:
        site, now = opened.site(), opened.now()
        seen = board(site, opened.ledger(), now, witness=opened.witness())
        said = {
            "board": seen.model_dump(mode="json", exclude={"made_at"}),
            "me": asdict(person),
            "clock": wall_clock(site.zone, [now, *(outage.start for outage in seen.outages)]),
            "words": words(),
        }
        return _answer(request, said, made_at=now.isoformat())

    @router.get("/outages/{outage_id}")
    def outage(request: Request, outage_id: str) -> Response:
        chosen = newest(opened) if outage_id == LATEST else outage_id
        return _answer(request, {"outage": chosen, "items": _plain(items_of(chosen) if chosen else ())})

    @router.get("/outages/{outage_id}/items.csv")
    def outage_csv(outage_id: str) -> Response:
        text = as_csv(items_of(outage_id), opened.site().zone)
        return _file(text, f"outage-{outage_id}.csv", "text/csv; charset=utf-8")

    @router.get("/outages/{outage_id}/items.json")
    def outage_json(outage_id: str) -> Response:
        return _file(as_json(items_of(outage_id)), f"outage-{outage_id}.json", "application/json")

    @router.get("/runs/{run_id:path}")
    def run(request: Request, run_id: str) -> Response:
        found = known(lambda ledger: items_of_run(opened.site(), ledger, run_id, opened.now()))
        return _answer(request, {"items": _plain(found)})

    @router.get("/trust")
    def trust(request: Request) -> Response:
        site, ledger = opened.site(), opened.ledger()
        said = {
            "shadow": shadow(site, ledger, opened.now()).model_dump(mode="json", exclude={"since"}),
            "capabilities": [one.model_dump(mode="json") for one in capabilities(ledger, site.organization)],
            "pressed": pressed_by_a_person(ledger, site.organization),
        }
        return _answer(request, said)

    @router.get("/reports/{run_id:path}")
    def report(run_id: str) -> Response:
        kept = opened.ledger().report_of(opened.site().organization, run_id)
        if kept is None:
            raise HTTPException(404, f"the ledger has no report of dag run {one_line(run_id, 200)!r}")
        head = {key: value for key, value in kept.items() if key in Report.model_fields}
        return _file(render(Report.model_validate(head)), f"{run_id}.html", "text/html; charset=utf-8")

    @router.get("/items/{key:path}")
    def item(request: Request, key: str) -> Response:
        told = known(lambda ledger: story(opened.site(), ledger, key, opened.now()))
        return _answer(request, told.model_dump(mode="json"))

    return router


def newest(opened: Opened) -> str:
    """The id of the outage that began last; empty if there is none."""
    known = opened.ledger().outages(opened.site().organization)
    return max(known, key=lambda one: (one.start, one.id)).id if known else ""


def _plain(items: Items) -> list[dict[str, Any]]:
    return [item.model_dump(mode="json") for item in items]


def _answer(request: Request, said: dict[str, Any], **also: Any) -> Response:
    """``said`` as JSON, or 304 where the asker knows it already; ``also`` may differ without being news."""
    text = json.dumps(said, separators=(",", ":"))
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": etag})
    body = json.dumps({**said, **also}, separators=(",", ":")) if also else text
    return Response(body, media_type="application/json", headers={"etag": etag})


def _file(text: str, name: str, kind: str) -> Response:
    safe = re.sub(r"[^0-9A-Za-z._-]", "_", name)
    headers = {"content-disposition": f'attachment; filename="{safe}"'}
    return Response(text.encode("utf-8", "replace"), media_type=kind, headers=headers)
