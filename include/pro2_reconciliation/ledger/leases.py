"""Leases: who is at a step, and until when. ``StepsPart.claim`` begins one; here it is asked for, renewed and ended.

A slow worker whose lease expired, and was taken over, writes nothing any more and finds out. How it fails:
``LeaseLost`` where a claim is another one's by now, or ends too soon.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LeaseLost
from pro2_reconciliation.ledger.action_tables import LeaseRow
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.reading import locked_step
from pro2_reconciliation.ledger.records import Claim


class LeasesPart(Core):
    """The lease of a claim, as long as it lives."""

    def holder(self, step_id: int) -> tuple[str, datetime] | None:
        """Who holds a living lease on a step, and until when (UTC); None where nobody does."""
        with self._read() as session:
            lease = session.get(LeaseRow, step_id)
            return (
                (lease.owner, lease.expires_at)
                if lease is not None and lease.expires_at > self.now()
                else None
            )

    def check(self, claim: Claim, margin: float = 0.0) -> None:
        """Raise ``LedgerError`` unless the claim is still ours and stays so for ``margin`` seconds more."""
        with self._read() as session:
            require_lease(session, claim, self.now() + timedelta(seconds=margin))

    def renew(self, claim: Claim, lease_seconds: float) -> Claim:
        """The same claim with a later end, counted from now. Raises ``LedgerError`` if it was lost."""
        with self._write() as session:
            locked_step(session, claim.step_id)
            now = self.now()
            lease = require_lease(session, claim, now)
            lease.expires_at = now + timedelta(seconds=lease_seconds)
            return Claim(
                claim.step_id, claim.owner, claim.token, lease.expires_at, claim.state, claim.taken_over
            )

    def release(self, claim: Claim) -> None:
        """End the lease now, so that the next one need not wait; nothing happens if it was lost already."""
        with self._write() as session:
            locked_step(session, claim.step_id)
            lease = session.get(LeaseRow, claim.step_id, populate_existing=True)
            now = self.now()
            if lease is not None and lease.token == claim.token and lease.expires_at > now:
                lease.expires_at = now


def require_lease(session: Session, claim: Claim, until: datetime) -> LeaseRow:
    """The lease of a claim that is still ours at ``until``. Raises ``LeaseLost``, which says whose it is by now."""
    lease = session.get(LeaseRow, claim.step_id, populate_existing=True)
    if lease is None or lease.token != claim.token:
        holder = f"{lease.owner} holds it now" if lease is not None else "nobody holds it"
        raise LeaseLost(
            f"lease lost on step {claim.step_id}: {claim.owner} no longer holds it, {holder}. "
            "Nothing was written; "
            "stop here, whoever took over settles the step."
        )
    if lease.expires_at <= until:
        raise LeaseLost(
            f"lease lost on step {claim.step_id}: that of {claim.owner} ends at "
            f"{lease.expires_at.isoformat()}. "
            "Nothing was written; stop here and claim the step again, then read before anything is sent."
        )
    return lease
