"""When the outage ended that an occurrence was caught by: what repairs it has to be younger (rule R14)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.repair.account import Account

TAIL = timedelta(hours=2)
"""An occurrence this near to an outage may have been caught by it."""


class OutageEnds:
    """When the outages ended, read from the ledger once.

    A nightly window is no outage, and an open item is read again long after its own. ``origins``: as the inventory's.
    """

    def __init__(self, account: Account, window: Window, origins: Mapping[str, datetime]) -> None:
        self._window, self._origins = window, origins
        asked = not window.outage_known or bool(origins)
        self._known = tuple(account.ledger.outages(account.organization)) if asked else ()

    def of(self, key: str, due: datetime) -> datetime:
        """The end of the outage that an item of ``due`` was caught by; ``due`` where none is known."""
        if self._window.outage_known and key not in self._origins:
            return self._window.end
        ends = [
            one.end
            for one in self._known
            if one.end is not None and one.start <= due + TAIL and due < one.end + TAIL
        ]
        return max([due, *ends])
