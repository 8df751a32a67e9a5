"""Tessitura, the status page, and the sandbox's own pages."""

from __future__ import annotations

import yaml
from tests.unit.sandbox.desk import Desk

LISTS = "/TessituraService/Reporting/Lists"
STATUS = "/status/api/v2"
FEED = {"component": "Campaign sending", "started": "-2h50m", "resolved": "+1m"}


def test_a_list_says_how_many_it_holds_and_when_it_was_generated():
    desk = Desk(tessitura_lists=[{"id": "501", "name": "Members", "members": 40, "generated": "-2h"}])
    found = desk.get(f"{LISTS}/501")
    assert (found["Id"], found["ConstituentCount"], found["IsDynamic"]) == (501, 40, True)
    assert found["LastGeneratedDateTime"] == "2031-03-04T16:00:25.000Z"
    assert len(desk.get(f"{LISTS}/501/Contents")) == 40
    assert [one["Id"] for one in desk.get(f"{LISTS}/Summary", listIds="501,999")] == [501]


def test_lists_are_searched_by_name_with_the_total_in_a_header():
    answer = Desk().call("POST", f"{LISTS}/Search", json={"SearchText": "memb", "Page": 1, "PageSize": 50})
    assert (len(answer.json()), answer.headers["x-total-count"]) == (1, "1")


def test_generating_a_list_is_refused_and_an_unknown_list_is_a_404():
    desk = Desk()
    assert desk.call("POST", f"{LISTS}/501/Generate").status == 403
    assert desk.call("GET", f"{LISTS}/999").status == 404
    assert desk.effects() == []


def test_tessitura_asks_for_its_four_part_credentials():
    answer = Desk().call("GET", f"{LISTS}/501", headers={"Authorization": "Basic c2FuZGJveDpzYW5kYm94"})
    assert answer.status == 401


def test_tessitura_can_be_pinged_until_it_is_down():
    desk = Desk()
    assert desk.call("HEAD", "/TessituraService/Diagnostics/Ping").status == 200
    down = Desk(outages=[{"services": ["tessitura"], "start": "-1h"}])
    assert down.call("HEAD", "/TessituraService/Diagnostics/Ping").status == 503
    assert down.call("GET", "/api/3/users/me").status == 200


def test_the_status_page_tells_of_the_incident_until_it_is_resolved_and_remembers_it():
    desk = Desk(outages=[{"services": ["sending"], "start": "-3h", "end": "+30s", "feed": FEED}])
    assert desk.get(f"{STATUS}/status.json")["status"]["indicator"] == "major"
    (told,) = desk.get(f"{STATUS}/incidents/unresolved.json")["incidents"]
    assert (told["status"], told["resolved_at"], told["created_at"]) == (
        "investigating",
        None,
        "2031-03-04T15:10:25.000Z",
    )
    hit = [
        one["name"]
        for one in desk.get(f"{STATUS}/components.json")["components"]
        if one["status"] != "operational"
    ]
    assert hit == ["Campaign sending"]
    desk.pass_time(60)
    assert desk.get(f"{STATUS}/incidents/unresolved.json")["incidents"] == []
    (kept,) = desk.get(f"{STATUS}/incidents.json")["incidents"]
    assert (kept["status"], kept["resolved_at"]) == ("resolved", "2031-03-04T18:01:25.000Z")
    assert desk.get(f"{STATUS}/summary.json")["status"]["indicator"] == "none"
    assert desk.get(f"{STATUS}/scheduled-maintenances.json")["scheduled_maintenances"] == []


def test_the_job_catalog_has_crons_in_the_zone_of_the_organization():
    text = Desk().call("GET", "/sandbox/config/jobs.yaml").text
    catalog = yaml.safe_load(text)
    assert catalog["organization"] == "playhouse"
    assert [(job["id"], job["cron"]) for job in catalog["jobs"]] == [
        ("j-1", "0 10 * * *"),
        ("j-2", "30 10 * * *"),
        ("j-3", "40 10 * * *"),
    ]
    assert catalog["jobs"][0]["starts_mail"] == "no"
    assert catalog["jobs"][2]["audience"] == {"kind": "exact", "window_hours": 24.0, "valid_hours": 12.0}


def test_the_policy_is_passed_through():
    desk = Desk(policy={"settle_seconds": 10, "campaigns": [{"match": "108", "send_by_hours": 1}]})
    text = desk.call("GET", "/sandbox/config/policy.yaml").text
    assert yaml.safe_load(text) == {"settle_seconds": 10, "campaigns": [{"match": "108", "send_by_hours": 1}]}


def test_the_clock_shows_the_start_and_never_goes_back():
    desk = Desk()
    desk.pass_time(90)
    assert desk.get("/sandbox/clock") == {"t0": "2031-03-04T18:00:25.000Z", "now": "2031-03-04T18:01:55.000Z"}
    desk.pass_time(-60)
    assert desk.get("/sandbox/clock")["now"] == "2031-03-04T18:01:55.000Z"
