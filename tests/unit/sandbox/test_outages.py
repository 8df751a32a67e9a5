"""Outages of the stand-in: several, silent ones, maintenance, what the page says, and what stands still meanwhile."""

from __future__ import annotations

import pytest
from tests.unit.sandbox.desk import Desk

FEED = {"started": "+1m", "resolved": "+9m"}


def incidents(desk: Desk) -> list[tuple[str, str | None]]:
    return [(one["id"], one["resolved_at"]) for one in desk.get("/status/api/v2/incidents.json")["incidents"]]


def test_a_campaign_that_is_due_while_sending_is_down_stays_where_it_is():
    desk = Desk(
        campaign={"due": "+5m"},
        outages=[{"services": ["sending"], "start": "+1m", "end": "+10m", "answers": True}],
    )
    desk.pass_time(3600)
    assert (desk.campaign()["status"], desk.campaign()["send_amt"]) == ("1", "0")


def test_what_is_going_out_when_sending_breaks_down_stands_still_half_sent():
    desk = Desk(
        campaign={"due": "+1m", "sends_over_seconds": 100, "recipients": 100},
        outages=[{"services": ["sending"], "start": "+1m40s", "end": "+10m"}],
    )
    desk.pass_time(3600)
    assert (desk.campaign()["status"], desk.campaign()["send_amt"]) == ("2", "40")


def test_an_outage_that_answers_is_seen_by_no_request():
    desk = Desk(outages=[{"services": ["sending", "dashboard"], "start": "-1h", "answers": True}])
    assert desk.call("GET", "/api/3/users/me").status == 200
    assert desk.console() == []


@pytest.mark.parametrize(("seconds", "status"), [(30, 200), (90, 503), (150, 200), (210, 503), (270, 200)])
def test_of_several_outages_each_has_its_time(seconds: float, status: int):
    desk = Desk(
        outages=[
            {"services": ["sending"], "start": "+1m", "end": "+2m"},
            {"services": ["sending"], "start": "+3m", "end": "+4m"},
        ]
    )
    desk.pass_time(seconds)
    assert desk.call("GET", "/api/3/users/me").status == status


def test_the_page_tells_of_each_outage_when_it_knows_and_newest_first():
    desk = Desk(
        outages=[
            {"services": ["sending"], "start": "0", "end": "+5m", "feed": FEED | {"published": "+20m"}},
            {"services": ["dashboard"], "start": "+2m", "end": "+5m", "feed": FEED},
        ]
    )
    assert incidents(desk) == []
    desk.pass_time(600)
    assert [name for name, _ in incidents(desk)] == ["sandboxincident2"]
    desk.pass_time(600)
    assert [name for name, _ in incidents(desk)] == ["sandboxincident2", "sandboxincident1"]
    page = desk.get("/status/api/v2/incidents.json")["incidents"]
    assert [one["components"][0]["name"] for one in page] == ["Integrated Dashboard", "Campaign sending"]


def test_an_announced_maintenance_is_scheduled_then_in_progress_then_completed():
    desk = Desk(maintenance=[{"services": ["tessitura"], "announced": "-1d", "start": "+1m", "end": "+2m"}])

    def seen() -> tuple[str, int]:
        (found,) = desk.get("/status/api/v2/scheduled-maintenances.json")["scheduled_maintenances"]
        status = desk.call("GET", "/TessituraService/Diagnostics/Status").status
        return found["status"], status

    assert seen() == ("scheduled", 200)
    desk.pass_time(61)
    assert seen() == ("in_progress", 503)
    desk.pass_time(60)
    assert seen() == ("completed", 200)
    assert desk.get("/status/api/v2/scheduled-maintenances/upcoming.json")["scheduled_maintenances"] == []
