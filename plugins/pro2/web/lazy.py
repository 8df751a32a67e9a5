"""What Airflow mounts: an ASGI callable that imports the page on its first request.

Plugin modules load in every process, tasks included, so this module imports next to nothing. How it fails:
an import that fails is logged by the API server and tried again at the next request.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from typing import Any

from pro2.organization import speaking_for

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]


class Lazy:
    """An ASGI app that ``make`` makes when it is first asked for, in a thread, once."""

    def __init__(self, make: Callable[[], Asgi], organization: str = "") -> None:
        self._make = make
        self._organization = organization
        self._app: Asgi | None = None
        self._lock = threading.Lock()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        app = self._app if self._app is not None else await asyncio.to_thread(self._made)
        with speaking_for(self._organization):
            await app(scope, receive, send)

    def _made(self) -> Asgi:
        with self._lock:
            if self._app is None:
                self._app = self._make()
            return self._app


def _page() -> Asgi:
    from pro2.web.app import make_app

    page: Asgi = make_app()
    return page


@cache
def page_of(organization: str) -> Lazy:
    """The one page of an organization, as ``plugin.py`` registers it; an empty name where there is only one."""
    return Lazy(_page, organization)


outages = page_of("")
"""The page where there is one organization."""
