"""Misbehaviour by rule: what happened, and what the client was told of it."""

from __future__ import annotations

import json

import pytest
from tests.unit.sandbox.desk import Desk

from pro2_sandbox import ConnectionDropped, Refused

COPY = {"method": "POST", "path_regex": "/copy$"}


def copies(desk: Desk) -> int:
    return len(desk.effects("campaign_copied"))


@pytest.mark.parametrize(("kind", "happened"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_lost_connection_hides_whether_there_was_an_effect(kind, happened):
    desk = Desk()
    desk.fault(kind, **COPY)
    with pytest.raises(ConnectionDropped):
        desk.copy()
    assert copies(desk) == happened


def test_a_refused_connection_has_no_effect():
    desk = Desk()
    desk.fault("refuse", **COPY)
    with pytest.raises(Refused):
        desk.copy()
    assert copies(desk) == 0


def test_an_error_may_come_after_the_effect():
    desk = Desk()
    desk.fault("error_after", **COPY)
    assert desk.call("POST", "/api/3/campaigns/103/copy").status == 500
    assert copies(desk) == 1


def test_html_may_stand_where_json_was_due():
    desk = Desk()
    desk.fault("html", **COPY)
    answer = desk.call("POST", "/api/3/campaigns/103/copy")
    assert (answer.status, answer.text[:6], copies(desk)) == (200, "<html>", 1)


def test_an_answer_may_be_cut_in_half():
    desk = Desk()
    desk.fault("truncated", method="GET")
    with pytest.raises(json.JSONDecodeError):
        desk.get("/api/3/users/me")
    assert desk.get("/api/3/users/me")["user"]["id"] == "1"


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("403", 403)])
def test_a_turned_away_request_has_no_effect(kind, status):
    desk = Desk()
    desk.fault(kind, **COPY)
    assert desk.call("POST", "/api/3/campaigns/103/copy").status == status
    assert copies(desk) == 0


def test_a_fault_can_be_for_one_action_of_v1_and_is_used_up():
    desk = Desk()
    desk.fault("error_after", times=2, action="campaign_status")
    assert desk.v1("campaign_list", ids="103")["result_code"] == 1
    statuses = [
        desk.call(
            "POST", "/admin/api.php", form={"api_action": "campaign_status", "id": "103", "status": "4"}
        ).status
        for _ in range(3)
    ]
    assert statuses == [500, 500, 200]
    assert desk.campaign()["status"] == "4"


def test_a_fault_can_let_the_first_requests_pass():
    desk = Desk()
    desk.call("POST", "/sandbox/faults", json={"match": COPY, "kind": "429", "skip": 1})
    assert [desk.call("POST", "/api/3/campaigns/103/copy").status for _ in range(3)] == [200, 429, 200]


def test_faults_are_listed_and_cleared():
    desk = Desk()
    desk.fault("429", times=3, **COPY)
    assert desk.get("/sandbox/faults")["faults"][0]["times"] == 3
    desk.call("DELETE", "/sandbox/faults")
    assert desk.get("/sandbox/faults")["faults"] == []
    assert desk.copy() == "104"


@pytest.mark.parametrize(
    "rule", [{"kind": "explode"}, {"kind": "429", "match": {"path_regex": "("}}, {"kind": "429", "oops": 1}]
)
def test_a_fault_that_makes_no_sense_is_refused(rule):
    assert Desk().call("POST", "/sandbox/faults", json=rule).status == 422


def test_the_pages_of_the_sandbox_itself_are_never_spoiled():
    desk = Desk()
    desk.fault("timeout_before", times=9)
    assert desk.truth()["mailed_twice"] == []
