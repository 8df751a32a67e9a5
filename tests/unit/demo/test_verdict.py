"""When an evening counts as well ended, and what is said when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from pro2_sandbox.demo.approval import Approval
from pro2_sandbox.demo.verdict import DIFFERS, OK, UNNAMED, Evening, Expected, judge

ALL, NONE, ONLY_103 = Approval(all=True), Approval(), Approval(ids=("103",))
RESENT = Expected("campaign", "103", "R3", "resend", "verified")


def effect(kind: str, item: str, by: str = "us", **detail: Any) -> dict[str, Any]:
    return {"at": "2026-11-24T01:00:00Z", "kind": kind, "item": item, "by": by, "detail": detail}


def evening(*items: Any, expected: Any = (RESENT,), **more: Any) -> Evening:
    return Evening(items=items, expected=expected, effects=more.pop("effects", ()), **more)


def test_everything_as_expected_is_good(item):
    verdict = judge(evening(item()), ALL, "ask")
    assert verdict.good
    assert verdict.marks == {"campaign:103": OK}


@pytest.mark.parametrize("word", ["rule", "decision", "outcome"])
def test_each_of_the_three_words_is_compared(item, word):
    verdict = judge(evening(item(**{word: "other"})), ALL, "ask")
    assert verdict.marks == {"campaign:103": DIFFERS}
    assert f"{word} is other, expected" in verdict.differences[0]


def test_a_difference_says_why_the_action_ended_so(item):
    (told,) = judge(evening(item(outcome="failed", detail="send: no answer")), ALL, "ask").differences
    assert told == "campaign:103 «Opening night»: outcome is failed, expected verified (send: no answer)"


def test_an_item_in_no_report_is_missing():
    verdict = judge(evening(), ALL, "ask")
    assert verdict.differences == ("campaign:103 is in no report",)
    assert verdict.missing == ({"kind": "campaign", "item": "103", "why": "it is in no report"},)


def test_an_item_that_should_be_left_out_is_a_difference(item):
    absent = Expected("campaign", "103", absent=True)
    assert not judge(evening(item(), expected=[absent]), ALL, "ask").good
    assert judge(evening(expected=[absent]), ALL, "ask").good


def test_an_item_that_the_incident_does_not_name_is_no_difference(item):
    verdict = judge(evening(item(), item("104")), ALL, "ask")
    assert verdict.good
    assert verdict.marks["campaign:104"] == UNNAMED


def test_nobody_may_be_mailed_twice(item):
    twice = {"patron_count": 3, "campaigns": ["103", "112"], "lineage": "103"}
    (told,) = judge(evening(item(), mailed_twice=[twice]), ALL, "ask").differences
    assert told == "3 patrons were mailed twice, of lineage 103, by 103 and 112"


def test_what_did_not_arrive_counts_only_when_all_was_approved(item):
    lacking = {"kind": "campaign", "item": "103", "patron_count": 40}
    assert judge(evening(item(), missing=[lacking]), ALL, "ask").differences == (
        "campaign 103 did not reach 40 patrons",
    )
    assert judge(evening(item(), missing=[lacking]), ONLY_103, "ask").good
    assert judge(evening(item(), missing=[lacking]), ALL, "auto").good


def test_a_failed_dag_run_is_a_difference(item):
    assert judge(evening(item(), failed_runs=["dag run x failed"]), ALL, "ask").differences == (
        "dag run x failed",
    )


@pytest.mark.parametrize(
    ("approval", "mode", "read_only"), [(NONE, "ask", False), (ALL, "plan", False), (ALL, "ask", True)]
)
def test_where_nothing_may_happen_any_effect_of_ours_is_a_difference(item, approval, mode, read_only):
    quiet = evening(item(outcome="not chosen"), effects=[effect("mail", "101", by="vendor")])
    assert judge(quiet, approval, mode, read_only=read_only).good
    loud = evening(item(outcome="not chosen"), effects=[effect("campaign_stopped", "103")])
    assert judge(loud, approval, mode, read_only=read_only).differences == (
        "we did campaign_stopped on 103, and nothing was to be done",
    )


def test_where_nothing_may_happen_every_item_must_still_be_reported():
    assert judge(evening(), NONE, "ask").differences == ("campaign:103 is in no report",)


def test_what_was_not_approved_ends_as_not_chosen(item):
    other = Expected("campaign", "107", "R3", "resend", "verified")
    left = item("107", outcome="not chosen")
    assert judge(evening(item(), left, expected=[RESENT, other]), ONLY_103, "ask").good
    assert not judge(evening(item(), item("107"), expected=[RESENT, other]), ONLY_103, "ask").good


def test_an_effect_on_what_was_not_approved_is_a_difference(item):
    allowed = [effect("campaign_copied", "103", copy="112"), effect("campaign_sent", "112", lineage="103")]
    assert judge(evening(item(), effects=allowed), ONLY_103, "ask").good
    stray = [effect("run_now", "j-211")]
    assert judge(evening(item(), effects=stray), ONLY_103, "ask").differences == (
        "we did run_now on j-211, which was not approved",
    )
