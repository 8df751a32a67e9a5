"""The Integrated Dashboard behind the project's own HTTP contract: Activity Log, Console, and four buttons.

An Activity Log is evidence of absence only if it says as of when it is whole: a page without ``as_of`` is
``Unreadable``. A status label that is not known becomes UNKNOWN and keeps its text. A stop that is not
clearly answered counts as refused; a stop whose answer got lost is ``Ambiguous``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

from pro2_reconciliation.domain.errors import Rejected, Unreadable
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Console, ConsoleRow, Counts
from pro2_reconciliation.domain.words import Outcome, ProcessType, StopAnswer
from pro2_reconciliation.wire import scalars
from pro2_reconciliation.wire.exchange import Exchange, Request
from pro2_reconciliation.wire.paging import MAX_PAGES, ask, judge, unreadable_or_ambiguous
from pro2_reconciliation.wire.scalars import Row, written

PER_PAGE = 500
"""The most that the contract allows."""
AHEAD = timedelta(minutes=15)
"""How far ``as_of`` may lie behind the end of the span asked for: clocks differ, and many pages take a while."""

OUTCOMES = {
    "completed": Outcome.SUCCESS,
    "success": Outcome.SUCCESS,
    "completed with errors": Outcome.PARTIAL_ERROR,
    "failed": Outcome.FULL_ERROR,
    "full error report": Outcome.FULL_ERROR,
    "in progress": Outcome.IN_PROGRESS,
    "running": Outcome.IN_PROGRESS,
    "stopped": Outcome.STOPPED,
}
"""The labels of the contract, in lower case."""


def parse_activity(organization: str, source: object) -> ActivityRow:
    """One row of the Activity Log. Raises ``Unreadable`` where run, job or start cannot be read.

    Where only something else of it cannot, its outcome is UNKNOWN, for a person: the other rows go on.
    """
    entry = scalars.row(source, "an activity row")
    run_id = scalars.identity(entry, "run_id", "an activity row")
    what = f"run {run_id}"
    started = scalars.moment(entry, "started_at", what)
    if started is None:
        raise Unreadable(f"{what} has no started_at")
    label = scalars.text(entry, "status")
    origin = entry.get("origin")
    outcome = OUTCOMES.get(" ".join(label.lower().split()), Outcome.UNKNOWN)
    finished, counts = None, None
    try:
        finished = scalars.moment(entry, "finished_at", what)
        counts = _counts(entry.get("counts"), what)
    except Unreadable as error:
        outcome, label = Outcome.UNKNOWN, f"{label} ({error})"
    return ActivityRow(
        organization=organization,
        run_id=run_id,
        process_type=_process_type(entry),
        job_id=scalars.identity(entry, "process_id", what),
        name=scalars.text(entry, "process_name"),
        started=started,
        finished=finished,
        outcome=outcome,
        raw_status=label,
        manual={"manual": True, "schedule": False}.get(origin) if isinstance(origin, str) else None,
        counts=counts,
        tag=scalars.text(entry, "tag") or None,
    )


def parse_console(organization: str, source: object) -> ConsoleRow:
    """One row of the Console; a status other than "running" means that it waits."""
    entry = scalars.row(source, "a console row")
    run_id = scalars.identity(entry, "run_id", "a console row")
    what = f"run {run_id}"
    has_progress = entry.get("progress") not in (None, "")
    return ConsoleRow(
        organization=organization,
        run_id=run_id,
        job_id=scalars.identity(entry, "process_id", what),
        running=scalars.text(entry, "status").strip().lower() == "running",
        started=scalars.moment(entry, "started_at", what),
        scheduled_for=scalars.moment(entry, "scheduled_for", what),
        progress=scalars.number(entry, "progress", what) if has_progress else None,
        progressed=scalars.moment(entry, "progressed_at", what),
    )


def activity(organization: str, since: datetime, until: datetime) -> Exchange[ActivityLog]:
    """The Activity Log of [since, until), whole as of the earliest ``as_of`` of its pages. ``until``: the present.

    Raises ``Unreadable`` for an ``as_of`` that is still to come, and for pages that do not fit together.
    """
    found: dict[str, ActivityRow] = {}
    as_of: datetime | None = None
    for page in range(1, MAX_PAGES):
        body = yield from ask(activity_request(organization, since, until, page))
        stated = _as_of(body, "the Activity Log")
        if stated > until + AHEAD:
            raise Unreadable(
                f"the Activity Log says that it is whole as of {written(stated)}, which is still to come at "
                f"{written(until)}; correct the zone of as_of where the dashboard is served"
            )
        as_of = stated if as_of is None else min(as_of, stated)
        listed = scalars.rows(body.get("rows"), "rows of the Activity Log")
        before = len(found)
        for entry in listed:
            row = parse_activity(organization, entry)
            known = found.setdefault(row.run_id, row)
            if (known.job_id, known.started) != (row.job_id, row.started):
                raise Unreadable(f"run {row.run_id} stands twice in the Activity Log, with different content")
            found[row.run_id] = row
        if listed and len(found) == before:
            raise Unreadable(
                f"page {page} of the Activity Log repeats what was there before; is page ignored?"
            )
        if _is_last(body, page, len(found), len(listed)):
            rows = sorted(found.values(), key=lambda one: (one.started, one.run_id))
            return ActivityLog(as_of=as_of, rows=tuple(rows))
    raise Unreadable(f"the Activity Log did not end after {MAX_PAGES} pages")


def activity_request(organization: str, since: datetime, until: datetime, page: int = 1) -> Request:
    """One page of the Activity Log of [since, until)."""
    span = {"since": written(since), "until": written(until)}
    return Request(
        "GET", f"{_base(organization)}/activity", {**span, "page": str(page), "per_page": str(PER_PAGE)}
    )


def console(organization: str) -> Exchange[Console]:
    """What is queued or running now."""
    body = yield from ask(Request("GET", f"{_base(organization)}/console"))
    listed = scalars.rows(body.get("rows"), "rows of the Console")
    rows = tuple(parse_console(organization, entry) for entry in listed)
    return Console(as_of=_as_of(body, "the Console"), rows=rows)


def stop_run(organization: str, job_id: str) -> Exchange[StopAnswer]:
    """Ask to stop what a job is doing. A "no" (409, 422) or an answer that says nothing is REFUSED."""
    request = Request("POST", _job(organization, job_id, "stop"), mutating=True)
    reply = yield request
    try:
        body = judge(request, reply)
    except Rejected as error:
        if error.status in (409, 422):
            return StopAnswer.REFUSED
        raise
    try:
        return StopAnswer(scalars.text(body, "answer").strip().lower())
    except ValueError:
        return StopAnswer.REFUSED


def run_now(organization: str, job_id: str) -> Exchange[None]:
    """Press Run Now of a Scheduled Trigger (or start a job once)."""
    return (yield from _press(Request("POST", _job(organization, job_id, "run-now"), mutating=True)))


def repeat_import(organization: str, job_id: str) -> Exchange[None]:
    """Press Repeat Import of an Integrated Import."""
    return (yield from _press(Request("POST", _job(organization, job_id, "repeat-import"), mutating=True)))


def import_list(organization: str, list_id: str, tag: str, name: str) -> Exchange[None]:
    """Start an Integrated Import of a List Manager list under ``tag``, shown in the log as ``name``."""
    body = {"list_id": list_id, "tag": tag, "name": name}
    return (yield from _press(Request("POST", f"{_base(organization)}/imports", body=body, mutating=True)))


def _press(request: Request) -> Exchange[None]:
    reply = yield request
    body = judge(request, reply)
    accepted = body.get("accepted")
    if accepted is False:
        reason = scalars.text(body, "message", "no reason given")
        raise Rejected(f"POST {request.path} was not accepted: {reason}", status=reply.status)
    if accepted is not True:
        raise unreadable_or_ambiguous(request, "does not say whether it was accepted", reply)


def _base(organization: str) -> str:
    return f"dashboard/v1/organizations/{quote(organization, safe='')}"


def _job(organization: str, job_id: str, button: str) -> str:
    return f"{_base(organization)}/jobs/{quote(job_id, safe='')}/{button}"


def _as_of(body: Row, what: str) -> datetime:
    stated = scalars.moment(body, "as_of", what)
    if stated is None:
        raise Unreadable(f"{what} does not say as of when it is whole (as_of)")
    return stated


def _is_last(body: Row, page: int, seen: int, length: int) -> bool:
    """Whether the log ends with this page. What the page says of that must fit: half a log would hide runs."""
    if "next_page" in body:
        return body["next_page"] is None
    told = {key: _said(body, key) for key in ("total", "pages")}
    total, pages = told["total"], told["pages"]
    if (total is not None and seen > total) or (not length and total is not None and seen < total):
        raise Unreadable(f"the Activity Log says {total} rows in all, and {seen} came in {page} pages")
    ends = [seen == total] if total is not None else []
    ends += [page >= pages] if pages is not None else []
    if len(set(ends)) > 1:
        raise Unreadable(f"the Activity Log says {total} rows in {pages} pages, and {seen} came in {page}")
    return ends[0] if ends else length < PER_PAGE


def _said(body: Row, key: str) -> int | None:
    return None if body.get(key) is None else scalars.number(body, key, "the Activity Log", required=True)


def _process_type(entry: Row) -> ProcessType | None:
    try:
        return ProcessType(scalars.text(entry, "process_type"))
    except ValueError:
        return None


def _counts(source: object, what: str) -> Counts | None:
    if source is None:
        return None
    entry = scalars.row(source, f"counts of {what}")
    given = {key: entry[key] for key in ("returned", "updated", "failed") if entry.get(key) is not None}
    return Counts(**{key: scalars.number(given, key, f"counts of {what}", required=True) for key in given})
