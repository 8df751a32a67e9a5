"""The exchanges of the port Campaigns: what they ask, where they stop, and what they make of odd answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pro2_reconciliation.domain.errors import Ambiguous, Rejected, Unreadable
from pro2_reconciliation.wire import campaigns
from pro2_reconciliation.wire.exchange import Reply, Request, drive

Build = Callable[..., dict[str, Any]]
EDGE = datetime(2031, 3, 4, tzinfo=UTC)
OK = {"result_code": 1, "result_message": "Success", "result_output": "json"}
NOTHING = {"result_code": 0, "result_message": "Failed: Nothing is returned", "result_output": "json"}


def page(build: Build, hours: list[float | None], first: int = 1, total: int | None = 999) -> dict[str, Any]:
    rows = [
        build(
            id=str(first + index),
            sdate=None if h is None else (EDGE + timedelta(hours=h)).isoformat(),
        )
        for index, h in enumerate(hours)
    ]
    return {"campaigns": rows, "meta": {} if total is None else {"total": str(total)}}


def test_paging_stops_at_the_edge(scripted: Any, campaign_row: Build) -> None:
    wire = scripted(
        page(campaign_row, [5, 4, 3]), page(campaign_row, [2, 0, -1], 4), page(campaign_row, [-2], 7)
    )
    found = drive(campaigns.scheduled_since(EDGE), wire.carry)
    assert [one.id for one in found] == ["1", "2", "3", "4", "5"]
    assert [asked.params["offset"] for asked in wire.asked] == ["0", "3"]
    assert wire.asked[0].params == {"orders[sdate]": "DESC", "limit": "100", "offset": "0"}


def test_paging_stops_where_the_campaigns_without_a_time_begin(scripted: Any, campaign_row: Build) -> None:
    wire = scripted(page(campaign_row, [5, None, None]), page(campaign_row, [None], 4))
    assert [one.id for one in drive(campaigns.scheduled_since(EDGE), wire.carry)] == ["1"]
    assert len(wire.asked) == 1


def test_drafts_at_the_head_of_the_listing_do_not_hide_what_follows(
    scripted: Any, campaign_row: Build
) -> None:
    wire = scripted(page(campaign_row, [None, None]), page(campaign_row, [3, -1], 3))
    assert [one.id for one in drive(campaigns.scheduled_since(EDGE), wire.carry)] == ["3"]


def test_a_server_that_ignores_the_order_is_read_to_its_end(scripted: Any, campaign_row: Build) -> None:
    wire = scripted(page(campaign_row, [-3, 1, -2], total=4), page(campaign_row, [2], 4, total=4))
    assert [one.id for one in drive(campaigns.scheduled_since(EDGE), wire.carry)] == ["4", "2"]


def test_a_short_page_does_not_end_a_listing_whose_total_says_more(
    scripted: Any, campaign_row: Build
) -> None:
    wire = scripted(page(campaign_row, [3], total=2), page(campaign_row, [2], 2, total=2))
    assert len(drive(campaigns.scheduled_since(EDGE), wire.carry)) == 2


class TestAListThatLosesACampaignBetweenTwoPages:
    """The offset of the second page skips one that was there all the time: it would be in no plan."""

    def first(self, build: Build) -> dict[str, Any]:
        return page(build, [5, 4], total=4)

    def second(self, build: Build) -> dict[str, Any]:
        return page(build, [2], 4, total=3)

    def test_is_read_anew(self, scripted: Any, campaign_row: Build) -> None:
        wire = scripted(
            self.first(campaign_row),
            self.second(campaign_row),
            page(campaign_row, [5, 3], total=3),
            page(campaign_row, [2, -1], 4, total=3),
        )
        assert len(drive(campaigns.scheduled_since(EDGE), wire.carry)) == 3
        assert [asked.params["offset"] for asked in wire.asked] == ["0", "2", "0", "2"]

    def test_is_unreadable_if_that_happens_each_time(self, scripted: Any, campaign_row: Build) -> None:
        wire = scripted(*(part(campaign_row) for _ in range(3) for part in (self.first, self.second)))
        with pytest.raises(Unreadable, match="lost rows while it was read"):
            drive(campaigns.scheduled_since(EDGE), wire.carry)


def test_a_campaign_that_is_gone_reads_as_none(scripted: Any) -> None:
    assert drive(campaigns.get("9"), scripted(Reply(404, {}, '{"message": "No Result"}')).carry) is None


def test_an_answer_about_another_campaign_is_unreadable(scripted: Any, campaign_row: Build) -> None:
    with pytest.raises(Unreadable, match="asked for campaign 9"):
        drive(campaigns.get("9"), scripted({"campaign": campaign_row()}).carry)


def test_details_come_from_v1_ten_at_a_time(scripted: Any, campaign_row: Build) -> None:
    ids = [str(n) for n in range(1, 13)]
    rows = [
        campaign_row(id=one, listslist="3-4", messages=[{"id": "8", "subject": "Hi"}], source="copy")
        for one in ids
    ]
    wire = scripted(
        {**OK, **{str(i): row for i, row in enumerate(rows[:10])}},
        {**OK, **{str(i): row for i, row in enumerate(rows[10:])}},
    )
    found = drive(campaigns.detailed(ids), wire.carry)
    assert list(found) == ids
    one = found["1"]
    assert (one.lists, one.messages, one.subject, one.source) == (("3", "4"), ("8",), "Hi", "copy")
    assert [asked.form["ids"].count(",") for asked in wire.asked] == [9, 1]
    assert not any(asked.mutating for asked in wire.asked)


def test_a_v1_row_without_offsets_takes_its_values_from_v3(scripted: Any, campaign_row: Build) -> None:
    v1_row = campaign_row(sdate="2031-03-04 09:30:00", listslist="3", messageslist="8")
    wire = scripted(
        {**OK, "0": v1_row},
        {"campaign": campaign_row(send_amt="7")},
        {"message": {"id": "8", "subject": "Hi"}},
    )
    one = drive(campaigns.detailed(["4711"]), wire.carry)["4711"]
    assert (one.send_amt, one.lists, one.subject) == (7, ("3",), "Hi")
    assert one.due == datetime(2031, 3, 4, 15, 30, tzinfo=UTC)


def test_details_that_v1_does_not_give_stay_unknown(scripted: Any, campaign_row: Build) -> None:
    one = drive(campaigns.detailed(["4711"]), scripted({**OK, "0": campaign_row()}).carry)["4711"]
    assert (one.lists, one.messages, one.subject) == (None, None, None)


def test_campaigns_that_v1_does_not_list_are_missing(scripted: Any) -> None:
    assert drive(campaigns.detailed(["9"]), scripted(NOTHING).carry) == {}


def test_newer_campaigns_are_read_until_a_short_page(scripted: Any, campaign_row: Build) -> None:
    def of(first: int, last: int) -> dict[str, Any]:
        return {**OK, **{str(i): campaign_row(id=str(n)) for i, n in enumerate(range(first, last))}}

    wire = scripted(of(100, 110), of(110, 112))
    found = drive(campaigns.newer_than("99"), wire.carry)
    assert [one.id for one in found] == [str(n) for n in range(100, 112)]
    assert [(one.form["filters[id_greater]"], one.form["page"]) for one in wire.asked] == [
        ("99", "1"),
        ("109", "1"),
    ]


class Listing:
    """A server of campaigns, and a colleague who deletes one of them after the first page."""

    def __init__(self, ids: list[int], row: Build, deleted: int, *, newest_first: bool = False) -> None:
        self.ids, self.row, self.deleted, self.newest_first = ids, row, deleted, newest_first
        self.requests = 0

    def carry(self, request: Request) -> Reply:
        form = request.form or {}
        self.requests += 1
        found = sorted(n for n in self.ids if n > int(form["filters[id_greater]"]))
        if self.newest_first:
            found.reverse()
        start = 10 * (int(form["page"]) - 1)
        rows = {str(at): self.row(id=str(n)) for at, n in enumerate(found[start : start + 10])}
        self.ids = [n for n in self.ids if n != self.deleted]
        return Reply(200, {}, json.dumps({**OK, **rows} if rows else NOTHING))


def test_a_campaign_that_is_deleted_between_two_pages_hides_no_other(campaign_row: Build) -> None:
    """The eleventh may be a colleague's copy, and whoever does not see it sends a second one."""
    server = Listing(list(range(100, 115)), campaign_row, deleted=104)
    found = drive(campaigns.newer_than("99"), server.carry)
    assert {str(n) for n in range(100, 115) if n != 104} <= {one.id for one in found}
    assert server.requests == 2


