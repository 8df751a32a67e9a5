"""The exchanges of the port Contacts about tags: exact names, whole sets, a look before each write."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from pro2_reconciliation.domain.errors import Rejected, Unreadable
from pro2_reconciliation.wire import contacts
from pro2_reconciliation.wire.exchange import Reply, Request, drive

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


RELATIONS = {"contactTags": [{"id": "501", "tag": "11"}, {"id": "502", "tag": "12"}]}
GONE = Reply(404, {}, '{"errors": [{"status": 404, "title": "Not Found", "detail": "Contact not found"}]}')


def sent(wire: Any) -> list[tuple[str, str, bool]]:
    return [(one.method, one.path, one.mutating) for one in wire.asked]


def test_a_tag_is_added_after_a_look_at_what_the_contact_holds(scripted: Any) -> None:
    wire = scripted(RELATIONS, Reply(201, {}, '{"contactTag": {"id": "1"}}'))
    assert drive(contacts.add_tag("88", "13", holding="11"), wire.carry) is True
    assert sent(wire) == [
        ("GET", "api/3/contacts/88/contactTags", False),
        ("POST", "api/3/contactTags", True),
    ]
    assert wire.asked[1].body == {"contactTag": {"contact": "88", "tag": "13"}}


@pytest.mark.parametrize(
    ("answer", "tag", "holding"),
    [(RELATIONS, "12", "11"), (RELATIONS, "13", "14"), ({"contactTags": []}, "13", "11"), (GONE, "13", None)],
    ids=["has it already", "not meant any more", "holds nothing", "is gone"],
)
def test_a_tag_is_not_added_to_a_contact_that(
    scripted: Any, answer: Any, tag: str, holding: str | None
) -> None:
    wire = scripted(answer)
    assert drive(contacts.add_tag("88", tag, holding=holding), wire.carry) is False
    assert not any(one.mutating for one in wire.asked)


def test_a_tag_is_removed_through_its_relation(scripted: Any) -> None:
    wire = scripted(RELATIONS, {})
    assert drive(contacts.remove_tag("88", "12", lacking="13"), wire.carry) is True
    assert sent(wire) == [
        ("GET", "api/3/contacts/88/contactTags", False),
        ("DELETE", "api/3/contactTags/502", True),
    ]


def test_a_tag_that_is_gone_already_needs_no_removal(scripted: Any) -> None:
    assert drive(contacts.remove_tag("88", "12"), scripted({"contactTags": []}).carry) is False
    gone = scripted({"contactTags": [{"id": "502", "tag": "12"}]}, Reply(404, {}, ""))
    assert drive(contacts.remove_tag("88", "12"), gone.carry) is False
    refused = scripted({"contactTags": [{"id": "502", "tag": "12"}]}, Reply(403, {}, ""))
    with pytest.raises(Rejected):
        drive(contacts.remove_tag("88", "12"), refused.carry)


def test_a_tag_is_not_removed_from_a_contact_that_should_hold_it_by_now(scripted: Any) -> None:
    wire = scripted(RELATIONS)
    assert drive(contacts.remove_tag("88", "12", lacking="11"), wire.carry) is False
    assert len(wire.asked) == 1


def test_a_contact_whose_tags_cannot_be_read_is_not_written(scripted: Any) -> None:
    wire = scripted(Reply(403, {}, ""))
    with pytest.raises(Rejected):
        drive(contacts.add_tag("88", "12"), wire.carry)
    assert len(wire.asked) == 1


def test_every_page_of_holders_can_be_told(scripted: Any) -> None:
    first = [{"id": str(n)} for n in range(1, 101)]
    told: list[int] = []
    wire = scripted({"contacts": first}, {"contacts": [{"id": "205"}]})
    drive(contacts.holders("7", lambda: told.append(len(wire.asked))), wire.carry)
    assert told == [0, 1]


def test_the_import_backlog_is_the_sum_of_what_waits(scripted: Any) -> None:
    body = {"outstanding": [{"contacts": "250"}, {"contacts": 10}], "recentlyCompleted": [{"contacts": "9"}]}
    assert drive(contacts.import_backlog(), scripted(body).carry) == 260
    with pytest.raises(Unreadable):
        drive(contacts.import_backlog(), scripted({}).carry)


@pytest.mark.parametrize("read", ["holders", "addresses"])
def test_a_service_that_ignores_where_the_page_begins_is_left_and_not_asked_for_ever(read: str) -> None:
    page = {"contacts": [{"id": str(n), "email": f"p{n}@example.org"} for n in range(1, 101)]}
    wanted = [str(n) for n in range(1, 60)] + ["999"]
    exchange = contacts.holders("7") if read == "holders" else contacts.addresses(wanted, "7", 200)
    carried = 0

    def carry(request: Request) -> Reply:
        nonlocal carried
        carried += 1
        return Reply(200, {}, json.dumps(page))

    with pytest.raises(Unreadable, match="do not come by ascending id"):
        drive(exchange, carry)
    assert carried == 2
