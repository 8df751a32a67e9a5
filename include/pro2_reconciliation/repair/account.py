"""One organization's account as the repair sees it: ports, ledger, site and clock, handed to every function.

Nothing else in this layer knows where these come from: Airflow's hooks fill it on a worker, a test fills it with
the sandbox and a clock of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReport
from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import LedgerError, NeverSent, RequestError
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.ports import Campaigns, Clock, Contacts, Dashboard, Lists
from pro2_reconciliation.domain.words import CampaignStatus, Verb
from pro2_reconciliation.ledger import Ledger, Witness, remember, why_plan_only
from pro2_reconciliation.repair.progress import Progress, Silent


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Account:
    """``owner`` names who acts (dag run, task, host), for leases and for people who read the ledger.

    ``read_only``: the verbs whose requests may not leave, with the sentence that names the read-only connection.
    ``manual`` are the verbs that a person presses, because there is no API for them (ADR 0007).
    ``only_proven``: whatever rests on what the ledger does not call proven is pressed by a person as well (ADR 0014).
    ``witness`` remembers outside of the ledger which one it is (ADR 0009); None: its adoption decides alone.
    ``progress`` is told how far long work is.
    """

    site: Site
    campaigns: Campaigns
    contacts: Contacts
    dashboard: Dashboard
    lists: Lists
    ledger: Ledger
    clock: Clock
    owner: str
    read_only: Mapping[Verb, str] = field(default_factory=dict)
    manual: frozenset[Verb] = frozenset()
    only_proven: bool = False
    witness: Witness | None = None
    progress: Progress = field(default_factory=Silent)

    @property
    def organization(self) -> str:
        return self.site.organization

    @property
    def zone(self) -> str:
        return self.site.zone

    @property
    def policy(self) -> Policy:
        return self.site.policy

    def now(self) -> datetime:
        return self.clock.now()

    def refusal_of(self, verbs: Iterable[Verb]) -> str | None:
        """Why one of these verbs may not be done over its connection; None where all may, or a person does them."""
        return next((self.read_only[v] for v in verbs if v in self.read_only and v not in self.manual), None)

    def proven(self) -> frozenset[Capability]:
        """What this account may be taken to do, as the ledger says now."""
        return self.ledger.proven(self.organization) if self.only_proven else frozenset(Capability)

    def plan_only(self) -> str | None:
        """Why this ledger allows plans only (invariant 10), with the next step; None where it may be acted on."""
        return why_plan_only(self.ledger, self.witness, self.zone)

    def another_is_known(self) -> bool:
        """Whether the witness knows a ledger that is not this one; False where it cannot be asked."""
        try:
            seen = self.witness.read() if self.witness else None
        except LedgerError:
            return False
        return seen is not None and seen.uuid != self.ledger.identity.uuid

    def remember(self) -> None:
        """Let the witness know what the ledger holds; between an intent and its request.

        Raises ``NeverSent`` if it cannot, or if this ledger may not be acted on any more.
        """
        try:
            remember(self.ledger, self.witness, self.zone)
        except LedgerError as error:
            raise NeverSent(str(error)) from error

    def knows_job(self, item_id: str) -> bool:
        """Whether the job of an occurrence's id is (still) in the catalog."""
        return item_id.partition("@")[0] in self.site.jobs_by_id

    def campaign_of(self, campaign_id: str, known: Campaign | None = None) -> Campaign | None:
        """A fresh read of one campaign; where it cannot be read, what was ``known`` of it, as ``unreadable``.

        For inventory and plan, where the others go on. A step reads through the port and stops at the error.
        """
        try:
            return self.campaigns.get(campaign_id)
        except RequestError as error:
            known = known or Campaign(id=campaign_id, name=campaign_id, status=CampaignStatus.UNKNOWN)
            return known.model_copy(update={"status": CampaignStatus.UNKNOWN, "unreadable": str(error)})

    def report_of(self, campaign_id: str) -> CampaignReport | None:
        """The report of a campaign, None where it cannot be read: then nothing counts as zero."""
        try:
            return self.campaigns.report(campaign_id)
        except RequestError:
            return None