def test_a_server_that_lists_the_newest_first_is_read_by_number(campaign_row: Build) -> None:
    server = Listing(list(range(100, 125)), campaign_row, deleted=0, newest_first=True)
    found = drive(campaigns.newer_than("99"), server.carry)
    assert [one.id for one in found] == [str(n) for n in range(100, 125)]
    assert server.requests == 3


def test_a_full_last_page_is_followed_by_nothing(scripted: Any, campaign_row: Build) -> None:
    full = {**OK, **{str(i): campaign_row(id=str(100 + i)) for i in range(10)}}
    assert len(drive(campaigns.newer_than("99"), scripted(full, NOTHING).carry)) == 10


def test_a_listing_that_repeats_itself_is_unreadable(scripted: Any, campaign_row: Build) -> None:
    full = {**OK, **{str(i): campaign_row(id=str(100 + i)) for i in range(10)}}
    with pytest.raises(Unreadable, match="repeats itself"):
        drive(campaigns.newer_than("99"), scripted(full, full).carry)


def test_a_filter_that_the_server_ignores_is_applied_here(scripted: Any, campaign_row: Build) -> None:
    rows = {**OK, "0": campaign_row(id="9"), "1": campaign_row(id="100"), "2": campaign_row(id="99")}
    assert [one.id for one in drive(campaigns.newer_than("99"), scripted(rows).carry)] == ["100"]


