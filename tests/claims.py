"""Every action of a ledger: the tests and the bench look at all of them, the code at none that it does not need."""

from __future__ import annotations

from datetime import UTC, datetime

from pro2_reconciliation.ledger import ActionRecord, Ledger

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def every_action(ledger: Ledger, organization: str = "playhouse") -> list[ActionRecord]:
    """All that were ever registered, oldest first."""
    return ledger.actions_since(organization, _LONG_AGO)
