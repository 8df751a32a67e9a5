"""ActiveCampaign's v1 API: the only one that stops, sends, reports and knows a campaign's lists.

Every call is a form posted to ``admin/api.php``; the transport adds the key as a header, never as a
parameter. v1 fails with HTTP 200 and ``result_code`` 0, so an answer counts only if it is 2xx, JSON and
``result_code`` 1.
"""

from __future__ import annotations

from collections.abc import Generator

from pro2_reconciliation.domain.errors import Rejected
from pro2_reconciliation.wire import scalars
from pro2_reconciliation.wire.exchange import Reply, Request, explain, read_json
from pro2_reconciliation.wire.paging import unreadable_or_ambiguous
from pro2_reconciliation.wire.scalars import Row

PATH = "admin/api.php"
PAGE = 10
READING = frozenset({"campaign_list", "campaign_report_totals"})
"""The actions that only read; every other one may change something, and leaves no read-only connection."""


def call(action: str, *, mutating: bool = False, **params: str) -> Request:
    """The request of one v1 action. ``filters__x`` stands for the parameter ``filters[x]``."""
    form = {"api_action": action, "api_output": "json"}
    for name, value in params.items():
        head, _, inner = name.partition("__")
        form[f"{head}[{inner}]" if inner else name] = value
    return Request("POST", PATH, form=form, mutating=mutating)


def answer(request: Request, reply: Reply) -> Row:
    """The body of a v1 answer that says it succeeded.

    Raises ``Rejected`` for ``result_code`` 0, and ``Ambiguous`` (mutating) or ``Unreadable`` (read) for an
    answer that does not say.
    """
    body = read_json(request, reply)
    action = (request.form or {}).get("api_action", "")
    if isinstance(body, dict):
        match str(body.get("result_code")).strip():
            case "1":
                return body
            case "0":
                raise Rejected(f"v1 {action} was rejected: {explain(reply)}", status=reply.status)
    raise unreadable_or_ambiguous(request, f"({action}) does not say whether it succeeded", reply)


def ask(request: Request) -> Generator[Request, Reply, Row]:
    reply = yield request
    return answer(request, reply)


def ask_list(request: Request) -> Generator[Request, Reply, list[Row]]:
    """The rows of a v1 listing (keys "0", "1", ...).

    Where nothing matches, v1 answers with a failure in words.
    """
    try:
        body = yield from ask(request)
    except Rejected as error:
        if error.status is not None and error.status < 300 and "nothing is returned" in str(error).lower():
            return []
        raise
    keys = [key for key in body if key.isascii() and key.isdecimal() and len(key) < 10]
    return [scalars.row(body[key], f"row {key} of campaign_list") for key in sorted(keys, key=int)]
