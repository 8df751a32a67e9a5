"""A campaign as ActiveCampaign writes it: all keys of v3, the rows of v1, and the report totals."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from pro2_sandbox.answers import offset_time
from pro2_sandbox.campaign import DRAFT, Campaign

_CONSTANT: dict[str, Any] = {
    **dict.fromkeys(
        (
            "addressid", "formid", "realcid", "sendid", "threadid", "basemessageid", "ip4", "managetext",
            "replysys", "waitpreview", "mail_transfer", "mail_send", "mail_cleanup", "mailer_log_file",
            "forwards", "uniqueforwards", "softbounces", "unsubreasons", "updates", "socialshares", "replies",
            "uniquereplies", "tracklinksanalytics", "tweet", "facebook", "embed_images", "htmlunsub",
            "textunsub", "split_content", "split_winner_messageid", "responder_offset", "responder_existing",
            "reminder_offset", "trackreadsanalytics",
        ),
        "0",
    ),
    **dict.fromkeys(
        (
            "scheduleddate", "deletestamp", "htmlunsubdata", "textunsubdata", "reminder_format",
            "reminder_last_cron_run", "activerss_url",
        )
    ),
    "bounceid": "-1",
    "basetemplateid": "",
    "public": "1",
    "laststep": "summary",
    "tracklinks": "all",
    "trackreads": "1",
    "analytics_campaign_name": "",
    "survey": "",
    "recurring": "day1",
    "split_type": "even",
    "split_offset": "2",
    "split_offset_type": "day",
    "responder_type": "subscribe",
    "reminder_field": "sdate",
    "reminder_type": "month_day",
    "reminder_offset_type": "day",
    "reminder_offset_sign": "+",
    "activerss_interval": "day1",
    "activerss_items": "10",
}  # fmt: skip


def v3(campaign: Campaign, zone: ZoneInfo, base: str) -> dict[str, Any]:
    """The campaign object; ``base`` is the address of ``/api/3`` for its links."""
    here = f"{base}/campaigns/{campaign.id}"
    links = ("user", "automation", "campaignMessage", "campaignMessages", "links", "campaignLists")
    return {
        **_common(campaign, zone),
        "created_timestamp": offset_time(campaign.created, zone),
        "updated_timestamp": offset_time(campaign.modified, zone),
        "links": {name: f"{here}/{name}" for name in links},
        "user": "1",
        "automation": None if campaign.series == "0" else campaign.series,
    }


def v1(campaign: Campaign, zone: ZoneInfo, list_name: str, full: bool) -> dict[str, Any]:
    """One row of ``campaign_list``."""
    row = _common(campaign, zone)
    row["sdate_iso"], row["ldate_iso"] = row["sdate"], row["ldate"]
    row["listslist"], row["messageslist"] = campaign.list_id, str(campaign.message_id)
    if full:
        row["lists"] = [{"id": campaign.list_id, "name": list_name}]
        row["messages"] = [{"id": str(campaign.message_id), "subject": campaign.subject, "percentage": "100"}]
    return row


def report(campaign: Campaign, zone: ZoneInfo) -> dict[str, Any]:
    """The fields of ``campaign_report_totals``."""
    seen = campaign.shown_report
    return {
        "type": campaign.type,
        "ldate": offset_time(campaign.last_sent, zone),
        "ldate_iso": offset_time(campaign.last_sent, zone),
        "status": str(campaign.status),
        "total_amt": str(campaign.announced),
        "send_amt": str(seen.send_amt),
        "messageid": "0",
        "uniqueopens": str(seen.opens),
        "uniquelinkclicks": str(seen.clicks),
        "uniquereplies": "0",
        "subscriberclicks": str(seen.clicks),
        "unsubscribes": str(seen.unsubscribes),
        "uniqueforwards": "0",
        "forwards": "0",
        "updates": "0",
        "totalbounces": str(seen.bounces),
        "socialshares": "0",
    }


def _common(campaign: Campaign, zone: ZoneInfo) -> dict[str, Any]:
    counters = campaign.counters
    return {
        **_CONSTANT,
        "id": str(campaign.id),
        "type": campaign.type,
        "userid": "1",
        "name": campaign.name,
        "source": campaign.source,
        "segmentid": campaign.segment,
        "seriesid": campaign.series,
        "status": str(campaign.status),
        "schedule": "0" if campaign.status == DRAFT else "1",
        "cdate": offset_time(campaign.created, zone),
        "mdate": offset_time(campaign.modified, zone),
        "sdate": offset_time(campaign.due, zone),
        "ldate": offset_time(campaign.last_sent, zone),
        "send_amt": str(counters.send_amt),
        "total_amt": str(campaign.announced),
        "opens": str(counters.opens),
        "uniqueopens": str(counters.opens),
        "linkclicks": str(counters.clicks),
        "uniquelinkclicks": str(counters.clicks),
        "subscriberclicks": str(counters.clicks),
        "hardbounces": str(counters.bounces),
        "unsubscribes": str(counters.unsubscribes),
        "willrecur": "1" if campaign.type == "recurring" else "0",
        "split_winner_awaiting": "1" if campaign.type == "split" else "0",
    }
