"""The page itself and its files, each from a route: what is mounted would escape the login.

The files are those of the package's folder ``static``, known by name when the API server starts, so no path leads
anywhere else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response

from pro2.web.words import looks_css
from pro2_reconciliation.domain.oneline import one_line

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PAGE = "index.html"


@dataclass(frozen=True)
class StaticFile:
    body: bytes
    kind: str

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def page_routes() -> APIRouter:
    """``/`` and ``/static/{name}``."""
    router = APIRouter()
    known = _known()

    @router.get("/")
    def page() -> Response:
        return Response(known[PAGE].body, media_type=known[PAGE].kind)

    @router.get("/static/{name}")
    def static(request: Request, name: str) -> Response:
        found = known.get(name)
        if found is None or name == PAGE:
            raise HTTPException(404, f"the page has no file {one_line(name, 80)!r}")
        headers = {"etag": found.etag, "cache-control": "private, no-cache"}
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(found.body, media_type=found.kind, headers=headers)

    return router


def _known() -> dict[str, StaticFile]:
    found = {
        entry.name: StaticFile(entry.read_bytes(), KINDS[f".{entry.name.rpartition('.')[2]}"])
        for entry in files("pro2.web").joinpath("static").iterdir()
        if f".{entry.name.rpartition('.')[2]}" in KINDS
    }
    return {**found, "looks.css": StaticFile(looks_css().encode(), KINDS[".css"])}