def test_a_report_is_read(scripted: Any) -> None:
    body = {**OK, "send_amt": "12", "total_amt": 20, "uniqueopens": "3", "totalbounces": "1"}
    assert drive(campaigns.report("5"), scripted(body).carry).counters["opens"] == 3


@pytest.mark.parametrize("answer", [NOTHING, {**OK}, {"send_amt": "0"}])
def test_a_report_without_data_is_an_error_and_not_zeros(scripted: Any, answer: dict[str, Any]) -> None:
    with pytest.raises((Rejected, Unreadable)):
        drive(campaigns.report("5"), scripted(answer).carry)


@pytest.mark.parametrize("act", [campaigns.stop, campaigns.send])
class TestStopAndSend:
    @pytest.mark.parametrize("code", [1, "1"])
    def test_result_code_1_is_success(self, scripted: Any, act: Any, code: Any) -> None:
        wire = scripted({"result_code": code})
        drive(act("5"), wire.carry)
        (asked,) = wire.asked
        assert asked.mutating
        assert not asked.params

    @pytest.mark.parametrize("code", [0, "0"])
    def test_result_code_0_with_http_200_is_rejected(self, scripted: Any, act: Any, code: Any) -> None:
        with pytest.raises(Rejected, match=re.escape("You may not")):
            drive(act("5"), scripted({"result_code": code, "result_message": "You may not"}).carry)

    @pytest.mark.parametrize("answer", [{}, {"result_code": None}, [], "<html>", "", {"result_code": True}])
    def test_an_answer_that_does_not_say_is_ambiguous(self, scripted: Any, act: Any, answer: Any) -> None:
        with pytest.raises(Ambiguous):
            drive(act("5"), scripted(answer).carry)


def test_stop_and_send_are_status_4_and_status_1_without_a_time(scripted: Any) -> None:
    wire = scripted(OK, OK)
    drive(campaigns.stop("5"), wire.carry)
    drive(campaigns.send("5"), wire.carry)
    assert wire.asked[0].form == {
        "api_action": "campaign_status",
        "api_output": "json",
        "id": "5",
        "status": "4",
    }
    assert wire.asked[1].form == {**wire.asked[0].form, "status": "1", "sdate": ""}


def test_a_copy_gives_the_new_id_as_text(scripted: Any) -> None:
    wire = scripted({"succeeded": 1, "message": "copied", "newCampaignId": 31337})
    assert drive(campaigns.copy("5"), wire.carry) == "31337"
    assert wire.asked[0].mutating


def test_a_copy_that_did_not_succeed_is_rejected(scripted: Any) -> None:
    with pytest.raises(Rejected, match="not allowed"):
        drive(campaigns.copy("5"), scripted({"succeeded": 0, "message": "not allowed"}).carry)


@pytest.mark.parametrize(
    "answer",
    [{"succeeded": 1}, {"newCampaignId": 6}, {"succeeded": 1, "newCampaignId": "5"}, {}, "ok"],
)
def test_a_copy_without_a_new_id_is_ambiguous(scripted: Any, answer: Any) -> None:
    with pytest.raises(Ambiguous):
        drive(campaigns.copy("5"), scripted(answer).carry)
