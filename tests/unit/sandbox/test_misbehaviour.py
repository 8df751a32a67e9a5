"""Every kind of the vocabulary: late, doubled and slow requests, stops and sends that are not what they say."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from tests.unit.sandbox.desk import SMALL, Desk

from pro2_sandbox import ConnectionDropped, World, build_incident
from pro2_sandbox.faults import KINDS, Kind
from pro2_sandbox.incident import Incident

COPY = {"method": "POST", "path_regex": "/copy$"}


def post(desk: Desk, **rule: Any) -> Any:
    answer = desk.call("POST", "/sandbox/faults", json=rule)
    assert answer.status == 201, answer.text
    return answer.json()


def kinds(desk: Desk, kind: str) -> int:
    return len(desk.effects(kind))


def send(desk: Desk, number: str = "103") -> Any:
    return desk.v1("campaign_status", id=number, status="1", sdate="")


def stop(desk: Desk) -> Any:
    return desk.v1("campaign_status", id="103", status="4")


def mailed(desk: Desk) -> int:
    return sum(one["detail"]["patrons"] for one in desk.effects("mail"))


def test_the_table_and_the_schema_name_the_same_kinds() -> None:
    assert set(KINDS) == set(get_args(Kind))
    assert Desk().get("/sandbox/faults")["kinds"] == {kind: one.about for kind, one in KINDS.items()}


class TestARequest:
    def test_that_is_late_lands_after_its_client_gave_up_and_not_before(self) -> None:
        desk = Desk()
        post(desk, kind="late", seconds=90, match=COPY)
        with pytest.raises(ConnectionDropped):
            desk.copy()
        desk.pass_time(89)
        assert kinds(desk, "campaign_copied") == 0
        desk.pass_time(1)
        assert kinds(desk, "campaign_copied") == 1
        assert desk.effects("campaign_copied")[0]["at"] == "2031-03-04T18:01:55.000Z"

    def test_that_is_late_meets_the_world_as_it_is_then(self) -> None:
        desk = Desk()
        post(desk, kind="late", seconds=60, match={"action": "campaign_status"})
        with pytest.raises(ConnectionDropped):
            send(desk)
        assert send(desk)["result_code"] == 1
        desk.pass_time(120)
        assert kinds(desk, "campaign_sent") == 1
        assert desk.truth()["mailed_twice"] == []

    def test_that_a_proxy_delivers_twice_has_two_effects_and_the_second_answer(self) -> None:
        desk = Desk()
        post(desk, kind="twice", match=COPY)
        assert desk.copy() == "105"
        assert kinds(desk, "campaign_copied") == 2
        post(desk, kind="twice", match={"action": "campaign_status"})
        assert "is sending" in send(desk)["result_message"]
        desk.pass_time(60)
        assert (mailed(desk), desk.truth()["mailed_twice"]) == (120, [])

    def test_whose_answer_is_slow_happens_at_once_and_a_client_in_process_gives_up_in_no_time(self) -> None:
        desk = Desk()
        post(desk, kind="slow", seconds=19, match=COPY)
        assert desk.copy() == "104"
        post(desk, kind="slow", seconds=20, match=COPY)
        with pytest.raises(ConnectionDropped, match="no answer within 20 s"):
            desk.copy()
        assert kinds(desk, "campaign_copied") == 2

    @pytest.mark.parametrize(("kind", "effects"), [("error_before", 0), ("error_after", 1)])
    @pytest.mark.parametrize("status", [None, 502, 503, 599])
    def test_can_fail_with_any_5xx_before_or_after_its_effect(
        self, kind: str, effects: int, status: int | None
    ) -> None:
        desk = Desk()
        post(desk, kind=kind, match=COPY, **({} if status is None else {"status": status}))
        assert desk.call("POST", "/api/3/campaigns/103/copy").status == (status or 500)
        assert kinds(desk, "campaign_copied") == effects

    def test_may_be_answered_by_a_page_that_nothing_stands_behind(self) -> None:
        desk = Desk()
        post(desk, kind="html_before", match=COPY)
        answer = desk.call("POST", "/api/3/campaigns/103/copy")
        assert (answer.status, answer.text[:6], kinds(desk, "campaign_copied")) == (200, "<html>", 0)

    def test_is_told_to_come_back_in_seconds_or_at_a_time(self) -> None:
        desk = Desk()
        post(desk, kind="429", seconds=7)
        post(desk, kind="429_date", seconds=90)
        first, second = (desk.call("GET", "/api/3/users/me").headers for _ in range(2))
        assert first["retry-after"] == "7"
        assert second["retry-after"] == "Tue, 04 Mar 2031 18:01:55 GMT"
        assert second["date"] == "Tue, 04 Mar 2031 18:00:25 GMT"

    def test_is_forbidden_now_and_then(self) -> None:
        desk = Desk()
        post(desk, kind="403", every=3, times=2, skip=1)
        seen = [desk.call("GET", "/api/3/users/me").status for _ in range(8)]
        assert seen == [200, 403, 200, 200, 403, 200, 200, 200]


class TestAStaleRead:
    def test_shows_campaigns_and_runs_as_they_were(self) -> None:
        desk = Desk()
        desk.pass_time(600)
        desk.get("/api/3/users/me")
        send(desk)
        desk.press("j-1", "repeat-import")
        desk.pass_time(120)
        post(desk, kind="stale", seconds=300, times=3)
        assert desk.campaign()["status"] == "1"
        assert desk.v1("campaign_list", ids="103")["0"]["status"] == "1"
        assert desk.activity("j-1") == []
        assert desk.campaign()["status"] == "5"
        assert desk.activity("j-1")[-1]["started_at"] == "2031-03-04T18:10:25.000Z"

    def test_is_for_reads_only(self) -> None:
        desk = Desk()
        post(desk, kind="stale", match={"action": "campaign_status"})
        assert stop(desk)["result_code"] == 1
        assert desk.campaign()["status"] == "4"
        assert desk.get("/sandbox/faults")["faults"][0]["times"] == 1


class TestAStop:
    def test_may_be_answered_with_success_and_do_nothing(self) -> None:
        desk = Desk()
        post(desk, kind="stop_ignored", item="103", times=1)
        assert stop(desk)["result_code"] == 1
        assert desk.campaign()["status"] == "1"
        stop(desk)
        assert desk.campaign()["status"] == "4"

    def test_may_disable_instead(self) -> None:
        desk = Desk()
        post(desk, kind="stop_disables")
        stop(desk)
        assert desk.campaign()["status"] == "6"

    def test_may_be_forgotten_so_that_the_original_sends_late(self) -> None:
        desk = Desk()
        post(desk, kind="stop_forgotten", seconds=120)
        stop(desk)
        desk.pass_time(119)
        assert (desk.campaign()["status"], mailed(desk)) == ("4", 0)
        desk.pass_time(10)
        assert (desk.campaign()["status"], mailed(desk)) == ("5", 120)

    def test_of_another_campaign_is_as_ever(self) -> None:
        desk = Desk(campaigns=[*SMALL["campaigns"], SMALL["campaigns"][0] | {"id": "110"}])
        post(desk, kind="stop_ignored", item="110")
        stop(desk)
        assert desk.campaign()["status"] == "4"


class TestASend:
    @pytest.mark.parametrize(
        ("kind", "status", "send_amt", "patrons"),
        [
            ("counters_stuck", "5", "0", 120),
            ("completes_empty", "5", "0", 0),
            ("stays_pending", "1", "0", 0),
            ("review", "7", "0", 0),
        ],
    )
    def test_may_be_other_than_it_looks(self, kind: str, status: str, send_amt: str, patrons: int) -> None:
        desk = Desk()
        post(desk, kind=kind)
        send(desk, desk.copy())
        desk.pass_time(60)
        shown = desk.get("/api/3/campaigns/104")["campaign"]
        assert (shown["status"], shown["send_amt"], mailed(desk)) == (status, send_amt, patrons)

    def test_of_a_copy_is_meant_by_the_id_of_its_original(self) -> None:
        desk = Desk()
        post(desk, kind="completes_empty", item="103")
        send(desk, desk.copy())
        assert desk.get("/api/3/campaigns/104")["campaign"]["status"] == "5"
        assert mailed(desk) == 0

    def test_that_was_held_goes_out_when_all_is_well_again(self) -> None:
        desk = Desk()
        post(desk, kind="review")
        send(desk)
        desk.call("DELETE", "/sandbox/faults")
        desk.pass_time(60)
        assert mailed(desk) == 120


class TestTheAccount:
    def test_a_late_original_goes_out(self) -> None:
        desk = Desk()
        post(desk, kind="wakes", item="103", seconds=30)
        desk.pass_time(29)
        assert mailed(desk) == 0
        desk.pass_time(60)
        assert mailed(desk) == 120

    def test_yesterdays_state_comes_back_and_the_mail_does_not(self) -> None:
        desk = Desk()
        send(desk, desk.copy())
        desk.pass_time(60)
        post(desk, kind="restore")
        assert desk.call("GET", "/api/3/campaigns/104").status == 404
        assert desk.campaign()["status"] == "1"
        assert mailed(desk) == 120


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"kind": "html", "item": "103"}, "write match, not item"),
        ({"kind": "stop_ignored", "match": {"method": "POST"}}, "write item, not match"),
        ({"kind": "html", "seconds": 3}, "takes no seconds"),
        ({"kind": "timeout_after", "status": 502}, "has a status of its own"),
        ({"kind": "error_after", "status": 404}, "greater than or equal to 500"),
        ({"kind": "wakes"}, "needs item"),
        ({"kind": "restore", "times": 2}, "happens at once"),
    ],
)
def test_a_rule_that_makes_no_sense_says_what_to_write(rule: dict[str, Any], why: str) -> None:
    answer = Desk().call("POST", "/sandbox/faults", json=rule)
    assert answer.status == 422
    assert why in answer.text


def test_a_campaign_that_does_not_exist_is_named() -> None:
    answer = Desk().call("POST", "/sandbox/faults", json={"kind": "wakes", "item": "999"})
    assert (answer.status, answer.json()["message"]) == (404, "There is no campaign 999")


class TestAnIncident:
    def test_scripts_faults_from_a_time_on(self) -> None:
        desk = Desk(faults=[{"at": "+60s", "kind": "stop_ignored", "item": "103"}])
        assert desk.get("/sandbox/faults")["faults"] == []
        desk.pass_time(60)
        stop(desk)
        assert desk.campaign()["status"] == "1"

    def test_can_name_every_kind(self) -> None:
        content = SMALL | {
            "faults": [{"kind": kind, **({"item": "103"} if kind == "wakes" else {})} for kind in KINDS]
        }
        incident: Incident = build_incident(content)
        assert len(World(incident, lambda: Desk().now, rate_limit=None).faults.listed()) == len(KINDS) - 2

    @pytest.mark.parametrize(
        ("fault", "why"),
        [
            ({"kind": "stop_ignored", "item": "999"}, r"faults\[0\]\.item '999' does not exist"),
            ({"kind": "html", "at": "-5m"}, r"faults\[0\]\.at lies before T0"),
        ],
    )
    def test_is_checked(self, fault: dict[str, Any], why: str) -> None:
        with pytest.raises(ValueError, match=why):
            build_incident(SMALL | {"faults": [fault]})
