"""What stands before every request of a client: outage, rate limit, credentials, in this order."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from hmac import compare_digest

from fastapi.responses import HTMLResponse, JSONResponse, Response

from pro2_sandbox.answers import DOWN, answer
from pro2_sandbox.world import World

_ORGANIZATION = re.compile(r"/dashboard/v1/organizations/([^/]+)/")


def turned_away(world: World, path: str, headers: Mapping[str, str]) -> Response | None:
    """The answer of a request that goes no further; None lets it in."""
    if path.startswith(("/api/3", "/admin")):
        return _sending(world, path, headers)
    if path.startswith("/dashboard"):
        return _dashboard(world, path, headers)
    if path.startswith("/TessituraService"):
        return _tessitura(world, headers)
    return None


def too_many(wait: str, headers: Mapping[str, str]) -> JSONResponse:
    """429; ``wait`` is what stands in ``Retry-After``."""
    return answer({"message": "Too many requests"}, 429, {**headers, "Retry-After": wait})


def _sending(world: World, path: str, headers: Mapping[str, str]) -> Response | None:
    if world.silent("sending"):
        return HTMLResponse(DOWN, 503)
    wait = world.limit.admit(world.now)
    if wait is not None:
        return too_many(str(wait), world.limit.headers())
    # v1 also takes the key from the body, so it looks for itself.
    if path.startswith("/api/3") and not _same(headers.get("api-token"), world.incident.tokens.api_token):
        return answer({"message": "You do not have permission to use this API"}, 403)
    return None


def _dashboard(world: World, path: str, headers: Mapping[str, str]) -> Response | None:
    if world.silent("dashboard"):
        return answer({"message": "The Integrated Dashboard is not available"}, 503)
    if not _same(headers.get("authorization"), f"Bearer {world.incident.tokens.dashboard_token}"):
        return answer({"message": "A bearer token is required"}, 401, {"WWW-Authenticate": "Bearer"})
    found = _ORGANIZATION.match(path)
    if found is not None and found.group(1) != world.incident.organization:
        return answer({"message": f"There is no organization {found.group(1)}"}, 404)
    return None


def _tessitura(world: World, headers: Mapping[str, str]) -> Response | None:
    if world.silent("tessitura"):
        return HTMLResponse(DOWN, 503)
    tokens = world.incident.tokens
    pair = f"{tokens.tessitura_user}:{tokens.tessitura_password}"
    if not _same(headers.get("authorization"), "Basic " + base64.b64encode(pair.encode()).decode()):
        return answer({"Code": "UNAUTHORIZED", "Description": "Invalid credentials"}, 401)
    return None


def _same(given: str | None, wanted: str) -> bool:
    return given is not None and compare_digest(given.encode(), wanted.encode())
