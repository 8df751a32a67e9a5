"""What the repair needs from the outside, as protocols; adapters stand in ``wire`` (HTTP) and in the plugins.

Every method may raise the errors of :mod:`pro2_reconciliation.domain.errors`: reads raise ``Refused``,
``Rejected`` or ``Unreadable`` (and ``NeverSent``), mutating calls may also raise ``Ambiguous``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from pro2_reconciliation.domain.campaigns import Automation, Campaign, CampaignReport
from pro2_reconciliation.domain.jobs import ActivityLog, Console
from pro2_reconciliation.domain.words import StopAnswer


class Clock(Protocol):
    """The only source of time: ``now`` is aware UTC, ``sleep`` waits that many seconds."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


class Campaigns(Protocol):
    """ActiveCampaign's campaigns: v3 for reads and copies, v1 for reports, stop and send."""

    def scheduled_since(self, edge: datetime) -> list[Campaign]:
        """Every campaign whose ``sdate`` is at or after ``edge`` (batched, newest first)."""
        ...

    def get(self, campaign_id: str) -> Campaign | None:
        """A fresh read of one campaign, None when it does not exist (404)."""
        ...

    def detailed(self, campaign_ids: Sequence[str]) -> dict[str, Campaign]:
        """The same campaigns with lists, messages, subject and source; absent ids are missing from the dict."""
        ...

    def newer_than(self, campaign_id: str) -> list[Campaign]:
        """Every campaign with a higher id, drafts included (v1 ``campaign_list``, ``id_greater``), detailed."""
        ...

    def report(self, campaign_id: str) -> CampaignReport:
        """The report totals of one campaign."""
        ...

    def stop(self, campaign_id: str) -> None: ...

    def copy(self, campaign_id: str) -> str:
        """Make a draft copy; returns the id of the new campaign."""
        ...

    def send(self, campaign_id: str) -> None:
        """Send now."""
        ...


class Contacts(Protocol):
    """Contacts, tags and automation entries. Ids and counts; addresses only for a drift's CSV."""

    def tag_id(self, tag: str) -> str | None:
        """The id of the contact tag of exactly this name."""
        ...

    def holders(self, tag_id: str, each_page: Callable[[], object] = lambda: None) -> set[str]:
        """Ids of the contacts that hold a tag (key-set paging); ``each_page`` is called before every page."""
        ...

    def holder_count(self, tag_id: str) -> int: ...

    def addresses(self, contact_ids: Collection[str], tag_id: str, holders: int) -> dict[str, str]:
        """The e-mail addresses of contacts that all hold a tag, which ``holders`` contacts hold in all."""
        ...

    def members(self, list_id: str, most: int) -> dict[str, str]:
        """Contact id to address of everybody on a list, whatever his status; ``Rejected`` if they are more than
        ``most``."""
        ...

    def tags_beginning(self, prefix: str) -> list[str]:
        """The names of the contact tags that begin so."""
        ...

    def add_tag(self, contact_id: str, tag_id: str, *, holding: str | None = None) -> bool:
        """Give a contact a tag that it lacks, while it holds the tag ``holding``; whether that was written."""
        ...

    def remove_tag(self, contact_id: str, tag_id: str, *, lacking: str | None = None) -> bool:
        """Take a tag that a contact holds, while it lacks the tag ``lacking``; whether that was written."""
        ...

    def entries(self, automation_id: str, since: datetime, until: datetime) -> int:
        """How many contacts entered an automation in [since, until)."""
        ...

    def automations(self, start: datetime, end: datetime, lead: timedelta) -> list[Automation]:
        """Active automations with contacts that entered in [start, end), or made no step since; ``lead``: shortly."""
        ...

    def import_backlog(self) -> int:
        """Contacts that still wait in ActiveCampaign's bulk import."""
        ...


class Activity(Protocol):
    def activity(self, since: datetime, until: datetime) -> ActivityLog: ...

    def console(self) -> Console: ...


class JobActions(Protocol):
    def stop_run(self, job_id: str) -> StopAnswer: ...

    def run_now(self, job_id: str) -> None: ...

    def repeat_import(self, job_id: str) -> None: ...

    def import_list(self, list_id: str, tag: str, name: str) -> None:
        """Start an integrated import of a List Manager list under a (unique) tag."""
        ...


class Dashboard(Activity, JobActions, Protocol):
    """The Integrated Dashboard, read and pressed."""


class Lists(Protocol):
    """Tessitura's List Manager, read only."""

    def generated_at(self, list_id: str) -> datetime | None: ...

    def size(self, list_id: str) -> int: ...


def chunks(ids: Iterable[str], size: int) -> Iterable[list[str]]:
    """Split ids into lists of at most ``size``."""
    batch: list[str] = []
    for one in ids:
        batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
