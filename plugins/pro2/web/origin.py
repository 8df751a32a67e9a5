"""Which requests may change something: JSON that our own page sent.

The cookie of Airflow is SameSite=Lax, which lets pages of other hosts of the same site through. So every POST says
where it comes from, in a header that no page can forge, and its body is JSON, which no form can send. Fails with 403
or 415 in a sentence.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.configuration import conf
from fastapi import HTTPException, Request

JSON = "application/json"
LONGEST_BODY = 64 * 1024
"""Bytes of a command; the longest is a reason."""


def from_here(request: Request) -> None:
    """Refuse a change that another site asks for, that says no origin beside a cookie, or that is not JSON."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        ours = site == "same-origin"
    elif origin is not None:
        ours = origin.lower() in _origins(request)
    else:  # not a browser; but a cookie alone is no proof of who asks
        ours = COOKIE_NAME_JWT_TOKEN not in request.cookies
    if not ours:
        raise HTTPException(
            403,
            "this request does not come from Airflow's own page; nothing was changed. Open the page in Airflow",
        )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise HTTPException(
            415, f"the body is {kind or 'of no type'}; send it as {JSON}. Nothing was changed"
        )
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > LONGEST_BODY:
        raise HTTPException(413, f"the body must say its length, at most {LONGEST_BODY} bytes")


def _origins(request: Request) -> set[str]:
    """Where our own page may have come from: the host that was asked, and the one that Airflow is configured for."""
    base = urlsplit(conf.get("api", "base_url", fallback="") or "")
    found = {f"{scheme}://{request.headers.get('host', '')}".lower() for scheme in ("http", "https")}
    if base.scheme and base.netloc:
        found.add(f"{base.scheme}://{base.netloc}".lower())
    return found
