"""What makes us trusted: verdicts on proposals that nobody carried out, and what an account was seen to do.

A verdict is written once and never changed: what was judged later by more knowledge would be hindsight. A capability
is a row for each look, and the newest counts, since an account may change; a step's look is as old as its intent, so
one that was under way when a person withdrew what it rests on does not bring that back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.shadow import After, Verdict
from pro2_reconciliation.domain.words import Remedy
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.trust_tables import CapabilityRow, ShadowRow

_KNOWN = {one.value: one for one in Capability}


@dataclass(frozen=True)
class ShadowRecord:
    """A judged proposal. ``setting``: what would have made another proposal, in words; empty where nothing would."""

    item_key: str
    remedy: Remedy
    name: str
    rule: str
    plan_hash: str
    proposed_at: datetime
    verdict: Verdict
    happened: After
    why: str
    setting: str
    judged_at: datetime


@dataclass(frozen=True)
class Seen:
    """What an account was seen to do (``proven``) or not to do, and by what that was seen."""

    capability: Capability
    proven: bool
    evidence: str
    who: str
    plan_hash: str
    at: datetime


class TrustPart(Core):
    """Verdicts and capabilities of an organization."""

    def save_verdicts(self, organization: str, verdicts: Iterable[ShadowRecord]) -> None:
        """Write verdicts; one that stands stays as it is."""
        with self._write() as session:
            for one in verdicts:
                row = ShadowRow(organization=organization, **asdict(one))
                row.remedy, row.verdict, row.happened = (
                    one.remedy.value,
                    one.verdict.value,
                    one.happened.value,
                )
                if session.get(ShadowRow, (organization, one.item_key, one.remedy.value)) is None:
                    try:
                        with session.begin_nested():
                            session.add(row)
                    except IntegrityError:
                        pass  # another process judged it meanwhile

    def verdicts(self, organization: str, since: datetime | None = None) -> list[ShadowRecord]:
        """The verdicts, oldest first; with ``since`` those that were made at or after it."""
        query = select(ShadowRow).where(ShadowRow.organization == organization)
        if since is not None:
            query = query.where(ShadowRow.judged_at >= since)
        with self._read() as session:
            rows = session.scalars(query.order_by(ShadowRow.judged_at, ShadowRow.item_key, ShadowRow.remedy))
            return [_verdict(row) for row in rows]

    def note_capabilities(
        self, organization: str, looks: Iterable[Seen], *, while_proven: bool = False
    ) -> None:
        """Append what was seen. ``while_proven``: only of what is proven now, so that nothing becomes so by it.

        Anything else is the newest from now on, whatever the clock of another host had said.
        """
        with self._write() as session:
            known = self._newest(session, organization)
            for one in looks:
                before = known.get(one.capability)
                if while_proven and (before is None or not before.proven):
                    continue
                row = CapabilityRow(organization=organization, **asdict(one))
                row.capability = one.capability.value
                if before is not None and not while_proven:
                    row.at = max(one.at, before.at)
                session.add(row)

    def capabilities(self, organization: str) -> dict[Capability, Seen]:
        """The newest look at each capability that was looked at; names of newer software are left out."""
        with self._read() as session:
            return self._newest(session, organization)

    def proven(self, organization: str) -> frozenset[Capability]:
        """What the newest look of each proved."""
        return frozenset(one for one, look in self.capabilities(organization).items() if look.proven)

    @staticmethod
    def _newest(session: Session, organization: str) -> dict[Capability, Seen]:
        query = select(CapabilityRow).where(CapabilityRow.organization == organization)
        return {
            _KNOWN[row.capability]: Seen(
                _KNOWN[row.capability], row.proven, row.evidence, row.who, row.plan_hash, row.at
            )
            for row in session.scalars(query.order_by(CapabilityRow.at, CapabilityRow.id))
            if row.capability in _KNOWN
        }


def _verdict(row: ShadowRow) -> ShadowRecord:
    return ShadowRecord(
        item_key=row.item_key,
        remedy=Remedy(row.remedy),
        name=row.name,
        rule=row.rule,
        plan_hash=row.plan_hash,
        proposed_at=row.proposed_at,
        verdict=Verdict(row.verdict),
        happened=After(row.happened),
        why=row.why,
        setting=row.setting,
        judged_at=row.judged_at,
    )
