"""One organization's account as the repair sees it: ports, ledger, site and clock, handed to every function.

Nothing else in this layer knows where these come from: Airflow's hooks fill it on a worker, a test fills it with
the sandbox and a clock of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReport
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.ports import Campaigns, Clock, Contacts, Dashboard, Lists
from pro2_reconciliation.domain.words import CampaignStatus, Verb
from pro2_reconciliation.ledger import Ledger


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Account:
    """``owner`` names who acts (dag run, task, host), for leases and for people who read the ledger.

    ``read_only`` is the sentence that names a read-only connection, or None when mutating requests may leave.
    ``manual`` are the verbs that a person presses, because there is no API for them (ADR 0007).
    """

    site: Site
    campaigns: Campaigns
    contacts: Contacts
    dashboard: Dashboard
    lists: Lists
    ledger: Ledger
    clock: Clock
    owner: str
    read_only: str | None = None
    manual: frozenset[Verb] = frozenset()

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
        """Why these verbs may not be done over read-only connections; None where no request would leave."""
        return self.read_only if set(verbs) - self.manual else None

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
