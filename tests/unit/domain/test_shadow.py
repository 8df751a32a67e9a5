"""The table of the shadow: one row for each thing that can be said, and the page shows it as it is."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.shadow import (
    TABLE,
    WATCH_CAMPAIGN,
    WATCH_JOB,
    After,
    Verdict,
    judge,
    longer,
    markdown,
)
from pro2_reconciliation.domain.words import Reach, Remedy

PAGE = Path(__file__).resolve().parents[3] / "docs" / "shadow.md"


def test_no_two_rows_say_different_things_of_the_same() -> None:
    for remedy, reach, after in itertools.product(Remedy, Reach, After):
        rows = [r for r in TABLE if remedy in r.remedies and r.after is after and r.reach in (None, reach)]
        assert len(rows) <= 1, (remedy, reach, after)


@pytest.mark.parametrize("remedy", [one for one in Remedy if one.acts and "tag" not in one.value])
@pytest.mark.parametrize("reach", list(Reach))
def test_whatever_acts_has_a_verdict_for_what_commonly_happens(remedy: Remedy, reach: Reach) -> None:
    for after in (After.BY_ITSELF, After.BY_HAND, After.NOTHING, After.CLOSED):
        assert judge(remedy, reach, after).verdict is not Verdict.UNKNOWN


def test_what_mails_and_ran_by_itself_would_have_mailed_twice() -> None:
    for remedy in (Remedy.RESEND, Remedy.RUN_NOW):
        assert judge(remedy, Reach.INBOX, After.BY_ITSELF).verdict is Verdict.TWICE
    assert judge(Remedy.REPEAT_IMPORT, Reach.INBOX, After.BY_ITSELF).verdict is Verdict.TWICE
    assert judge(Remedy.REPEAT_IMPORT, Reach.DATA, After.BY_ITSELF).verdict is Verdict.NOT_NEEDED


@pytest.mark.parametrize("after", [After.GONE, After.UNREAD])
def test_what_cannot_be_seen_is_unknown(after: After) -> None:
    assert all(judge(remedy, Reach.INBOX, after).verdict is Verdict.UNKNOWN for remedy in Remedy)


def test_the_settings_are_keys_of_the_policy() -> None:
    assert {WATCH_CAMPAIGN, WATCH_JOB} <= set(Policy.model_fields)


def test_a_setting_is_told_in_whole_minutes_above_what_would_have_waited() -> None:
    assert longer("x_seconds", 1800, 47 * 60 + 1) == "x_seconds: 1800 now; 4680 would have waited for it"


def test_the_page_shows_the_table() -> None:
    assert markdown() in PAGE.read_text(), "print it by: python -m pro2_reconciliation.domain.shadow"
