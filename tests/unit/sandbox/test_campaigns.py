"""Campaigns of the sandbox: stopping, copying, sending, and originals that wake."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.sandbox.desk import Desk


def test_a_pending_campaign_stays_pending_for_good():
    desk = Desk()
    desk.pass_time(36_000)
    assert (desk.campaign()["status"], desk.campaign()["send_amt"]) == ("1", "0")


def test_a_campaign_that_is_due_later_goes_out_when_it_is_due():
    desk = Desk(campaign={"due": "+10m"})
    desk.pass_time(599)
    assert desk.campaign()["status"] == "1"
    desk.pass_time(4)
    assert (desk.campaign()["status"], desk.campaign()["send_amt"]) == ("5", "120")
    assert [(one["by"], one["detail"]["patrons"]) for one in desk.effects("mail")] == [("vendor", 120)]


def test_a_copy_is_a_draft_with_the_highest_id_and_the_same_audience():
    desk = Desk(campaign={"segment": "31"})
    made = desk.campaign(desk.copy())
    assert (made["id"], made["status"], made["source"], made["sdate"]) == ("104", "0", "copy", None)
    assert (made["name"], made["segmentid"], made["total_amt"]) == ("Opening night (Copy)", "31", "0")
    detail = desk.v1("campaign_list", ids="104", full="1")["0"]
    assert (detail["listslist"], detail["messages"][0]["subject"]) == ("1", "Welcome")


def test_a_copy_that_is_sent_reaches_everybody_once_and_counts_as_ours():
    desk = Desk()
    desk.stop()
    copy = desk.copy()
    desk.send(copy)
    desk.pass_time(10)
    assert (desk.campaign(copy)["status"], desk.campaign(copy)["send_amt"]) == ("5", "120")
    (mail,) = desk.effects("mail")
    assert (mail["by"], mail["item"], mail["detail"]["patrons"]) == ("us", copy, 120)
    assert mail["detail"]["lineage"] == "103"
    assert desk.truth()["mailed_twice"] == []


def test_an_original_that_wakes_after_its_copy_mails_everybody_twice():
    desk = Desk(campaign={"sends_itself": "+60s"})
    copy = desk.copy()
    desk.send(copy)
    desk.pass_time(120)
    assert desk.truth()["mailed_twice"] == [
        {"patron_count": 120, "campaigns": [copy, "103"], "lineage": "103"}
    ]
    assert {one["by"] for one in desk.effects("mail")} == {"us", "vendor"}


def test_a_stop_keeps_a_late_original_from_going():
    desk = Desk(campaign={"sends_itself": "+60s"})
    assert desk.stop()["result_code"] == 1
    desk.pass_time(120)
    assert (desk.campaign()["status"], desk.effects("mail")) == ("4", [])


def test_a_stop_may_disable_instead():
    desk = Desk(campaign={"stop": "disables"})
    desk.stop()
    assert desk.campaign()["status"] == "6"


def test_a_stop_may_be_acknowledged_and_ignored():
    desk = Desk(campaign={"stop": "ignored", "sends_itself": "+60s"})
    assert desk.stop()["result_code"] == 1
    assert desk.campaign()["status"] == "1"
    desk.pass_time(120)
    assert desk.campaign()["send_amt"] == "120"


def test_a_stop_may_be_forgotten_but_the_second_one_halts_the_mail():
    desk = Desk(campaign={"stop": "forgotten", "sends_itself": "+60s", "sends_over_seconds": 120})
    desk.stop()
    assert desk.campaign()["status"] == "4"
    desk.pass_time(90)
    assert (desk.campaign()["status"], desk.campaign()["send_amt"]) == ("2", "30")
    desk.stop()
    desk.pass_time(600)
    assert (desk.campaign()["status"], desk.campaign()["send_amt"]) == ("4", "30")


def test_stopping_twice_is_no_error_and_no_second_effect():
    desk = Desk()
    assert [desk.stop()["result_code"], desk.stop()["result_code"]] == [1, 1]
    assert len(desk.effects("campaign_stopped")) == 1


def test_a_campaign_that_was_sent_can_neither_be_stopped_nor_sent():
    desk = Desk(campaign={"status": 5, "sent": "-2h", "counters": {"send_amt": 120}})
    assert desk.stop()["result_code"] == 0
    assert desk.send("103")["result_code"] == 0
    assert desk.truth()["mailed_twice"] == []


def test_a_send_that_is_stopped_half_way_leaves_the_rest_unsent():
    desk = Desk(campaign={"sends_over_seconds": 60})
    desk.send("103")
    desk.pass_time(30)
    desk.stop()
    desk.pass_time(600)
    assert (desk.campaign()["status"], desk.campaign()["send_amt"]) == ("4", "60")


def test_a_campaign_in_flight_grows_and_completes_when_its_script_says():
    desk = Desk(campaign={"status": 2, "grows": {"from": 20, "per_second": 1, "until": "+50s"}})
    seen = []
    for _ in range(3):
        seen.append((desk.campaign()["status"], desk.campaign()["send_amt"]))
        desk.pass_time(30)
    assert seen == [("2", "20"), ("2", "50"), ("5", "120")]


def test_counters_may_stay_zero_though_mail_left():
    desk = Desk(campaign={"counters_stuck": True})
    desk.send("103")
    desk.pass_time(10)
    assert (desk.campaign()["status"], desk.campaign()["send_amt"]) == ("5", "0")
    assert desk.v1("campaign_report_totals", campaignid="103")["send_amt"] == "0"
    assert desk.effects("mail")[0]["detail"]["patrons"] == 120


def test_a_report_may_say_something_else_than_the_campaign():
    desk = Desk(campaign={"report": {"send_amt": 120, "opens": 4}})
    assert desk.campaign()["opens"] == "0"
    assert desk.v1("campaign_report_totals", campaignid="103")["uniqueopens"] == "4"


def test_an_account_under_review_holds_what_is_sent_until_it_is_released():
    desk = Desk(account={"sends": "held_for_review"}, vendor=[{"at": "+5m", "does": "release"}])
    copy = desk.copy()
    desk.send(copy)
    assert desk.campaign(copy)["status"] == "7"
    desk.pass_time(310)
    assert (desk.campaign(copy)["status"], desk.campaign(copy)["send_amt"]) == ("5", "120")


def test_an_account_may_complete_campaigns_without_sending_them():
    desk = Desk(account={"sends": "completes_empty"}, must_reach={"campaigns": ["103"]})
    desk.send("103")
    assert (desk.campaign()["status"], desk.campaign()["send_amt"]) == ("5", "0")
    assert desk.truth()["missing"] == [{"kind": "campaign", "item": "103", "patron_count": 120}]


def test_a_restored_account_has_forgotten_the_copies_but_the_patrons_have_not():
    desk = Desk(vendor=[{"at": "+1m", "does": "restore"}])
    copy = desk.copy()
    desk.send(copy)
    desk.pass_time(70)
    assert desk.call("GET", f"/api/3/campaigns/{copy}").status == 404
    assert desk.campaign()["status"] == "1"
    desk.send("103")
    desk.pass_time(10)
    assert desk.truth()["mailed_twice"] == [
        {"patron_count": 120, "campaigns": [copy, "103"], "lineage": "103"}
    ]


def test_a_copy_may_lose_its_segment():
    desk = Desk(campaign={"segment": "31"}, account={"copy_keeps_audience": False})
    copy = desk.copy()
    assert desk.campaign(copy)["segmentid"] == "0"
    desk.send(copy)
    desk.pass_time(10)
    assert desk.campaign(copy)["send_amt"] == "300"


def test_people_duplicate_send_reschedule_and_edit_at_their_times():
    desk = Desk(
        people=[
            {"at": "+10s", "does": "duplicate_and_send", "item": "103"},
            {"at": "+20s", "does": "reschedule", "item": "103", "to": "+20h"},
            {"at": "+30s", "does": "edit", "item": "103", "subject": "Tomorrow"},
        ]
    )
    desk.pass_time(60)
    assert [(one["kind"], one["by"]) for one in desk.effects()] == [
        ("campaign_copied", "person"),
        ("campaign_sent", "person"),
        ("mail", "person"),
        ("rescheduled", "person"),
        ("edited", "person"),
    ]
    assert desk.campaign()["sdate"] == "2031-03-05T08:00:25-06:00"
    assert desk.v1("campaign_list", ids="103", full="1")["0"]["messages"][0]["subject"] == "Tomorrow"


def test_mail_that_had_left_before_the_start_counts():
    desk = Desk(campaign={"status": 2, "sent": "-2h", "counters": {"send_amt": 50}})
    copy = desk.copy()
    desk.send(copy)
    desk.pass_time(10)
    (found,) = desk.truth()["mailed_twice"]
    assert (found["patron_count"], found["campaigns"]) == (50, ["103", copy])


@pytest.mark.parametrize("status", ["0", "2", "7", ""])
def test_only_stop_and_send_can_be_set(status):
    desk = Desk()
    assert desk.v1("campaign_status", id="103", status=status)["result_code"] == 0
    assert desk.effects() == []


def test_a_send_with_a_time_ahead_schedules():
    desk = Desk()
    copy = desk.copy()
    assert desk.v1("campaign_status", id=copy, status="1", sdate="2031-03-04 13:00:00")["result_code"] == 1
    assert (desk.campaign(copy)["status"], desk.campaign(copy)["sdate"]) == ("1", "2031-03-04T13:00:00-06:00")
    desk.pass_time(3_700)
    assert desk.campaign(copy)["send_amt"] == "120"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.sampled_from(["stop", "copy", "send original", "send newest", "wait a little", "wait long"]),
        max_size=8,
    ),
    st.sampled_from(["takes", "disables", "ignored", "forgotten"]),
)
def test_whatever_is_pressed_the_effects_add_up_to_the_deliveries(presses, stop):
    desk = Desk(campaign={"stop": stop, "sends_itself": "+60s", "sends_over_seconds": 20})
    newest = "103"
    for press in presses:
        match press:
            case "stop":
                desk.stop()
            case "copy":
                newest = desk.copy()
            case "send original":
                desk.send("103")
            case "send newest":
                desk.send(newest)
            case "wait a little":
                desk.pass_time(7)
            case "wait long":
                desk.pass_time(80)
    desk.pass_time(200)
    mailed = sum(one["detail"]["patrons"] for one in desk.effects("mail"))
    shown = sum(int(one["send_amt"]) for one in desk.get("/api/3/campaigns")["campaigns"])
    assert mailed == shown
    assert (mailed <= 120) or desk.truth()["mailed_twice"]
    if "copy" not in presses:
        assert desk.truth()["mailed_twice"] == []
