"""What each verb takes for granted of an account."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pro2_reconciliation.domain.capability import MEANING, RESTS_ON, Capability, rests_on
from pro2_reconciliation.domain.words import CampaignStatus, Verb


def test_every_verb_rests_on_something_and_every_capability_carries_one() -> None:
    assert set(RESTS_ON) == set(Verb)
    assert set().union(*RESTS_ON.values()) == set(Capability) == set(MEANING)


@pytest.mark.parametrize(
    ("status", "needed"),
    [
        (CampaignStatus.SCHEDULED, {Capability.STOP_SCHEDULED}),
        (CampaignStatus.SENDING, {Capability.STOP_SENDING}),
        (None, {Capability.STOP_SCHEDULED, Capability.STOP_SENDING}),
        *((one, {Capability.STOP_SCHEDULED, Capability.STOP_SENDING}) for one in CampaignStatus
          if one not in (CampaignStatus.SCHEDULED, CampaignStatus.SENDING)),
    ],
)  # fmt: skip
def test_a_stop_rests_on_what_was_seen_of_its_campaign(
    status: CampaignStatus | None, needed: set[Capability]
) -> None:
    assert rests_on(Verb.STOP_CAMPAIGN, status=status) == needed


@pytest.mark.parametrize(("segment", "needed"), [("0", False), ("", False), ("7", True), (None, True)])
def test_a_copy_needs_its_segment_kept_only_if_it_has_one(segment: str | None, needed: bool) -> None:
    found = rests_on(Verb.COPY_CAMPAIGN, segment=segment)
    assert (Capability.COPY_KEEPS_SEGMENT in found) is needed
    assert found >= RESTS_ON[Verb.COPY_CAMPAIGN] - {Capability.COPY_KEEPS_SEGMENT}


@given(
    st.sampled_from(list(Verb)),
    st.none() | st.sampled_from(list(CampaignStatus)),
    st.none() | st.sampled_from(["", "0", "7"]),
)
def test_what_was_seen_only_takes_away_and_never_everything(
    verb: Verb, status: CampaignStatus | None, segment: str | None
) -> None:
    """Fail closed: whoever knows less needs more."""
    found = rests_on(verb, status=status, segment=segment)
    assert found
    assert found <= rests_on(verb) == RESTS_ON[verb]
