"""Samples, snapshots, watermark, heartbeats, waivers, holds, the switch, open items and alarms."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Stage, SwitchRecord


def test_samples(ledger, clock):
    start = clock.time
    for up in (True, False):
        ledger.add_sample("playhouse", Service.SENDING, up=up, detail="503" if not up else "")
        clock.pass_seconds(60)
    ledger.add_sample("playhouse", Service.DASHBOARD, up=True)
    assert [sample.up for sample in ledger.samples("playhouse", Service.SENDING, start)] == [True, False]
    [late] = ledger.samples("playhouse", Service.SENDING, start + timedelta(seconds=1))
    assert (late.up, late.detail, late.at) == (False, "503", start + timedelta(seconds=60))


def test_a_sample_says_which_probe_it_is_of(ledger, clock):
    ledger.add_sample("playhouse", Service.SENDING, up=True, probe="pro2")
    assert [sample.probe for sample in ledger.samples("playhouse", Service.SENDING, clock.time)] == ["pro2"]


def test_samples_older_than_eight_days_go(ledger, clock):
    start = clock.time
    ledger.add_sample("playhouse", Service.SENDING, up=False)
    ledger.add_sample("opera", Service.SENDING, up=False)
    clock.pass_seconds(8 * 86_400 + 1)
    ledger.add_sample("playhouse", Service.SENDING, up=True)
    assert [sample.up for sample in ledger.samples("playhouse", Service.SENDING, start)] == [True]
    assert len(ledger.samples("opera", Service.SENDING, start)) == 1


def test_snapshots_are_found_by_their_time(ledger, clock):
    start = clock.time
    assert ledger.latest_snapshot("playhouse") is None
    ledger.add_snapshot("opera", {"number": -1})
    for number in range(12):
        ledger.add_snapshot("playhouse", {"number": number})
        clock.pass_seconds(1)
    assert ledger.latest_snapshot("playhouse").body == {"number": 11}
    assert ledger.latest_snapshot("playhouse", before=start + timedelta(seconds=5)).body == {"number": 4}
    assert ledger.latest_snapshot("playhouse", before=start) is None
    assert ledger.latest_snapshot("opera").body == {"number": -1}


def test_snapshots_are_thinned_out_to_one_an_hour_and_kept_for_eight_days(ledger, clock):
    start = clock.time.replace(minute=0)
    clock.time = start
    for minute in range(0, 12 * 60, 10):
        ledger.add_snapshot("playhouse", {"minute": minute})
        clock.pass_seconds(600)

    def kept(before):
        found = ledger.latest_snapshot("playhouse", before=before)
        return found and found.body["minute"]

    assert kept(start + timedelta(minutes=59)) == 0
    assert kept(start + timedelta(hours=11, minutes=59)) == 710
    clock.time = start + timedelta(days=9)
    ledger.add_snapshot("playhouse", {"minute": -1})
    assert kept(clock.time) is None


def test_a_declaration_is_a_claim_until_it_is_withdrawn(ledger, clock):
    start, end = clock.time - timedelta(hours=3), clock.time
    said = ledger.declare("playhouse", Service.DASHBOARD, start, end, "Ada", "the vendor phoned")
    again = ledger.declare("playhouse", Service.DASHBOARD, start, end, "Bob", "me too")
    claim = said.evidence
    assert again == said
    assert (claim.start, claim.end, claim.declared, claim.confirms) == (start, end, True, True)
    assert "Ada: the vendor phoned" in claim.detail
    assert ledger.withdraw("opera", said.number, "Bob") is None
    taken_back = ledger.withdraw("playhouse", said.number, "Bob")
    assert ledger.withdraw("playhouse", said.number, "Bob") is None
    assert taken_back.evidence.key == claim.key
    assert (taken_back.evidence.end, taken_back.evidence.confirms) == (start, False)
    assert ledger.declarations("playhouse") == [taken_back]


def test_a_declared_outage_that_lasts_can_be_ended(ledger, clock):
    said = ledger.declare("playhouse", Service.SENDING, clock.time, None, "Ada", "it hangs")
    with pytest.raises(LedgerError, match="give a later end"):
        ledger.end_declaration("playhouse", said.number, clock.time)
    ended = ledger.end_declaration("playhouse", said.number, clock.time + timedelta(hours=1))
    assert ledger.declarations("playhouse") == [ended]
    with pytest.raises(LedgerError, match="there is no declaration 99 of playhouse"):
        ledger.end_declaration("playhouse", 99, clock.time)


def test_a_declared_outage_without_length_is_refused(ledger, clock):
    with pytest.raises(LedgerError, match="has no length; give a later end"):
        ledger.declare("playhouse", Service.SENDING, clock.time, clock.time, "Ada", "oops")


def test_the_watermark_never_goes_back(ledger, clock):
    assert ledger.watermark("playhouse") is None
    there = clock.time.astimezone(timezone(timedelta(hours=-6)))
    assert ledger.set_watermark("playhouse", there) == clock.time
    ledger.set_watermark("playhouse", clock.time - timedelta(hours=1))
    found = ledger.watermark("playhouse")
    assert found == clock.time
    assert found.utcoffset() == timedelta(0)


def test_heartbeats(ledger, clock):
    assert ledger.heartbeat("guard") is None
    ledger.beat("guard")
    clock.pass_seconds(60)
    ledger.beat("guard")
    assert ledger.heartbeat("guard") == clock.time


def test_a_waiver_counts_from_when_it_is_asked_for(ledger, clock):
    assert ledger.waived("playhouse", "campaign:103") is None
    ledger.waive("playhouse", "campaign:103", "Ada", "curtain at eight")
    assert ledger.waived("playhouse", "campaign:103").who == "Ada"
    assert ledger.waived("playhouse", "campaign:103", since=clock.time).why == "curtain at eight"
    assert ledger.waived("playhouse", "campaign:103", since=clock.time + timedelta(seconds=1)) is None
    assert set(ledger.waivers("playhouse")) == {"campaign:103"}
    assert ledger.waivers("playhouse", since=clock.time + timedelta(seconds=1)) == {}


def test_an_item_can_be_held_and_given_back(ledger):
    assert ledger.held("playhouse", "campaign:103") is None
    ledger.hold("playhouse", "campaign:103", "Ada", "I do it")
    ledger.hold("playhouse", "campaign:103", "Bo", "no, I")
    assert ledger.held("playhouse", "campaign:103").who == "Bo"
    assert ledger.held("opera", "campaign:103") is None
    assert ledger.end_hold("playhouse", "campaign:103")
    assert not ledger.end_hold("playhouse", "campaign:103")
    assert ledger.holds("playhouse") == {}


def test_the_newest_turn_of_the_switch_counts(ledger, clock):
    assert ledger.switch("playhouse") == SwitchRecord(Stage.OFF)
    ledger.set_switch("playhouse", Stage.EVERYTHING, "Ada", "audit")
    assert ledger.switch("playhouse") == SwitchRecord(Stage.EVERYTHING, "Ada", "audit", clock.time)
    ledger.set_switch("playhouse", Stage.SCHEDULES, "Bo", "half")
    assert ledger.switch("playhouse").stage is Stage.SCHEDULES
    assert ledger.switch("opera").stage is Stage.OFF
    with pytest.raises(ValueError, match="everythin"):
        ledger.set_switch("playhouse", "everythin", "Bo", "typo")


def test_an_item_is_open_once_until_it_is_closed(ledger, clock):
    first = ledger.open_item("playhouse", "campaign:103", name="N", rule="C7", reason="r1", plan_hash="p1")
    clock.pass_seconds(60)
    again = ledger.open_item("playhouse", "campaign:103", name="N", rule="C13", reason="r2", plan_hash="p2")
    assert again.opened_at == first.opened_at
    assert ledger.open_items("playhouse") == [again]
    assert again.rule == "C13"
    closed = ledger.close_item("playhouse", "campaign:103", "Ada", "sent by hand")
    assert (closed.closed_at, closed.closed_by, closed.closed_why) == (clock.time, "Ada", "sent by hand")
    assert ledger.close_item("playhouse", "campaign:103", "Bo", "again") is None
    assert ledger.open_items("playhouse") == []
    assert ledger.open_items("playhouse", closed_since=clock.time) == [closed]
    reopened = ledger.open_item("playhouse", "campaign:103", name="N", rule="C7", reason="r3", plan_hash="p3")
    assert reopened.opened_at == clock.time
    assert ledger.open_items("playhouse") == [reopened]


def test_alarms(ledger, clock):
    ledger.alarm("playhouse", "original woke", {"original": "103", "copy": "207"})
    clock.pass_seconds(1)
    assert ledger.alarms("playhouse", since=clock.time) == []
    [alarm] = ledger.alarms("playhouse")
    assert (alarm.kind, alarm.body["copy"]) == ("original woke", "207")
