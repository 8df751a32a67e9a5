"""Campaigns of ActiveCampaign: v3 for reading and copying, v1 for lists, reports, stop and send.

The parsers take one JSON object and return a value of the domain; the exchanges are the methods of the port
:class:`~pro2_reconciliation.domain.ports.Campaigns`. A status code that is not one of the vendor's eight
becomes UNKNOWN and keeps its text; a send counter that cannot be read makes the campaign ``Unreadable``.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from datetime import datetime
from itertools import pairwise

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReport
from pro2_reconciliation.domain.errors import Rejected, Unreadable
from pro2_reconciliation.domain.ports import chunks
from pro2_reconciliation.domain.words import CampaignStatus
from pro2_reconciliation.wire import scalars, v1
from pro2_reconciliation.wire.exchange import Exchange, Reply, Request, explain
from pro2_reconciliation.wire.paging import MAX_PAGES, Shrunk, ask, judge, pages, unreadable_or_ambiguous
from pro2_reconciliation.wire.scalars import Row

READ_ANEW = 2
"""So often the list is read from the start when a campaign was deleted between two of its pages."""
STATUSES = {
    "0": CampaignStatus.DRAFT,
    "1": CampaignStatus.SCHEDULED,
    "2": CampaignStatus.SENDING,
    "3": CampaignStatus.PAUSED,
    "4": CampaignStatus.STOPPED,
    "5": CampaignStatus.COMPLETE,
    "6": CampaignStatus.DISABLED,
    "7": CampaignStatus.PENDING_REVIEW,
}
"""The vendor's codes (its own client names them); stop is 4 and send now is 1."""


def parse_campaign(source: object) -> Campaign:
    """One campaign of v3 or a row of v1 ``campaign_list``; ``lists``, ``messages``, ``subject`` stay None.

    Raises ``Unreadable`` where id, ``send_amt``, another counter or ``sdate`` cannot be read.
    """
    entry = scalars.row(source, "a campaign")
    campaign_id = scalars.plain_id(entry, "id", "a campaign")
    what = f"campaign {campaign_id}"
    status = scalars.text(entry, "status").strip()
    kind = scalars.text(entry, "type", "single")
    return Campaign(
        id=campaign_id,
        name=scalars.text(entry, "name"),
        type=kind,
        status=STATUSES.get(status, CampaignStatus.UNKNOWN),
        status_raw=status if "status" in entry else "",
        series_id=_series(entry),
        due=scalars.moment(entry, "sdate", what),
        last_sent=scalars.moment_if_clear(entry, "ldate"),
        created=scalars.moment_if_clear(entry, "cdate"),
        modified=scalars.moment_if_clear(entry, "mdate"),
        send_amt=scalars.number(entry, "send_amt", what, required=True),
        total_amt=scalars.number(entry, "total_amt", what),
        opens=_most(entry, what, "opens", "uniqueopens"),
        clicks=_most(entry, what, "linkclicks", "uniquelinkclicks", "subscriberclicks"),
        bounces=_bounces(entry, what),
        unsubscribes=scalars.number(entry, "unsubscribes", what),
        source=scalars.text(entry, "source"),
        segment_id=scalars.text(entry, "segmentid", "0") or "0",
        recurring=kind == "recurring" or scalars.flag(entry, "willrecur"),
        awaiting_winner=scalars.flag(entry, "split_winner_awaiting"),
    )


def parse_report(campaign_id: str, source: object) -> CampaignReport:
    """The totals of v1 ``campaign_report_totals``; ``send_amt`` must be there, so silence is never zero."""
    what = f"the report of campaign {campaign_id}"
    entry = scalars.row(source, what)
    return CampaignReport(
        campaign_id=campaign_id,
        send_amt=scalars.number(entry, "send_amt", what, required=True),
        total_amt=scalars.number(entry, "total_amt", what),
        opens=_most(entry, what, "opens", "uniqueopens"),
        clicks=_most(entry, what, "linkclicks", "uniquelinkclicks", "subscriberclicks"),
        bounces=_bounces(entry, what),
        unsubscribes=scalars.number(entry, "unsubscribes", what),
    )


def parse_ids(entry: Row, plain: str, full: str) -> tuple[str, ...] | None:
    """Ids of lists or messages.

    Objects under ``full``, else text such as "1-2" under ``plain``; None: unknown.
    """
    nested = entry.get(full)
    if isinstance(nested, dict):
        nested = list(nested.values())
    if isinstance(nested, list):
        entries = [one for one in nested if isinstance(one, dict)]
        ids = [scalars.text(one, "id") or scalars.text(one, f"{full[:-1]}id") for one in entries]
        if all(one.isascii() and one.isdecimal() for one in ids) and (ids or not nested):
            return tuple(dict.fromkeys(ids))
    written = entry.get(plain)
    if isinstance(written, list):
        written = ",".join(str(one) for one in written)
    if isinstance(written, (str, int)) and not isinstance(written, bool):
        return tuple(dict.fromkeys(re.findall(r"[0-9]+", str(written))))
    return None


