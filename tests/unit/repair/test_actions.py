"""What a remedy consists of, and which choices the sending hours can hold up."""

from __future__ import annotations

import pytest
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.words import Choice, Reach, Remedy
from pro2_reconciliation.repair.actions import VERBS, chosen_remedy, waits_for_hours
from pro2_reconciliation.repair.gates import GATES, Gate

HOURS = next(rule for rule in GATES if rule.gate is Gate.SENDING_HOURS)


@pytest.mark.parametrize("reach", Reach)
@pytest.mark.parametrize("remedy", Remedy)
def test_now_is_offered_for_exactly_what_the_gate_of_the_sending_hours_stands_before(remedy, reach):
    held = any(HOURS.stands_before(verb, reach) for verb in VERBS.get(remedy, ()))
    assert waits_for_hours(f.decision(remedy=remedy, reach=reach)) is held


@pytest.mark.parametrize("remedy", VERBS)
def test_every_choice_that_the_hours_can_hold_up_has_a_form_for_any_hour(remedy):
    decision = f.decision(remedy=remedy, reach=Reach.INBOX)
    asks_for_it = {choice for choice in Choice if chosen_remedy(decision, choice) is remedy}
    plain = {choice for choice in asks_for_it if not choice.at_any_hour}
    assert plain
    if waits_for_hours(decision):
        assert {choice.now_form for choice in plain} == asks_for_it - plain
