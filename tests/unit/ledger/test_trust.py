"""Verdicts stand, and of an account's capabilities the newest look counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.shadow import After, Verdict
from pro2_reconciliation.domain.words import Remedy
from pro2_reconciliation.ledger import Ledger, Seen, ShadowRecord
from pro2_reconciliation.ledger.trust_tables import CapabilityRow

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


def test_a_look_that_only_refreshes_proves_nothing_and_brings_nothing_back(ledger: Ledger) -> None:
    ledger.note_capabilities("playhouse", [SEEN], while_proven=True)
    assert ledger.proven("playhouse") == frozenset(), "nobody had seen it"
    ledger.note_capabilities("playhouse", [SEEN])
    newer = replace(SEEN, evidence="copy 3", at=NOW + timedelta(hours=1))
    ledger.note_capabilities("playhouse", [newer], while_proven=True)
    assert ledger.capabilities("playhouse") == {Capability.SEND_COPY: newer}
    ledger.note_capabilities("playhouse", [replace(SEEN, proven=False, at=NOW + timedelta(hours=2))])
    ledger.note_capabilities("playhouse", [replace(newer, at=NOW + timedelta(hours=3))], while_proven=True)
    assert ledger.proven("playhouse") == frozenset()


def test_who_withdraws_at_a_desk_whose_clock_is_behind_is_heard(ledger: Ledger) -> None:
    ledger.note_capabilities("playhouse", [SEEN])
    ledger.note_capabilities("playhouse", [replace(SEEN, proven=False, at=NOW - timedelta(minutes=2))])
    assert ledger.proven("playhouse") == frozenset()


def test_a_step_that_was_under_way_is_as_old_as_its_intent(ledger: Ledger) -> None:
    """Also where it is written after a withdrawal that it did not see, as two transactions at once may."""
    withdrawn = replace(SEEN, proven=False, at=NOW + timedelta(minutes=5))
    ledger.note_capabilities("playhouse", [SEEN, withdrawn])
    with ledger._write() as session:
        body = {**asdict(replace(SEEN, at=NOW + timedelta(minutes=4))), "capability": "send_copy"}
        session.add(CapabilityRow(organization="playhouse", **body))
    assert ledger.proven("playhouse") == frozenset()
