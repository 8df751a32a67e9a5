"""The set algebra of a drift, and that many contacts are no trouble (``scripts/bench core`` measures a million)."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from pro2_reconciliation.domain.drift import drift_between

ids = st.sets(st.integers(1, 60).map(str))


@given(should=ids, have=ids)
def test_applying_a_drift_leaves_none(should: set[str], have: set[str]) -> None:
    drift = drift_between(should, have, "add_and_remove")
    assert (have | drift.to_add) - drift.to_remove == should
    assert not drift.to_add & drift.to_remove


@given(should=ids, have=ids)
def test_an_add_only_sync_never_removes(should: set[str], have: set[str]) -> None:
    drift = drift_between(should, have, "add_only")
    assert drift.to_remove == frozenset()
    assert have | drift.to_add == should | have


def test_the_share_of_a_removal_is_of_those_who_hold_the_tag() -> None:
    drift = drift_between({"1", "2"}, {"1", "2", "3", "4"}, "add_and_remove")
    assert (drift.should, drift.have, drift.removal_share) == (2, 4, 0.5)
    assert drift_between({"1"}, set(), "add_and_remove").removal_share == 0


def test_a_hundred_thousand_contacts_are_compared_in_a_second() -> None:
    should = {str(number) for number in range(100_000)}
    have = {str(number) for number in range(1_000, 101_000)}
    began = time.process_time()
    drift = drift_between(should, have, "add_and_remove")
    assert time.process_time() - began < 1.5
    assert (len(drift.to_add), len(drift.to_remove)) == (1_000, 1_000)
