"""The exchanges of the port Contacts: exact tags, whole sets, counts that are there or an error."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pro2_reconciliation.domain.errors import Rejected, Unreadable
from pro2_reconciliation.wire import contacts
from pro2_reconciliation.wire.exchange import Reply, drive

SINCE = datetime(2031, 3, 4, 2, 0, tzinfo=UTC)


def test_a_tag_is_found_by_its_exact_name_only(scripted: Any) -> None:
    tags = [
        {"id": "1", "tag": "Members 2031", "tagType": "contact"},
        {"id": "2", "tag": "Members", "tagType": "template"},
        {"id": 3, "tag": "Members", "tagType": "contact"},
    ]
    assert drive(contacts.tag_id("Members"), scripted({"tags": tags}).carry) == "3"
    assert drive(contacts.tag_id("members"), scripted({"tags": tags}).carry) is None


def test_holders_are_read_by_key_set_to_the_last_page(scripted: Any) -> None:
    first = [{"id": str(n)} for n in range(1, 101)]
    wire = scripted({"contacts": first}, {"contacts": [{"id": "205"}]})
    assert len(drive(contacts.holders("7"), wire.carry)) == 101
    assert [asked.params["id_greater"] for asked in wire.asked] == ["0", "100"]


def test_a_server_that_gives_fewer_a_page_still_yields_the_whole_set(scripted: Any) -> None:
    pages = [
        {"contacts": [{"id": "1"}, {"id": "2"}], "meta": {"total": "3"}},
        {"contacts": [{"id": "3"}], "meta": {"total": "3"}},
    ]
    assert drive(contacts.holders("7"), scripted(*pages).carry) == {"1", "2", "3"}


@pytest.mark.parametrize("ids", [["2", "1"], ["5", "5"], ["0"], ["x"]])
def test_holders_out_of_order_are_unreadable_since_the_set_would_have_gaps(
    scripted: Any, ids: list[str]
) -> None:
    with pytest.raises(Unreadable):
        drive(contacts.holders("7"), scripted({"contacts": [{"id": one} for one in ids]}).carry)


def test_a_holder_count_falls_back_to_the_total(scripted: Any) -> None:
    assert drive(contacts.holder_count("7"), scripted({"tag": {"subscriber_count": "12"}}).carry) == 12
    wire = scripted({"tag": {}}, {"contacts": [], "meta": {"total": "13"}})
    assert drive(contacts.holder_count("7"), wire.carry) == 13


def test_adding_a_tag_is_one_mutating_request(scripted: Any) -> None:
    wire = scripted(Reply(201, {}, '{"contactTag": {"id": "1"}}'))
    drive(contacts.add_tag("88", "12"), wire.carry)
    assert wire.asked[0].body == {"contactTag": {"contact": "88", "tag": "12"}}
    assert wire.asked[0].mutating


def test_a_tag_is_removed_through_its_relation(scripted: Any) -> None:
    relations = {"contactTags": [{"id": "501", "tag": "11"}, {"id": "502", "tag": "12"}]}
    wire = scripted(relations, {})
    drive(contacts.remove_tag("88", "12"), wire.carry)
    assert [(one.method, one.path, one.mutating) for one in wire.asked] == [
        ("GET", "api/3/contacts/88/contactTags", False),
        ("DELETE", "api/3/contactTags/502", True),
    ]


def test_a_tag_that_is_gone_already_needs_no_removal(scripted: Any) -> None:
    drive(contacts.remove_tag("88", "12"), scripted({"contactTags": []}).carry)
    gone = scripted({"contactTags": [{"id": "502", "tag": "12"}]}, Reply(404, {}, ""))
    drive(contacts.remove_tag("88", "12"), gone.carry)
    refused = scripted({"contactTags": [{"id": "502", "tag": "12"}]}, Reply(403, {}, ""))
    with pytest.raises(Rejected):
        drive(contacts.remove_tag("88", "12"), refused.carry)


def test_entries_are_counted_in_a_half_open_span(scripted: Any) -> None:
    wire = scripted({"contactAutomations": [], "meta": {"total": "4"}})
    assert drive(contacts.entries("5", SINCE, SINCE.replace(hour=3)), wire.carry) == 4
    assert wire.asked[0].params == {
        "filters[seriesid]": "5",
        "filters[adddate][gte]": "2031-03-04T02:00:00+00:00",
        "filters[adddate][lt]": "2031-03-04T03:00:00+00:00",
        "limit": "1",
    }


def test_a_count_without_a_total_is_unreadable_and_not_zero(scripted: Any) -> None:
    with pytest.raises(Unreadable, match=r"meta\.total"):
        drive(contacts.entries("5", SINCE, SINCE), scripted({"contactAutomations": []}).carry)


def test_only_active_automations_with_something_left_behind_are_named(scripted: Any) -> None:
    listed = [
        {"id": "1", "name": "Off", "status": "2", "entered": "9", "exited": "0"},
        {"id": "2", "name": "Never used", "status": "1", "entered": "0", "exited": "0"},
        {"id": "3", "name": "All through", "status": 1, "entered": "9", "exited": "9"},
        {"id": "4", "name": "Stuck", "status": "1", "entered": "9", "exited": "5"},
    ]
    waiting = [
        {"id": "1", "lastdate": "2031-03-04T01:00:00Z"},
        {"id": "2", "lastdate": "2031-03-04T05:00:00Z"},
        {"id": "3", "lastdate": None, "adddate": "2031-03-03T05:00:00Z"},
    ]
    wire = scripted(
        {"automations": listed, "meta": {"total": "4"}},
        {"contactAutomations": [], "meta": {"total": "0"}},
        {"contactAutomations": [], "meta": {"total": "2"}},
        {"contactAutomations": waiting, "meta": {"total": "3"}},
    )
    (found,) = drive(contacts.automations(SINCE), wire.carry)
    assert (found.id, found.entered, found.stalled) == ("4", 2, 2)
    assert len(wire.asked) == 4


def test_the_import_backlog_is_the_sum_of_what_waits(scripted: Any) -> None:
    body = {"outstanding": [{"contacts": "250"}, {"contacts": 10}], "recentlyCompleted": [{"contacts": "9"}]}
    assert drive(contacts.import_backlog(), scripted(body).carry) == 260
    with pytest.raises(Unreadable):
        drive(contacts.import_backlog(), scripted({}).carry)
