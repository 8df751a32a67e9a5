"""What each verb takes for granted of an account."""

from __future__ import annotations

from pro2_reconciliation.domain.capability import MEANING, RESTS_ON, Capability, unproven
from pro2_reconciliation.domain.words import Verb


def test_every_verb_rests_on_something_and_every_capability_carries_one() -> None:
    assert set(RESTS_ON) == set(Verb)
    assert set().union(*RESTS_ON.values()) == set(Capability) == set(MEANING)


def test_what_is_proven_is_not_missing() -> None:
    rests = RESTS_ON[Verb.SEND_CAMPAIGN]
    assert unproven(Verb.SEND_CAMPAIGN, frozenset()) == rests
    assert unproven(Verb.SEND_CAMPAIGN, rests) == frozenset()
