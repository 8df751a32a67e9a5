"""Several reports become one list of items."""

from __future__ import annotations

import json

import pytest

from pro2_sandbox.demo.reports import file_name, merged, read_report


def test_items_keep_the_order_of_their_first_report(item):
    assert [i.id for i in merged([[item("103"), item("101")], [item("101"), item("107")]])] == [
        "103",
        "101",
        "107",
    ]


@pytest.mark.parametrize(
    ("first", "later", "stands"),
    [
        ("proposed", "verified", "verified"),
        ("stale", "needs_human", "needs_human"),
        ("not now", "not chosen", "not chosen"),
        ("verified", "none", "verified"),
        ("needs_human", "open", "needs_human"),
        ("verified", "verified", "verified"),
    ],
)
def test_a_later_report_wins_only_with_a_more_final_outcome(item, first, later, stands):
    (left,) = merged([[item(outcome=first, rule="first")], [item(outcome=later, rule="later")]])
    assert left.outcome == stands
    assert left.rule == ("later" if stands == later != first else "first")


def test_what_a_follow_up_finds_in_a_data_sync_is_an_item_of_its_own(item):
    sync = "j-201@2026-11-24T00:30:00Z"
    assert len(merged([[item(sync)], [item(sync, outcome="none"), item(f"{sync}+add")]])) == 2


def test_a_report_is_read_with_its_links(tmp_path, item):
    row = {
        "kind": "campaign",
        "item_id": "103",
        "name": "Opening night",
        "rule": "R3",
        "observation": "scheduled, still pending",
        "decision": "resend",
        "outcome": "verified",
        "log_url": "http://127.0.0.1/log",
        "steps": ["stop", "copy"],
    }
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"rows": [row]}), encoding="utf-8")
    assert read_report(path) == [item(log_url="http://127.0.0.1/log")]


def test_a_dag_run_keeps_its_report_under_its_own_name():
    assert file_name("outage__a1-b2__g1") == "outage__a1-b2__g1"
    assert file_name("manual__2026-11-24T05:00:00+00:00") == "manual__2026-11-24T05_00_00_00_00"
