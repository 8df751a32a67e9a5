"""Samples, snapshots, watermark, heartbeats, waivers, holds, the switch, open items and alarms."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Stage, SwitchRecord
from pro2_reconciliation.ledger.watch import SNAPSHOTS_KEPT


def test_samples(ledger, clock):
    start = clock.time
    for up in (True, False):
        ledger.add_sample("playhouse", Service.SENDING, up=up, detail="503" if not up else "")
        clock.pass_seconds(60)
    ledger.add_sample("playhouse", Service.DASHBOARD, up=True)
    assert [sample.up for sample in ledger.samples("playhouse", Service.SENDING, start)] == [True, False]
    [late] = ledger.samples("playhouse", Service.SENDING, start + timedelta(seconds=1))
    assert (late.up, late.detail, late.at) == (False, "503", start + timedelta(seconds=60))


def test_snapshots_keep_the_newest(ledger, clock):
    start = clock.time
    assert ledger.latest_snapshot("playhouse") is None
    ledger.add_snapshot("opera", {"number": -1})
    for number in range(SNAPSHOTS_KEPT + 5):
        ledger.add_snapshot("playhouse", {"number": number})
        clock.pass_seconds(1)
    assert ledger.latest_snapshot("playhouse").body == {"number": SNAPSHOTS_KEPT + 4}
    assert ledger.latest_snapshot("playhouse", before=start + timedelta(seconds=10)).body == {"number": 9}
    assert ledger.latest_snapshot("playhouse", before=start + timedelta(seconds=5)) is None
    assert ledger.latest_snapshot("opera").body == {"number": -1}


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
