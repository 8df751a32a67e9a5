"""The ledger: the only state there is, and the lock between everything that acts at once.

    ledger = Ledger.open("sqlite:////data/ledger.db", clock=lambda: datetime.now(UTC))

Every method is one transaction, committed when it returns. Readers see one consistent picture and block
nobody. How it fails: ``LedgerError`` with the thing, the value and the next step; ``ValueError`` for a naive
time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Self

from pro2_reconciliation.ledger.actions import ActionsPart
from pro2_reconciliation.ledger.attempts import AttemptsPart
from pro2_reconciliation.ledger.consent import ConsentPart
from pro2_reconciliation.ledger.declarations import DeclarationsPart
from pro2_reconciliation.ledger.endings import EndingsPart
from pro2_reconciliation.ledger.engine import BUSY_SECONDS, open_engine
from pro2_reconciliation.ledger.finding import FindingPart
from pro2_reconciliation.ledger.identity import IdentityPart
from pro2_reconciliation.ledger.items import ItemsPart
from pro2_reconciliation.ledger.leases import LeasesPart
from pro2_reconciliation.ledger.leaving import LeavingPart
from pro2_reconciliation.ledger.migrate import upgrade
from pro2_reconciliation.ledger.notifications import NotificationsPart
from pro2_reconciliation.ledger.outages import OutagesPart
from pro2_reconciliation.ledger.plans import PlansPart
from pro2_reconciliation.ledger.pruning import PruningPart
from pro2_reconciliation.ledger.runs import RunsPart
from pro2_reconciliation.ledger.steps import StepsPart
from pro2_reconciliation.ledger.trust import TrustPart
from pro2_reconciliation.ledger.watch import WatchPart


class Ledger(
    IdentityPart,
    ActionsPart,
    FindingPart,
    StepsPart,
    LeasesPart,
    EndingsPart,
    PlansPart,
    RunsPart,
    AttemptsPart,
    OutagesPart,
    DeclarationsPart,
    ConsentPart,
    WatchPart,
    ItemsPart,
    NotificationsPart,
    PruningPart,
    TrustPart,
    LeavingPart,
):
    """All parts of the ledger over one database. Safe to use from several threads and processes."""

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Callable[[], datetime],
        create: bool = True,
        busy_seconds: float = BUSY_SECONDS,
    ) -> Self:
        """Open the ledger at a database URL, bringing it up to date, and creating it on first use.

        In: ``clock`` returns an aware time; ``create`` False where something is about to be done, since a ledger
        that is not there has then vanished; ``busy_seconds`` how long SQLite waits for another writer. Out: the
        ledger. Safe when several processes open at once. Errors: ``LedgerError`` for an address that cannot hold a
        ledger, one that is not there, a database that cannot be reached, or one that newer software wrote.
        """
        ledger = cls(open_engine(url, busy_seconds=busy_seconds, create=create), clock)
        upgrade(ledger._engine, ledger.now(), create=create)
        return ledger
