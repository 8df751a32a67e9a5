"""The ports of the domain over any :class:`~pro2_reconciliation.wire.exchange.Transport`, synchronously.

Nothing here knows HTTP or Airflow: a hook, a test client or a fake carries the requests. Reads are repeated,
and mutating requests only where they surely did not land (:mod:`pro2_reconciliation.wire.patience`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from pro2_reconciliation.domain.campaigns import Automation, Campaign, CampaignReport
from pro2_reconciliation.domain.jobs import ActivityLog, Console
from pro2_reconciliation.domain.words import StopAnswer
from pro2_reconciliation.wire import automations, campaigns, contacts, dashboard, tessitura
from pro2_reconciliation.wire.exchange import Exchange, Transport, drive
from pro2_reconciliation.wire.patience import PATIENCE, Patient

T = TypeVar("T")


class _Port:
    """``patience``: seconds that the waits between tries of one request may take in all."""

    def __init__(
        self,
        transport: Transport,
        *,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self._patient = Patient(transport, sleep=sleep, patience=patience)

    def _drive(self, exchange: Exchange[T]) -> T:
        return drive(exchange, self._patient.carry)


class ActiveCampaignPort(_Port):
    """The ports ``Campaigns`` and ``Contacts`` of one account."""

    def scheduled_since(self, edge: datetime) -> list[Campaign]:
        return self._drive(campaigns.scheduled_since(edge))

    def get(self, campaign_id: str) -> Campaign | None:
        return self._drive(campaigns.get(campaign_id))

    def detailed(self, campaign_ids: Sequence[str]) -> dict[str, Campaign]:
        return self._drive(campaigns.detailed(campaign_ids))

    def newer_than(self, campaign_id: str) -> list[Campaign]:
        return self._drive(campaigns.newer_than(campaign_id))

    def report(self, campaign_id: str) -> CampaignReport:
        return self._drive(campaigns.report(campaign_id))

    def stop(self, campaign_id: str) -> None:
        self._drive(campaigns.stop(campaign_id))

    def copy(self, campaign_id: str) -> str:
        return self._drive(campaigns.copy(campaign_id))

    def send(self, campaign_id: str) -> None:
        self._drive(campaigns.send(campaign_id))

    def tag_id(self, tag: str) -> str | None:
        return self._drive(contacts.tag_id(tag))

    def holders(self, tag_id: str, each_page: Callable[[], object] = lambda: None) -> set[str]:
        return self._drive(contacts.holders(tag_id, each_page))

    def addresses(self, contact_ids: Collection[str], tag_id: str, holders: int) -> dict[str, str]:
        return self._drive(contacts.addresses(contact_ids, tag_id, holders))

    def members(self, list_id: str, most: int) -> dict[str, str]:
        return self._drive(contacts.members(list_id, most))

    def tags_beginning(self, prefix: str) -> list[str]:
        return self._drive(contacts.tags_beginning(prefix))

    def holder_count(self, tag_id: str) -> int:
        return self._drive(contacts.holder_count(tag_id))

    def add_tag(self, contact_id: str, tag_id: str, *, holding: str | None = None) -> bool:
        return self._drive(contacts.add_tag(contact_id, tag_id, holding=holding))

    def remove_tag(self, contact_id: str, tag_id: str, *, lacking: str | None = None) -> bool:
        return self._drive(contacts.remove_tag(contact_id, tag_id, lacking=lacking))

    def entries(self, automation_id: str, since: datetime, until: datetime) -> int:
        return self._drive(automations.entries(automation_id, since, until))

    def automations(self, start: datetime, end: datetime, lead: timedelta) -> list[Automation]:
        return self._drive(automations.automations(start, end, lead))

    def import_backlog(self) -> int:
        return self._drive(contacts.import_backlog())


class DashboardPort(_Port):
    """The port ``Dashboard`` of one organization."""

    def __init__(
        self,
        transport: Transport,
        organization: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(transport, sleep=sleep, patience=patience)
        self.organization = organization

    def activity(self, since: datetime, until: datetime) -> ActivityLog:
        return self._drive(dashboard.activity(self.organization, since, until))

    def console(self) -> Console:
        return self._drive(dashboard.console(self.organization))

    def stop_run(self, job_id: str) -> StopAnswer:
        return self._drive(dashboard.stop_run(self.organization, job_id))

    def run_now(self, job_id: str) -> None:
        self._drive(dashboard.run_now(self.organization, job_id))

    def repeat_import(self, job_id: str) -> None:
        self._drive(dashboard.repeat_import(self.organization, job_id))

    def import_list(self, list_id: str, tag: str, name: str) -> None:
        self._drive(dashboard.import_list(self.organization, list_id, tag, name))


class ListsPort(_Port):
    """The port ``Lists``: Tessitura's List Manager."""

    def generated_at(self, list_id: str) -> datetime | None:
        return self._drive(tessitura.generated_at(list_id))

    def size(self, list_id: str) -> int:
        return self._drive(tessitura.size(list_id))
