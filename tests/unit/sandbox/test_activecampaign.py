"""ActiveCampaign as others know it: shapes, orders, filters, errors, limits."""

from __future__ import annotations

import re

import pytest
from tests.unit.sandbox.desk import Desk

DOCUMENTED = frozenset(
    re.findall(
        r"\w+",
        "type userid segmentid bounceid realcid sendid threadid seriesid formid basetemplateid "
        "basemessageid addressid source name cdate mdate sdate ldate send_amt total_amt opens uniqueopens "
        "linkclicks uniquelinkclicks subscriberclicks forwards uniqueforwards hardbounces softbounces "
        "unsubscribes unsubreasons updates socialshares replies uniquereplies status public mail_transfer "
        "mail_send mail_cleanup mailer_log_file tracklinks tracklinksanalytics trackreads "
        "trackreadsanalytics analytics_campaign_name tweet facebook survey embed_images htmlunsub "
        "textunsub htmlunsubdata textunsubdata recurring willrecur split_type split_content split_offset "
        "split_offset_type split_winner_messageid split_winner_awaiting responder_offset responder_type "
        "responder_existing reminder_field reminder_format reminder_type reminder_offset "
        "reminder_offset_type reminder_offset_sign reminder_last_cron_run activerss_interval "
        "activerss_url activerss_items ip4 laststep managetext schedule scheduleddate waitpreview "
        "deletestamp replysys links id user automation ",
    )
)


def campaigns(*changes):
    return [
        {"id": str(100 + number), "name": f"Campaign {number}", "list": "1", "recipients": 10} | change
        for number, change in enumerate(changes, 1)
    ]


def test_a_campaign_has_every_documented_key_and_its_numbers_are_texts():
    found = Desk().campaign()
    assert not DOCUMENTED - set(found)
    assert not [key for key, value in found.items() if isinstance(value, int | float | bool)]


def test_times_carry_the_offset_of_the_organization():
    assert Desk().campaign()["sdate"] == "2031-03-04T10:00:25-06:00"


def test_a_descending_order_puts_campaigns_without_a_time_last():
    desk = Desk(campaigns=campaigns({"status": 0}, {"due": "-2h"}, {"due": "-1h"}))
    found = desk.get("/api/3/campaigns", **{"orders[sdate]": "DESC"})["campaigns"]
    assert [one["id"] for one in found] == ["103", "102", "101"]


def test_a_listing_is_cut_by_limit_and_offset_and_says_how_many_there_are():
    desk = Desk(campaigns=campaigns(*({"due": f"-{number}m"} for number in range(1, 31))))
    first = desk.get("/api/3/campaigns")
    assert (len(first["campaigns"]), first["meta"]["total"]) == (20, "30")
    assert len(desk.get("/api/3/campaigns", limit="100", offset="25")["campaigns"]) == 5


def test_campaigns_are_filtered_by_series_name_and_status():
    desk = Desk(campaigns=campaigns({"due": "-1h", "series": "301"}, {"status": 4}, {"status": 5}))
    for key, value, ids in [
        ("filters[seriesid]", "301", ["101"]),
        ("filters[name]", "paign 2", ["102"]),
        ("filters[status]", "4,5", ["102", "103"]),
    ]:
        assert [one["id"] for one in desk.get("/api/3/campaigns", **{key: value})["campaigns"]] == ids


def test_the_links_of_a_campaign_lead_to_its_list_and_its_message():
    desk = Desk()
    assert desk.get("/api/3/campaigns/103/campaignLists")["campaignLists"][0]["listid"] == "1"
    message = desk.get("/api/3/campaigns/103/campaignMessages")["campaignMessages"][0]["messageid"]
    assert desk.get(f"/api/3/messages/{message}")["message"]["subject"] == "Welcome"
    assert desk.get("/api/3/campaigns/103/links")["links"][0]["campaignid"] == "103"


def test_a_campaign_that_does_not_exist_is_a_404_with_a_message():
    answer = Desk().call("GET", "/api/3/campaigns/9")
    assert (answer.status, answer.json()["message"]) == (404, "No Result found for Campaign with id 9")


@pytest.mark.parametrize("token", ["", "wrong", "sändbox"])
def test_a_wrong_token_is_a_403(token):
    answer = Desk().call("GET", "/api/3/users/me", headers={"Api-Token": token})
    assert (answer.status, "message" in answer.json()) == (403, True)


def test_v1_takes_the_key_from_the_header_or_from_the_body():
    desk = Desk()
    fields = {"api_action": "campaign_report_totals", "campaignid": "103"}
    in_body = desk.call(
        "POST", "/admin/api.php", form=fields | {"api_key": desk.keys["Api-Token"]}, headers={"Api-Token": ""}
    )
    in_header = desk.call("GET", "/admin/api.php", params=fields)
    neither = desk.call("GET", "/admin/api.php", params=fields, headers={"Api-Token": ""})
    assert [one.json()["result_code"] for one in (in_body, in_header, neither)] == [1, 1, 0]
    assert neither.status == 200


def test_v1_lists_ten_to_a_page_newest_first_and_says_when_there_is_nothing():
    desk = Desk(campaigns=campaigns(*({"due": f"-{number}m"} for number in range(1, 13))))
    first = desk.v1("campaign_list", ids="all")
    assert [first[str(index)]["id"] for index in range(10)] == [str(112 - index) for index in range(10)]
    assert "10" not in first
    assert [desk.v1("campaign_list", ids="all", page="2")[key]["id"] for key in "01"] == ["102", "101"]
    assert desk.v1("campaign_list", ids="all", page="3")["result_code"] == 0


