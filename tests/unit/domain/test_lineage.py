"""What looks like a repair by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.lineage import (
    Lineup,
    base_name,
    is_visible_copy,
    live,
    look_alike,
    suspects,
)
from pro2_reconciliation.domain.words import CampaignStatus

SINCE = datetime(2026, 11, 20, tzinfo=UTC)


def campaign(identity: str, name: str = "Season opener", **more: Any) -> Campaign:
    return Campaign(id=identity, name=name, **{"status": CampaignStatus.DRAFT, **more})


ORIGINAL = campaign("100", source="web", subject="Curtain up", lists=("1", "2"))


@pytest.mark.parametrize(
    "name",
    [
        "Season opener",
        "  season   Opener ",
        "Copy of Season opener",
        "copy 2 of Season opener",
        "Copy of Copy of Season opener",
        "Season opener (Copy)",
        "Season opener (copy 3)",
        "Season opener - copy 2",
        "Season opener – Copy",
        "Season opener copy",
        "Season opener (1)",
        "Copy of Season opener (2)",
        "Season opener [COPY]",
    ],
)
def test_copy_markers_do_not_count_as_part_of_a_name(name):
    assert base_name(name) == "season opener"


@pytest.mark.parametrize(
    "name",
    ["Season opener (2026)", "Season opener (Matinee)", "Copywriters' night", "Hardcopy", "Copy", "(1)"],
)
def test_what_is_no_copy_marker_stays(name):
    assert base_name(name) == name.lower()


@settings(max_examples=60)
@given(st.text("ab (1)copyf -", max_size=20))
def test_taking_the_base_of_a_base_changes_nothing(name):
    assert base_name(base_name(name)) == base_name(name)


def test_a_younger_campaign_with_source_copy_and_the_same_base_name_is_a_visible_copy():
    assert is_visible_copy(campaign("101", "Season opener", source="copy"), ORIGINAL)
    assert is_visible_copy(campaign("101", "Season opener (1)", source="copy"), ORIGINAL)


def test_ids_are_compared_as_numbers():
    assert not is_visible_copy(campaign("99", source="copy"), ORIGINAL)
    assert is_visible_copy(campaign("1000", source="copy"), campaign("999"))


def test_without_a_source_the_name_must_show_it():
    assert is_visible_copy(campaign("101", "Copy of Season opener"), ORIGINAL)
    assert not is_visible_copy(campaign("101", "Season opener"), ORIGINAL)


def test_another_source_or_another_name_is_no_visible_copy():
    assert not is_visible_copy(campaign("101", "Copy of Season opener", source="web"), ORIGINAL)
    assert not is_visible_copy(campaign("101", "Gala", source="copy"), ORIGINAL)


def test_a_look_alike_has_the_same_subject_line_and_a_list_in_common():
    assert look_alike(campaign("101", "Gala", subject="Curtain up", lists=("2", "3")), ORIGINAL)
    assert not look_alike(campaign("101", "Gala", subject="Curtain up", lists=("3",)), ORIGINAL)
    assert not look_alike(campaign("101", "Gala", subject="Other", lists=("2",)), ORIGINAL)


def test_a_visible_copy_is_not_counted_again_as_a_look_alike():
    copy = campaign("101", source="copy", subject="Curtain up", lists=("1",))
    assert not look_alike(copy, ORIGINAL)


def test_an_unknown_subject_line_is_like_no_other_and_unknown_lists_may_be_any():
    assert not look_alike(campaign("101", "Gala", lists=("1",)), campaign("100", lists=("1",)))
    assert look_alike(campaign("101", "Gala", subject="Curtain up"), ORIGINAL)


def test_suspects_are_only_those_made_since_the_window_began():
    after, before = SINCE + timedelta(hours=1), SINCE - timedelta(hours=1)
    found = suspects(
        ORIGINAL,
        [
            ORIGINAL,
            campaign("105", source="copy", created=after),
            campaign("104", source="copy", created=before, due=after),
            campaign("103", source="copy", due=SINCE),
            campaign("102", source="copy", due=before),
            campaign("101", source="copy"),
            campaign("106", "Gala", subject="Curtain up", lists=("1",), created=after),
            campaign("90", "Gala", subject="Curtain up", lists=("1",)),
        ],
        SINCE,
        frozenset(),
    )
    assert [one.id for one in found[0]] == ["101", "103", "105"]
    assert [one.id for one in found[1]] == ["106"]


def test_our_own_copy_is_no_suspect():
    ours = campaign("101", source="copy", created=SINCE)
    assert suspects(ORIGINAL, [ours], SINCE, frozenset({"101"})) == ((), ())


@pytest.mark.parametrize(
    "status", [CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.COMPLETE]
)
def test_scheduled_sending_and_complete_campaigns_are_live(status):
    assert live(campaign("1", status=status))


def test_a_draft_is_not_live_and_a_stopped_campaign_is_if_mail_left():
    assert not live(campaign("1"))
    assert not live(campaign("1", status=CampaignStatus.STOPPED))
    assert live(campaign("1", status=CampaignStatus.STOPPED, send_amt=1))


NAMES = st.sampled_from(["Opener", "Opener (Copy)", "Copy of Opener", "Gala", "Gala (1)"])
MADE = st.none() | st.sampled_from([SINCE - timedelta(days=1), SINCE, SINCE + timedelta(hours=1)])
ANY = st.builds(
    campaign,
    st.sampled_from(["99", "100", "101", "102", "x"]),
    NAMES,
    created=MADE,
    due=MADE,
    source=st.sampled_from(["", "web", "copy"]),
    subject=st.sampled_from([None, "", "Curtain up", "curtain  up", "Other"]),
    lists=st.sampled_from([None, ("1",), ("2",)]),
)


@settings(max_examples=300)
@given(ANY, st.lists(ANY, max_size=8), st.frozensets(st.sampled_from(["99", "101"])))
def test_a_lineup_finds_what_comparing_each_with_each_finds(
    original: Campaign, others: list[Campaign], ours: frozenset[str]
) -> None:
    others = list({one.id: one for one in others}.values())
    made = [
        one
        for one in others
        if one.id not in ours
        and one.id != original.id
        and (
            (one.created or one.due) >= SINCE
            if one.created or one.due
            else not (one.id.isdigit() and original.id.isdigit()) or int(one.id) > int(original.id)
        )
    ]
    copies, alike = Lineup(others, ours).suspects(original, SINCE)
    assert {one.id for one in copies} == {one.id for one in made if is_visible_copy(one, original)}
    assert {one.id for one in alike} == {one.id for one in made if look_alike(one, original)}