def parse_subject(entry: Row) -> str | None:
    """The subject line of a v1 row; those of a split test are joined with " / ". None: the row has none."""
    nested = entry.get("messages")
    messages = (
        list(nested.values()) if isinstance(nested, dict) else nested if isinstance(nested, list) else []
    )
    found = [scalars.text(one, "subject") for one in messages if isinstance(one, dict)]
    if found and all(found):
        return " / ".join(found)
    return scalars.text(entry, "subject") or None


def _most(entry: Row, what: str, *keys: str) -> int:
    """The largest of several counters of one thing: any of them above 0 proves that mail left."""
    return max(scalars.number(entry, key, what) for key in keys)


def _bounces(entry: Row, what: str) -> int:
    apart = scalars.number(entry, "hardbounces", what) + scalars.number(entry, "softbounces", what)
    return max(apart, scalars.number(entry, "totalbounces", what))


# ---------------------------------------------------------------------------------------------- reading


def scheduled_since(edge: datetime) -> Exchange[list[Campaign]]:
    """Every campaign with ``sdate`` at or after ``edge``, newest first, in as few pages as that takes.

    One that cannot be read is in the list too, as ``unreadable``: it must not vanish, and the others go on. A
    campaign that is listed twice counts as the one that says more mail left. When one is deleted between two pages
    they are read anew.
    """
    for left in range(READ_ANEW, -1, -1):
        try:
            found = yield from _since(edge)
            break
        except Shrunk:
            if not left:
                raise
    due: dict[str, Campaign] = {}
    for entry in found:
        campaign = _as_far_as_clear(entry)
        if campaign.unreadable or (campaign.due is not None and campaign.due >= edge):
            known = due.get(campaign.id, campaign)
            due[campaign.id] = max(known, campaign, key=lambda one: sum(one.counters.values()))
    return sorted(due.values(), key=lambda one: (one.due or edge, one.id), reverse=True)


def _since(edge: datetime) -> Generator[Request, Reply, list[Row]]:
    """The rows of the list down to the page on which ``edge`` lies."""
    last: list[datetime] = []
    ordered = True

    def beyond(page: Sequence[Row]) -> bool:
        nonlocal ordered
        dues = [scalars.moment_if_clear(entry, "sdate") for entry in page]
        for due in dues:
            if due is not None:
                ordered = ordered and (not last or due <= last[-1])
                last.append(due)
        # Nulls stand at the end of a descending order. Before any time was seen they prove nothing, and a
        # server that ignored the order has to be read to its end.
        final = scalars.is_no_time(page[-1].get("sdate")) if dues[-1] is None else dues[-1] < edge
        return ordered and bool(last) and final

    return (yield from pages("api/3/campaigns", "campaigns", {"orders[sdate]": "DESC"}, beyond, steady=True))


def _as_far_as_clear(entry: Row) -> Campaign:
    """The campaign of a row; where it cannot be read, what is clear of it. Without an id it is ``Unreadable``."""
    try:
        return parse_campaign(entry)
    except Unreadable as error:
        campaign_id = scalars.plain_id(entry, "id", "a campaign")
        return Campaign(
            id=campaign_id,
            name=scalars.text(entry, "name", campaign_id),
            type=scalars.text(entry, "type", "single"),
            status=CampaignStatus.UNKNOWN,
            status_raw=scalars.text(entry, "status"),
            series_id=_series(entry),
            due=scalars.moment_if_clear(entry, "sdate"),
            created=scalars.moment_if_clear(entry, "cdate"),
            source=scalars.text(entry, "source"),
            segment_id=scalars.text(entry, "segmentid", "0") or "0",
            unreadable=str(error),
        )


def _series(entry: Row) -> str:
    series = [scalars.text(entry, key) for key in ("seriesid", "automation")]
    return next((one for one in series if one not in ("", "0")), "0")


def get(campaign_id: str) -> Exchange[Campaign | None]:
    """A fresh read of one campaign; None if it does not exist (404)."""
    try:
        body = yield from ask(Request("GET", f"api/3/campaigns/{campaign_id}"))
    except Rejected as error:
        if error.status == 404:
            return None
        raise
    campaign = parse_campaign(body.get("campaign"))
    if campaign.id != campaign_id:
        raise Unreadable(f"asked for campaign {campaign_id}, got campaign {campaign.id}")
    return campaign


def detailed(campaign_ids: Sequence[str]) -> Exchange[dict[str, Campaign]]:
    """The campaigns with lists, messages, subject and source.

    Those that are gone are missing from the dict.
    """
    found: dict[str, Campaign] = {}
    for batch in chunks(dict.fromkeys(campaign_ids), v1.PAGE):
        rows = yield from v1.ask_list(v1.call("campaign_list", ids=",".join(batch), full="1"))
        for entry in rows:
            campaign = yield from _with_details(entry)
            if campaign is not None and campaign.id in batch:
                found[campaign.id] = campaign
    return found


