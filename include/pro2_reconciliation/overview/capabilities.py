"""What an account was seen to do, for people: every capability with its state, its date and its proof.

From the ledger alone. Raises ``LedgerError`` where it cannot be read.
"""

from __future__ import annotations

from typing import Literal

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.capability import MEANING, RESTS_ON, Capability, unproven
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import Ledger


class CapabilityView(Value):
    """One capability; ``at`` and ``evidence`` of the newest look, empty where nobody looked."""

    capability: Capability
    state: Literal["proven", "failed", "not proven"]
    meaning: str
    evidence: str = ""
    who: str = ""
    at: UtcTime | None = None


def capabilities(ledger: Ledger, organization: str) -> tuple[CapabilityView, ...]:
    """Every capability, in the order of the table."""
    seen = ledger.capabilities(organization)
    found = []
    for one in Capability:
        look = seen.get(one)
        if look is None:
            found.append(CapabilityView(capability=one, state="not proven", meaning=MEANING[one]))
            continue
        found.append(
            CapabilityView(
                capability=one,
                state="proven" if look.proven else "failed",
                meaning=MEANING[one],
                evidence=look.evidence,
                who=look.who,
                at=look.at,
            )
        )
    return tuple(found)


def proven(ledger: Ledger, organization: str) -> frozenset[Capability]:
    """What the newest look of each proved."""
    return frozenset(one for one, look in ledger.capabilities(organization).items() if look.proven)


def rests_on_unproven(ledger: Ledger, organization: str) -> dict[Verb, frozenset[Capability]]:
    """The verbs that rest on something that is not proven, with what that is; the others are left out."""
    known = proven(ledger, organization)
    found = {verb: unproven(verb, known) for verb in RESTS_ON}
    return {verb: missing for verb, missing in found.items() if missing}
