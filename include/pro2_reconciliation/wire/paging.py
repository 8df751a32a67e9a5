"""Walking through the pages of a v3 listing, with an end that a strange server cannot take away.

A server may give fewer rows a page than asked for, so a page is only the last one if ``meta.total`` says so,
or, where there is no total, if it is short.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence

from pro2_reconciliation.domain.errors import RequestError, Unreadable
from pro2_reconciliation.wire import scalars
from pro2_reconciliation.wire.exchange import Fate, Reply, Request, meaning, read_json
from pro2_reconciliation.wire.scalars import Row

PAGE = 100
MAX_PAGES = 1000


class Shrunk(Unreadable):
    """Rows went while a list was read, so another one may have been skipped; read from the start it is whole."""


def ask(request: Request) -> Generator[Request, Reply, Row]:
    """Send one request and return the JSON object of its answer; errors as in ``read_json``."""
    return judge(request, (yield request))


def judge(request: Request, reply: Reply) -> Row:
    """The JSON object of an answer that has arrived; errors as in ``read_json``."""
    body = read_json(request, reply)
    if not isinstance(body, dict):
        raise unreadable_or_ambiguous(
            request, f"was answered with {type(body).__name__} and not an object", reply
        )
    return body


def unreadable_or_ambiguous(request: Request, complaint: str, reply: Reply) -> RequestError:
    """The error for an answer that arrived but means nothing: the verb decides which."""
    error = meaning(Fate.NONSENSE, mutating=request.mutating) or RequestError
    return error(f"{request.method} {request.path} {complaint}", status=reply.status)


def pages(
    path: str,
    key: str,
    params: Mapping[str, str],
    enough: Callable[[Sequence[Row]], bool] = lambda rows: False,
    *,
    steady: bool = False,
) -> Generator[Request, Reply, list[Row]]:
    """All rows under ``key``, 100 a page by offset, until the end or until ``enough`` of a page is true.

    A row that is deleted between two pages moves up those behind it, and one of them is skipped: ``Shrunk``, where the
    list has to be ``steady`` and its total says so.
    """
    found: list[Row] = []
    most = 0
    known: set[str] = set()
    for _ in range(MAX_PAGES):
        request = Request("GET", path, {**params, "limit": str(PAGE), "offset": str(len(found))})
        body = yield from ask(request)
        page = scalars.rows(body.get(key), f"{key} of {path}")
        ids = {str(entry["id"]) for entry in page if "id" in entry}
        if ids and ids <= known:
            raise Unreadable(f"GET {path} repeats what it gave before; is offset ignored?")
        known |= ids
        found.extend(page)
        total = scalars.total(body, path)
        if steady and total is not None and total < most:
            raise Shrunk(
                f"GET {path} lost rows while it was read, each time; it is read again with the next look"
            )
        most = max(most, total or 0)
        if not page and total is not None and len(found) < total:
            raise Unreadable(f"GET {path} says {total} rows in all, and only {len(found)} came")
        ended = len(found) >= total if total is not None else len(page) < PAGE
        if not page or ended or enough(page):
            return found
    raise Unreadable(f"GET {path} did not end after {MAX_PAGES} pages")
