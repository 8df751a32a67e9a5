"""A campaign that had left the schedule before and stands in it again: what the kept snapshots prove, and what not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import CampaignStatus
from pro2_reconciliation.repair.snapshot import left_the_schedule

DUE = datetime(2026, 11, 20, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def account(open_ledger: Any) -> Any:
    ledger = open_ledger(lambda: DUE + timedelta(hours=6))
    return SimpleNamespace(ledger=ledger, organization="playhouse", policy=Policy())


def campaign(**changes: Any) -> Campaign:
    values = {"id": "103", "name": "Opening", "status": CampaignStatus.SCHEDULED, "due": DUE}
    return Campaign(**(values | {"created": DUE - timedelta(days=1)} | changes))


def seen(account: Any, at: datetime, *ids: str, organization: str = "playhouse") -> None:
    account.ledger.add_snapshot(organization, {"campaigns": [{"id": one} for one in ids]}, at)


def test_scheduled_in_every_snapshot_it_never_left(account):
    seen(account, DUE - 5 * MINUTE, "103")
    seen(account, DUE + 5 * MINUTE, "103")
    assert left_the_schedule(account, campaign()) is None


def test_missing_after_its_time_it_had_left(account):
    seen(account, DUE - 5 * MINUTE, "103")
    seen(account, DUE + 5 * MINUTE, "104")
    seen(account, DUE + 10 * MINUTE, "103")
    assert left_the_schedule(account, campaign()) == DUE + 5 * MINUTE


@pytest.mark.parametrize(
    ("at", "changes"),
    [
        (DUE - 5 * MINUTE, {}),
        (DUE + timedelta(hours=3), {}),
        (DUE + 5 * MINUTE, {"created": DUE + 6 * MINUTE}),
        (DUE + 5 * MINUTE, {"status": CampaignStatus.SENDING}),
        (DUE + 5 * MINUTE, {"due": None}),
    ],
    ids=[
        "before it was due",
        "no more within its lead",
        "not made yet",
        "not scheduled now",
        "without a time",
    ],
)
def test_what_proves_nothing(account, at, changes):
    seen(account, at, "104")
    assert left_the_schedule(account, campaign(**changes)) is None


def test_another_organization_says_nothing(account):
    seen(account, DUE + 5 * MINUTE, "104", organization="opera")
    assert left_the_schedule(account, campaign()) is None
