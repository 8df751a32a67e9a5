"""When mail may leave, across midnight and changes of clocks, and what may be chosen because of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.sending_hours import closes, is_open, opens, with_now
from pro2_reconciliation.domain.words import Choice, Remedy

DAY = Policy(sending_hours=("08:00", "21:30"))
NIGHT = Policy(sending_hours=("22:00", "06:00"))
ALWAYS = Policy(sending_hours=("00:00", "24:00"))
NEVER = Policy(sending_hours=("08:00", "08:00"))
LATE = Policy(sending_hours=("08:00", "24:00"))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of November 2026 in Chicago (CST) as UTC."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) + timedelta(hours=6)


@pytest.mark.parametrize(
    ("policy", "now", "opening", "closing"),
    [
        (DAY, at(19, 12), at(19, 12), at(19, 21, 30)),
        (DAY, at(19, 21, 30), at(20, 8), at(20, 21, 30)),
        (DAY, at(20, 2), at(20, 8), at(20, 21, 30)),
        (NIGHT, at(19, 23), at(19, 23), at(20, 6)),
        (NIGHT, at(19, 12), at(19, 22), at(20, 6)),
        (LATE, at(19, 23), at(19, 23), at(20, 0)),
        (ALWAYS, at(19, 23), at(19, 23), None),
        (NEVER, at(19, 7), None, at(19, 8)),
    ],
)
def test_the_next_opening_and_closing(policy, now, opening, closing):
    assert opens(policy, f.ZONE, now) == opening
    assert closes(policy, f.ZONE, now) == closing


def test_an_opening_that_the_clocks_skip_comes_with_the_jump():
    spring = datetime(2026, 3, 8, 7, 0, tzinfo=UTC)  # 01:00 in Chicago; at 02:00 it is 03:00
    policy = Policy(sending_hours=("02:30", "21:30"))
    assert opens(policy, f.ZONE, spring) == datetime(2026, 3, 8, 8, 0, tzinfo=UTC)
    assert is_open(policy, f.ZONE, datetime(2026, 3, 8, 8, 0, tzinfo=UTC))


def offered(decision, now, policy=DAY):
    return with_now(decision, policy, f.ZONE, now, now + 12 * f.HOUR).choices


RESEND = f.decision(
    remedy=Remedy.RESEND,
    choices=(Choice.LEAVE, Choice.RESEND, Choice.KEEP_WATCHING, Choice.HOLD_BACK),
    send_by=at(20, 12),
)


class TestNow:
    def test_is_offered_beside_the_plain_form_where_the_hours_close_before_the_question_ends(self):
        both = (Choice.LEAVE, Choice.RESEND, Choice.RESEND_NOW, Choice.KEEP_WATCHING, Choice.HOLD_BACK)
        assert offered(RESEND, at(19, 21)) == both
        assert offered(RESEND, at(19, 23)) == both

    def test_is_not_offered_where_they_stay_open(self):
        assert offered(RESEND, at(19, 9)) == RESEND.choices
        assert offered(RESEND, at(19, 23), ALWAYS) == RESEND.choices

    @pytest.mark.parametrize("policy", [DAY, NEVER])
    def test_is_the_only_form_where_they_do_not_open_before_it_is_too_late(self, policy):
        evening = RESEND.model_copy(update={"send_by": at(20, 6, 30)})
        expected = (Choice.LEAVE, Choice.RESEND_NOW, Choice.KEEP_WATCHING, Choice.HOLD_BACK)
        assert offered(evening, at(19, 21, 45), policy) == expected

    def test_follows_each_choice_that_it_is_a_form_of(self):
        choices = (Choice.LEAVE, Choice.REPROCESS, Choice.REPROCESS_EVEN_IF_NOT_STOPPED)
        assert offered(f.decision(remedy=Remedy.RUN_NOW, choices=choices), at(19, 23)) == (
            Choice.LEAVE,
            Choice.REPROCESS,
            Choice.REPROCESS_NOW,
            Choice.REPROCESS_EVEN_IF_NOT_STOPPED,
            Choice.REPROCESS_NOW_EVEN_IF_NOT_STOPPED,
        )
        tag = f.decision(remedy=Remedy.REMOVE_TAG, choices=(Choice.LEAVE, Choice.REMOVE_TAG))
        assert offered(tag, at(19, 23)) == (Choice.LEAVE, Choice.REMOVE_TAG, Choice.REMOVE_TAG_NOW)

    def test_adds_nothing_where_nobody_is_asked(self):
        assert offered(f.decision(remedy=Remedy.RESEND), at(19, 23)) == ()

    def test_is_no_choice_of_its_own_kind(self):
        forms = {choice: choice.now_form for choice in Choice if choice.now_form is not None}
        assert {choice for choice in Choice if choice.at_any_hour} == set(forms.values())
        assert {now.plain: now for now in forms.values()} == forms
        assert all("now" in now.value for now in forms.values())
        assert Choice.HOLD_BACK.plain is Choice.HOLD_BACK
