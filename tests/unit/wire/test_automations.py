"""Who entered an automation and who is stuck in one: counts that are there or an error, in few requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pro2_reconciliation.domain.campaigns import Automation
from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.wire import automations as wire_automations
from pro2_reconciliation.wire.exchange import drive

SINCE = datetime(2031, 3, 4, 2, 0, tzinfo=UTC)
START, END, LEAD = SINCE, SINCE + timedelta(hours=3), timedelta(hours=2)
LISTED = [
    {"id": "1", "name": "Off", "status": "2", "entered": "9", "exited": "0"},
    {"id": "2", "name": "Never used", "status": "1", "entered": "0", "exited": "0"},
    {"id": "3", "name": "All through", "status": 1, "entered": "9", "exited": "9"},
    {"id": "4", "name": "Stuck", "status": "1", "entered": "9", "exited": "5", "multientry": "1"},
]


def total(number: int) -> dict[str, Any]:
    return {"contactAutomations": [], "meta": {"total": str(number)}}


def rows(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"contactAutomations": list(entries), "meta": {"total": str(len(entries))}}


def at(clock: str, series: str = "4", **more: Any) -> dict[str, Any]:
    return {"seriesid": series, "lastdate": f"2031-03-{clock}:00Z", **more}


def test_entries_are_counted_in_a_half_open_span(scripted: Any) -> None:
    wire = scripted({"contactAutomations": [], "meta": {"total": "4"}})
    assert drive(wire_automations.entries("5", SINCE, SINCE.replace(hour=3)), wire.carry) == 4
    assert wire.asked[0].params == {
        "filters[seriesid]": "5",
        "filters[adddate][gte]": "2031-03-04T02:00:00+00:00",
        "filters[adddate][lt]": "2031-03-04T03:00:00+00:00",
        "limit": "1",
    }


def test_a_count_without_a_total_is_unreadable_and_not_zero(scripted: Any) -> None:
    with pytest.raises(Unreadable, match=r"meta\.total"):
        drive(wire_automations.entries("5", SINCE, SINCE), scripted({"contactAutomations": []}).carry)


LATE = [
    at("04T01:00"),  # shortly before the outage
    at("04T03:30"),  # in it
    at("04T05:00"),  # at its end: this one went on
    at("01T05:00"),  # waits since Saturday
    {"automation": "4", "lastdate": None, "adddate": "2031-03-02T05:00:00Z"},
    at("04T03:00", series="9"),  # of an automation that is not active
]


def test_an_automation_is_named_with_who_entered_who_stopped_and_who_waits(scripted: Any) -> None:
    wire = scripted(
        {"automations": LISTED, "meta": {"total": "4"}},
        total(3),
        rows(at("04T03:00"), at("04T03:00"), at("04T03:00", series="1")),
        total(6),
        rows(*LATE),
    )
    found = drive(wire_automations.automations(START, END, LEAD), wire.carry)
    assert found == [Automation(id="4", name="Stuck", entered=2, stalled=2, waiting=2, reentry=True)]
    assert [one.params.get("filters[adddate][lt]") for one in wire.asked[1:]] == [
        "2031-03-04T05:00:00+00:00"
    ] * 4


def test_where_nothing_happened_two_counts_are_all_that_is_asked(scripted: Any) -> None:
    wire = scripted({"automations": LISTED, "meta": {"total": "4"}}, total(0), total(0))
    assert drive(wire_automations.automations(START, END, LEAD), wire.carry) == []
    nothing = scripted({"automations": LISTED[:2], "meta": {"total": "2"}})
    assert drive(wire_automations.automations(START, END, LEAD), nothing.carry) == []


def test_many_entries_are_counted_by_automation_and_rows_read_so_far_only(scripted: Any) -> None:
    page = {"contactAutomations": [at("04T03:00")] * 100, "meta": {"total": "2500"}}
    wire = scripted(
        {"automations": LISTED, "meta": {"total": "4"}},
        total(5000),
        total(9),
        total(8),
        total(2500),
        *[page] * 10,
    )
    stuck, through = drive(wire_automations.automations(START, END, LEAD), wire.carry)[::-1]
    assert (through.id, through.entered, through.stalled) == ("3", 9, 0)
    assert (stuck.entered, stuck.stalled, stuck.whole) == (8, 1000, False)
    assert wire.answers == []


def test_a_listing_without_a_total_is_unreadable_and_not_empty(scripted: Any) -> None:
    wire = scripted({"automations": LISTED, "meta": {"total": "4"}}, {"contactAutomations": []})
    with pytest.raises(Unreadable, match=r"meta\.total"):
        drive(wire_automations.automations(START, END, LEAD), wire.carry)
