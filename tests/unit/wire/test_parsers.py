"""The parsers take what the vendors write, and whatever else JSON can hold without leaving the error tree."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.words import CampaignStatus, Outcome, ProcessType
from pro2_reconciliation.wire.campaigns import parse_campaign, parse_ids, parse_report, parse_subject
from pro2_reconciliation.wire.dashboard import parse_activity, parse_console

Build = Callable[..., dict[str, Any]]


def test_a_documented_campaign_is_read_whole_and_in_utc(campaign_row: Build) -> None:
    campaign = parse_campaign(campaign_row())
    assert campaign.id == "4711"
    assert campaign.status is CampaignStatus.SCHEDULED
    assert campaign.due == datetime(2031, 3, 4, 15, 30, tzinfo=UTC)
    assert campaign.total_amt == 18250
    assert campaign.last_sent is None
    assert (campaign.lists, campaign.messages, campaign.subject) == (None, None, None)
    assert not campaign.recurring


@pytest.mark.parametrize("code", range(8))
def test_status_codes_are_read_from_text_and_from_numbers(campaign_row: Build, code: int) -> None:
    assert parse_campaign(campaign_row(status=code)).status is list(CampaignStatus)[code]
    assert parse_campaign(campaign_row(status=str(code))).status is list(CampaignStatus)[code]


@pytest.mark.parametrize("code", ["8", "-1", "sending", "", None, True, {}, "determining-winner"])
def test_any_other_status_is_unknown_and_keeps_its_text(campaign_row: Build, code: Any) -> None:
    campaign = parse_campaign(campaign_row(status=code))
    assert campaign.status is CampaignStatus.UNKNOWN
    if isinstance(code, str):
        assert campaign.status_raw == code


@pytest.mark.parametrize("date", [None, "", "0000-00-00", "0000-00-00 00:00:00"])
def test_null_and_zero_dates_are_no_date(campaign_row: Build, date: str | None) -> None:
    assert parse_campaign(campaign_row(sdate=date)).due is None


@pytest.mark.parametrize("date", ["2031-03-04 09:30:00", "yesterday", 5, "2031-13-01T00:00:00Z"])
def test_a_due_time_that_cannot_be_placed_is_unreadable(campaign_row: Build, date: Any) -> None:
    with pytest.raises(Unreadable, match="sdate"):
        parse_campaign(campaign_row(sdate=date))


@pytest.mark.parametrize("amount", [None, "", "many", "1.5", [], True, "१२"])
def test_a_send_counter_that_cannot_be_read_is_never_zero(campaign_row: Build, amount: Any) -> None:
    with pytest.raises(Unreadable, match="send_amt"):
        parse_campaign(campaign_row(send_amt=amount))
    with pytest.raises(Unreadable, match="send_amt"):
        parse_report("4711", campaign_row(send_amt=amount))


def test_any_counter_above_zero_shows(campaign_row: Build) -> None:
    row = campaign_row(uniqueopens="3", subscriberclicks=2, softbounces="1", hardbounces="4")
    counters = {"send_amt": 0, "opens": 3, "clicks": 2, "bounces": 5, "unsubscribes": 0}
    assert parse_campaign(row).counters == counters
    report = parse_report(
        "4711", {"send_amt": "0", "uniqueopens": "3", "uniquelinkclicks": 2, "totalbounces": 5}
    )
    assert report.counters == counters


def test_a_campaign_of_an_automation_is_known_by_either_key(campaign_row: Build) -> None:
    assert parse_campaign(campaign_row(seriesid="9")).from_automation
    assert parse_campaign(campaign_row(automation="9")).from_automation
    assert not parse_campaign(campaign_row()).from_automation


def test_flags_that_forbid_a_resend_count_when_unclear(campaign_row: Build) -> None:
    assert parse_campaign(campaign_row(willrecur="perhaps")).recurring
    assert parse_campaign(campaign_row(split_winner_awaiting=1)).awaiting_winner


@pytest.mark.parametrize(
    ("row", "ids"),
    [
        ({"listslist": "1-2"}, ("1", "2")),
        ({"listslist": "1, 2,2"}, ("1", "2")),
        ({"listslist": ["3"]}, ("3",)),
        ({"listslist": ""}, ()),
        ({"lists": [{"id": "1"}, {"listid": 2}]}, ("1", "2")),
        ({"lists": {"0": {"id": 7}}}, ("7",)),
        ({"lists": None}, None),
        ({}, None),
    ],
)
def test_lists_come_in_several_shapes_and_absence_is_not_emptiness(
    row: dict[str, Any], ids: tuple[str, ...] | None
) -> None:
    assert parse_ids(row, "listslist", "lists") == ids


def test_the_subject_of_a_split_test_shows_every_variant() -> None:
    assert parse_subject({"messages": [{"subject": "A"}, {"subject": "B"}]}) == "A / B"
    assert parse_subject({"messages": [{"subject": "A"}, {}]}) is None
    assert parse_subject({}) is None


ROW = {
    "run_id": "r1",
    "process_type": "data_sync",
    "process_id": "members",
    "process_name": "Members",
    "started_at": "2031-03-04T02:00:00Z",
    "finished_at": None,
    "status": "Completed",
    "origin": "schedule",
    "counts": {"returned": "10", "updated": 9, "failed": None},
    "tag": None,
}


@pytest.mark.parametrize(
    ("label", "outcome"),
    [
        ("Completed", Outcome.SUCCESS),
        ("success", Outcome.SUCCESS),
        ("Completed with errors", Outcome.PARTIAL_ERROR),
        ("Failed", Outcome.FULL_ERROR),
        ("Full error report", Outcome.FULL_ERROR),
        ("In progress", Outcome.IN_PROGRESS),
        ("Running", Outcome.IN_PROGRESS),
        ("Stopped", Outcome.STOPPED),
        ("Completed?", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
    ],
)
def test_an_activity_label_is_mapped_or_unknown_with_its_text(label: str, outcome: Outcome) -> None:
    row = parse_activity("north", {**ROW, "status": label})
    assert (row.outcome, row.raw_status) == (outcome, label)


def test_an_activity_row_is_read_whole() -> None:
    row = parse_activity("north", ROW)
    assert row.process_type is ProcessType.DATA_SYNC
    assert row.manual is False
    assert row.counts is not None
    assert (row.counts.returned, row.counts.updated, row.counts.failed) == (10, 9, None)
    assert parse_activity("north", {**ROW, "origin": "manual"}).manual is True
    assert parse_activity("north", {**ROW, "origin": None, "process_type": "new"}).manual is None


def test_a_console_row_that_is_not_running_waits() -> None:
    row = parse_console(
        "north", {"run_id": 1, "process_id": "p", "status": "queued", "scheduled_for": "2031-03-04T02:00:00Z"}
    )
    assert (row.running, row.progress, row.started) == (False, None, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(
    (
        *(
            "id",
            "status",
            "sdate",
            "ldate",
            "cdate",
            "send_amt",
            "total_amt",
            "opens",
            "seriesid",
            "type",
            "name",
        ),
        *("willrecur", "listslist", "lists", "messages", "subject", "run_id", "process_id", "process_type"),
        *("started_at", "finished_at", "counts", "origin", "progress", "tag"),
    )
)
PARSERS: tuple[Callable[[Any], object], ...] = (
    parse_campaign,
    lambda value: parse_report("1", value),
    lambda value: parse_activity("o", value),
    lambda value: parse_console("o", value),
)


@given(st.one_of(JSON, st.dictionaries(KEYS, JSON, max_size=24)))
def test_no_json_at_all_brings_a_parser_out_of_the_error_tree(value: Any) -> None:
    for parse in PARSERS:
        with contextlib.suppress(Unreadable):
            parse(value)
    if isinstance(value, dict):
        parse_ids(value, "listslist", "lists")
        parse_subject(value)


@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_one_strange_value_in_a_good_row_is_read_or_unreadable(changes: dict[str, Any]) -> None:
    with contextlib.suppress(Unreadable):
        parse_activity("o", {**ROW, **changes})
    with contextlib.suppress(Unreadable):
        parse_campaign({"id": "1", "status": "1", "send_amt": "0", **changes})
