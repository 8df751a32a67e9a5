"""What an account was seen to do, for people: every capability with its state, its date and its proof.

From the ledger alone. Raises ``LedgerError`` where it cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.capability import MEANING, RESTS_ON, Capability, rests_on
from pro2_reconciliation.domain.words import CampaignStatus, Verb
from pro2_reconciliation.ledger import Ledger, Seen
from pro2_reconciliation.repair.actions import TAG_VERBS

WITHDRAWN = "withdrawn: "
"""How the evidence begins where a person took it back; anything else that is not proven, the account failed to do."""


class CapabilityView(Value):
    """One capability; ``at`` and ``evidence`` of the newest look, empty where nobody looked.

    ``carries``: the verbs that rest on it, which a person presses while it is not proven.
    """

    capability: Capability
    state: Literal["proven", "failed", "withdrawn", "not proven"]
    meaning: str
    carries: tuple[Verb, ...] = ()
    evidence: str = ""
    who: str = ""
    at: UtcTime | None = None


def capabilities(ledger: Ledger, organization: str) -> tuple[CapabilityView, ...]:
    """Every capability, in the order of the table."""
    seen = ledger.capabilities(organization)
    found = []
    for one in Capability:
        look = seen.get(one)
        carries = tuple(verb for verb, needed in RESTS_ON.items() if one in needed)
        if look is None:
            found.append(
                CapabilityView(capability=one, state="not proven", meaning=MEANING[one], carries=carries)
            )
            continue
        found.append(
            CapabilityView(
                capability=one,
                state=_state(look),
                meaning=MEANING[one],
                carries=carries,
                evidence=look.evidence,
                who=look.who,
                at=look.at,
            )
        )
    return tuple(found)


def _state(look: Seen) -> Literal["proven", "failed", "withdrawn"]:
    if look.proven:
        return "proven"
    return "withdrawn" if look.evidence.startswith(WITHDRAWN) else "failed"


def rests_on_unproven(ledger: Ledger, organization: str) -> dict[Verb, frozenset[Capability]]:
    """The verbs that rest on something that is not proven, with what that is; the others are left out."""
    known = ledger.proven(organization)
    return {verb: needed - known for verb, needed in RESTS_ON.items() if needed - known}


def pressed_by_a_person(ledger: Ledger, organization: str) -> str:
    """Which steps a person presses because of that, in words; empty where none is. A tag is then written by nobody.

    A stop or a copy that rests on several things may still be ours: each step looks what it needs.
    """
    known = ledger.proven(organization)
    left = rests_on_unproven(ledger, organization)
    pressed = [
        verb.value.replace("_", " ")
        + (f" (only what needs {_names(missing)})" if _in_part(verb, known) else "")
        for verb, missing in left.items()
        if verb not in TAG_VERBS
    ]
    return ", ".join([*pressed, *(["and no tag is written"] if left.keys() & TAG_VERBS else [])])


def _in_part(verb: Verb, known: frozenset[Capability]) -> bool:
    """Whether some steps of this verb do without what is missing: by the campaign's status, or its segment."""
    return any(
        rests_on(verb, status=status, segment=segment) <= known
        for status in (CampaignStatus.SCHEDULED, CampaignStatus.SENDING)
        for segment in ("0", "1")
    )


def _names(some: Iterable[Capability]) -> str:
    return ", ".join(sorted(some))
