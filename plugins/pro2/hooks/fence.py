"""The last fence of a read-only connection, at the session itself: whatever builds a request, it does not leave.

``carry`` refuses what says of itself that it changes something, before it is built. This looks at the finished request
instead, since a hook inherits other ways to send one from Airflow's (``run``, ``run_and_check``, ``get_conn``), and a
request that forgot to say so would pass. Reads are GET, HEAD and OPTIONS, and of v1, which is always posted, the
actions of ``wire.v1.READING``. Fails with ``ReadOnly``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from pro2_reconciliation.domain.errors import ReadOnly
from pro2_reconciliation.wire import v1

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def fence(session: requests.Session, conn_id: str) -> requests.Session:
    """The same session; nothing that may change something leaves it any more, redirects included."""
    unfenced = session.send

    def send(request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if not only_reads(request):
            path = urlsplit(request.url or "").path
            raise ReadOnly(
                f"{request.method} {path} was not sent: connection {conn_id} is read-only; "
                'to let it act, set {"read_only": false} in its extra'
            )
        return unfenced(request, **options)

    session.send = send  # type: ignore[method-assign]
    return session


def only_reads(request: requests.PreparedRequest) -> bool:
    """Whether a finished request can only read."""
    parts = urlsplit(request.url or "")
    if not parts.path.endswith(v1.PATH):
        return (request.method or "").upper() in _READS
    body = request.body if isinstance(request.body, str) else (request.body or b"").decode("utf-8", "replace")
    actions = parse_qs(parts.query).get("api_action", []) + parse_qs(body).get("api_action", [])
    return len(actions) == 1 and actions[0] in v1.READING
