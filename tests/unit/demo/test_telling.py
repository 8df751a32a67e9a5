"""How the end of an evening looks, on the screen and as JSON."""

from __future__ import annotations

import json

from pro2_sandbox.demo.approval import Approval
from pro2_sandbox.demo.table import table
from pro2_sandbox.demo.telling import as_json, conclusion, effects_table, items_table
from pro2_sandbox.demo.verdict import Evening, Expected, judge

TAGGED = [
    {
        "at": f"2026-11-24T01:00:0{n}Z",
        "kind": "tag_added",
        "item": "Members",
        "by": "us",
        "detail": {"contact": str(n)},
    }
    for n in range(3)
]
MAIL = {"at": "2026-11-24T01:00:09Z", "kind": "mail", "item": "112", "by": "us", "detail": {"patrons": 40}}


def test_columns_are_aligned_and_long_texts_are_cut():
    text = table(("id", "name"), [("103", "Opening\nnight"), ("j-201@x", "x" * 60)], longest=20)
    assert text.splitlines() == [
        "id       name",
        "-------  --------------------",
        "103      Opening night",
        f"j-201@x  {'x' * 19}…",
    ]


def test_a_tag_on_many_contacts_is_one_line_in_local_time():
    lines = effects_table([*TAGGED, MAIL], "America/Chicago").splitlines()
    assert lines[2].split() == ["23", "Nov", "19:00:00", "CST", "us", "tag_added", "x", "3", "Members"]
    assert lines[3].split()[4:] == ["us", "mail", "112", "patrons", "40"]


def test_the_table_marks_each_item(item):
    evening = Evening([item()], [Expected("campaign", "103", "R4", "resend", "verified")], [])
    row = items_table(evening, judge(evening, Approval(all=True), "ask")).splitlines()[-1]
    assert row.startswith("campaign")
    assert row.endswith("DIFFERS")


def test_a_good_end_is_told_in_three_lines(item):
    evening = Evening([item()], [Expected("campaign", "103", "R3", "resend", "verified")], [])
    assert conclusion(judge(evening, Approval(all=True), "ask"), evening).splitlines() == [
        "Mailed twice: nobody",
        "Missing: nothing",
        "Verdict: ok. All 1 items of the incident ended as they should",
    ]


def test_a_good_end_without_any_effect_claims_no_more_than_that(item):
    evening = Evening(
        [item(outcome="not chosen")], [Expected("campaign", "103", "R3", "resend", "verified")], []
    )
    told = conclusion(judge(evening, Approval(), "ask"), evening)
    assert "We did nothing, and all 1 items of the incident are reported" in told


def test_a_bad_end_names_every_difference(item):
    twice = [{"patron_count": 3, "campaigns": ["103", "112"], "lineage": "103"}]
    evening = Evening(
        [item()], [Expected("campaign", "107", "R3", "resend", "verified")], [], mailed_twice=twice
    )
    told = conclusion(judge(evening, Approval(all=True), "ask"), evening)
    assert "Mailed twice: 1\n  patron count 3, campaigns 103 and 112, lineage 103" in told
    assert "Missing: 1\n  kind campaign, item 107, why it is in no report" in told
    assert "2 differences" in told


def test_the_json_has_exactly_the_agreed_keys(item):
    evening = Evening([item(log_url="http://x", detail="d")], [], [{**MAIL, "seq": 1}])
    whole = json.loads(as_json(evening, judge(evening, Approval(all=True), "ask")))
    assert list(whole) == ["items", "effects", "mailed_twice", "missing"]
    assert list(whole["items"][0]) == [
        "kind",
        "id",
        "name",
        "rule",
        "observation",
        "decision",
        "outcome",
        "expected",
        "log_url",
    ]
    assert list(whole["effects"][0]) == ["at", "kind", "item", "by", "detail"]