@pytest.mark.parametrize("key", ["id_greater", "filters[id_greater]"])
def test_v1_filters_by_id(key):
    desk = Desk()
    made = desk.copy()
    assert desk.v1("campaign_list", **{key: "103"})["0"]["id"] == made
    assert desk.v1("campaign_list", **{key: made})["result_code"] == 0


def test_v1_filters_by_the_time_of_making():
    desk = Desk()
    since = desk.now.isoformat()
    made = desk.copy()
    found = desk.v1("campaign_list", **{"filters[cdate_since_datetime]": since})
    assert (found["0"]["id"], "1" in found) == (made, False)


def test_the_report_has_the_documented_fields():
    report = Desk().v1("campaign_report_totals", campaignid="103")
    assert report["result_code"] == 1
    assert {"send_amt", "total_amt", "uniqueopens", "totalbounces", "unsubscribes", "ldate_iso"} <= set(
        report
    )


def test_the_sixth_request_of_a_second_is_turned_away_over_v3_and_v1_together():
    desk = Desk(rate_limit=5)
    statuses = [desk.call("GET", "/api/3/users/me").status for _ in range(3)]
    statuses += [
        desk.call("GET", "/admin/api.php", params={"api_action": "campaign_list"}).status for _ in range(2)
    ]
    refused = desk.call("GET", "/api/3/users/me")
    assert ([*statuses, refused.status], refused.headers["retry-after"]) == ([200] * 5 + [429], "1")
    desk.pass_time(1)
    admitted = desk.call("GET", "/api/3/users/me")
    assert (admitted.status, admitted.headers["ratelimit-limit"]) == (200, "5")
    assert admitted.headers["ratelimit-remaining"] == "4"


def test_while_sending_is_down_v3_and_v1_answer_with_html_and_the_rest_works():
    desk = Desk(outages=[{"services": ["sending"], "start": "-1h", "end": "+1m"}])
    for path in ("/api/3/users/me", "/admin/api.php"):
        answer = desk.call("GET", path)
        assert (answer.status, answer.text.startswith("<html>")) == (503, True)
    assert desk.console() == []
    desk.pass_time(60)
    assert desk.call("GET", "/api/3/users/me").status == 200


def test_a_tag_is_found_by_part_of_its_name_or_by_exactly_its_name():
    desk = Desk(jobs=[], tags=[{"id": "7", "name": "Members"}, {"id": "8", "name": "Members lapsed"}])
    assert desk.get("/api/3/tags", search="members")["meta"]["total"] == "2"
    exact = desk.get("/api/3/tags", **{"filters[search][eq]": "Members"})["tags"]
    assert [one["id"] for one in exact] == ["7"]


def test_a_tag_is_given_once_and_taken_away_by_its_relation():
    desk = Desk()
    body = {"contactTag": {"contact": "5", "tag": "8"}}
    statuses = [desk.call("POST", "/api/3/contactTags", json=body).status for _ in range(2)]
    assert (statuses, desk.holders("8")) == ([201, 200], {"5"})
    relations = desk.get("/api/3/contacts/5/contactTags")["contactTags"]
    relation = next(one["id"] for one in relations if one["tag"] == "8")
    assert desk.call("DELETE", f"/api/3/contactTags/{relation}").status == 200
    assert desk.call("DELETE", f"/api/3/contactTags/{relation}").status == 404
    assert desk.holders("8") == set()
    assert [one["kind"] for one in desk.effects()] == ["tag_added", "tag_removed"]


def test_a_tag_for_a_contact_or_a_tag_that_does_not_exist_is_refused():
    desk = Desk()
    for contact, tag, status in (("99999", "8", 404), ("5", "99", 422)):
        body = {"contactTag": {"contact": contact, "tag": tag}}
        assert desk.call("POST", "/api/3/contactTags", json=body).status == status


def test_holders_are_read_by_ascending_id_and_counted():
    desk = Desk()
    assert len(desk.holders("7")) == 40 - 3 + 2
    assert desk.get("/api/3/tags/7")["tag"]["subscriber_count"] == "39"
    assert desk.get("/api/3/contacts", tagid="7", limit="1")["meta"]["total"] == "39"


def test_a_new_tag_is_made_once():
    desk = Desk()
    statuses = [desk.call("POST", "/api/3/tags", json={"tag": {"tag": "audit"}}).status for _ in range(2)]
    assert statuses == [201, 422]


def test_entries_of_an_automation_are_counted_by_time_and_status():
    automation = {"id": "301", "name": "Welcome"}
    automation |= {"entries": [{"at": "-2h", "count": 4}, {"at": "-5h", "count": 3, "stalled": "-4h"}]}
    desk = Desk(automations=[automation])
    span = {"filters[seriesid]": "301", "filters[adddate][gte]": "2031-03-04T16:00:00+00:00"}
    assert desk.get("/api/3/contactAutomations", limit="1", **span)["meta"]["total"] == "4"
    inside = desk.get("/api/3/contactAutomations", **{"filters[status]": "1"})["contactAutomations"]
    assert {one["lastdate"] for one in inside} == {"2031-03-04T08:00:25-06:00"}
    listed = desk.get("/api/3/automations")["automations"][0]
    assert (listed["entered"], listed["exited"], listed["multientry"]) == ("7", "4", "0")


def test_a_backlog_of_the_bulk_import_drains():
    desk = Desk(account={"bulk_import_backlog": 900, "backlog_drains": "+5m"})
    assert desk.get("/api/3/import/bulk_import")["outstanding"][0]["contacts"] == "900"
    desk.pass_time(300)
    assert desk.get("/api/3/import/bulk_import")["outstanding"] == []
