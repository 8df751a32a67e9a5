"""Verdicts stand, and of an account's capabilities the newest look counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.shadow import After, Verdict
from pro2_reconciliation.domain.words import Remedy
from pro2_reconciliation.ledger import Ledger, Seen, ShadowRecord

NOW = datetime(2026, 11, 29, tzinfo=UTC)
VERDICT = ShadowRecord(
    "campaign:1", Remedy.RESEND, "A", "C11", "hash", NOW, Verdict.RIGHT, After.NOTHING, "because", "", NOW
)
SEEN = Seen(Capability.SEND_COPY, True, "copy 2", "kim", "hash", NOW)


@pytest.fixture
def ledger(open_ledger: Callable[[Callable[[], datetime]], Ledger]) -> Ledger:
    return open_ledger(lambda: NOW)


def test_a_verdict_that_stands_is_not_changed(ledger: Ledger) -> None:
    ledger.save_verdicts("playhouse", [VERDICT])
    ledger.save_verdicts("playhouse", [replace(VERDICT, verdict=Verdict.TWICE)])
    assert ledger.verdicts("playhouse") == [VERDICT]


def test_verdicts_are_those_of_the_organization_and_of_the_time(ledger: Ledger) -> None:
    ledger.save_verdicts("playhouse", [VERDICT])
    assert ledger.verdicts("another") == []
    assert ledger.verdicts("playhouse", NOW) == [VERDICT]
    assert ledger.verdicts("playhouse", NOW + timedelta(seconds=1)) == []


def test_two_remedies_of_an_item_are_two_verdicts(ledger: Ledger) -> None:
    other = replace(VERDICT, remedy=Remedy.HOLD_BACK)
    ledger.save_verdicts("playhouse", [VERDICT, other])
    assert ledger.verdicts("playhouse") == [other, VERDICT]


def test_the_newest_look_at_a_capability_counts(ledger: Ledger) -> None:
    ledger.note_capabilities("playhouse", [SEEN])
    ledger.note_capabilities("playhouse", [replace(SEEN, proven=False, evidence="it did not")])
    assert ledger.capabilities("playhouse") == {
        Capability.SEND_COPY: replace(SEEN, proven=False, evidence="it did not")
    }
    assert ledger.capabilities("another") == {}