def newer_than(campaign_id: str) -> Exchange[list[Campaign]]:
    """Every campaign with a higher id, drafts included, detailed, by ascending id.

    The next page begins after the last id of this one, and not at a number: when somebody deletes a campaign between
    two pages, a numbered page skips one that was there all the time, and that may be a colleague's copy. Where the
    server orders otherwise there are only numbers.
    """
    found: dict[str, Row] = {}
    low, page = campaign_id, 1
    for _ in range(1, MAX_PAGES):
        request = v1.call(
            "campaign_list", filters__id_greater=low, sort_direction="ASC", full="1", page=str(page)
        )
        rows = yield from v1.ask_list(request)
        keys = [scalars.plain_id(entry, "id", "a campaign") for entry in rows]
        before = len(found)
        found |= {key: entry for key, entry in zip(keys, rows, strict=True) if _later(key, campaign_id)}
        if len(rows) < v1.PAGE:
            break
        if len(found) == before:
            raise Unreadable(f"campaign_list above {campaign_id} repeats itself and does not end")
        if page == 1 and all(_later(two, one) for one, two in pairwise([low, *keys])):
            low = keys[-1]
        else:
            page += 1
    else:
        raise Unreadable(f"campaign_list above {campaign_id} did not end after {MAX_PAGES} pages")
    campaigns = []
    for key in sorted(found, key=lambda one: (len(one), one)):
        campaign = yield from _with_details(found[key])
        if campaign is not None:
            campaigns.append(campaign)
    return campaigns


def report(campaign_id: str) -> Exchange[CampaignReport]:
    """The totals of one campaign.

    A campaign without a report is ``Rejected``: no data is not a row of zeros.
    """
    body = yield from v1.ask(v1.call("campaign_report_totals", campaignid=campaign_id))
    return parse_report(campaign_id, body)


def _later(one: str, other: str) -> bool:
    return (len(one), one) > (len(other), other)


def _with_details(entry: Row) -> Generator[Request, Reply, Campaign | None]:
    """A row of ``campaign_list`` as a campaign. None: it went away meanwhile.

    v1 may write times without an offset; then the values are those of v3.
    """
    try:
        campaign: Campaign | None = parse_campaign(entry)
        if any(scalars.moment_if_clear(entry, key) is None and entry.get(key) for key in ("cdate", "ldate")):
            campaign = None
    except Unreadable:
        campaign = None
    if campaign is None:
        try:
            campaign = yield from get(scalars.plain_id(entry, "id", "a campaign"))
        except Unreadable as error:  # it must not vanish: what cannot be read may be a suspect
            campaign = _as_far_as_clear(entry).model_copy(update={"unreadable": str(error)})
        if campaign is None:
            return None
    messages = parse_ids(entry, "messageslist", "messages")
    subject = parse_subject(entry)
    if subject is None and messages:
        subject = yield from _subject_of(messages)
    return campaign.model_copy(
        update={
            "lists": parse_ids(entry, "listslist", "lists"),
            "messages": messages,
            "subject": subject,
            "source": scalars.text(entry, "source") or campaign.source,
            "segment_id": scalars.text(entry, "segmentid") or campaign.segment_id,
        }
    )


def _subject_of(messages: Sequence[str]) -> Generator[Request, Reply, str | None]:
    found: list[str] = []
    for message in messages:
        try:
            body = yield from ask(Request("GET", f"api/3/messages/{message}"))
        except Rejected as error:
            if error.status != 404:
                raise
            return None
        subject = scalars.text(scalars.row(body.get("message"), f"message {message}"), "subject")
        if not subject:
            return None
        found.append(subject)
    return " / ".join(found)


# ---------------------------------------------------------------------------------------------- acting


def stop(campaign_id: str) -> Exchange[None]:
    """Stop it (v1 status 4). Whether it did stop is for a later read to say."""
    yield from v1.ask(v1.call("campaign_status", id=campaign_id, status="4", mutating=True))


def send(campaign_id: str) -> Exchange[None]:
    """Send it now (v1 status 1 with an empty ``sdate``). Never repeat it after ``Ambiguous``."""
    yield from v1.ask(v1.call("campaign_status", id=campaign_id, status="1", sdate="", mutating=True))


def copy(campaign_id: str) -> Exchange[str]:
    """Make a draft copy and return its id. A 200 without an id is ``Ambiguous``: the draft may be there."""
    request = Request("POST", f"api/3/campaigns/{campaign_id}/copy", mutating=True)
    reply = yield request
    body = judge(request, reply)
    if str(body.get("succeeded")).strip() in ("0", "False"):
        raise Rejected(f"the copy of campaign {campaign_id} was rejected: {explain(reply)}")
    new_id = scalars.text(body, "newCampaignId").strip()
    plain = new_id.isascii() and new_id.isdecimal() and len(new_id) <= 18
    if str(body.get("succeeded")).strip() not in ("1", "True") or not plain or new_id in ("0", campaign_id):
        raise unreadable_or_ambiguous(request, "did not say whether there is a copy, and which", reply)
    return new_id
