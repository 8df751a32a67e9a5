"""Check the catalog against the runs of the last weeks, once a night: what ``catching_up`` compares, read and excused.

In: an account. Out: a ``CatalogCheck``; where the Activity Log cannot be read it says why, and nothing fails. Reads
only. Known outages and maintenance excuse every job, whatever services it needs: a finding may wait a night.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pro2_reconciliation.domain.catching_up import CatalogCheck, catch_up
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.jobs import ActivityLog
from pro2_reconciliation.domain.learning_lesson import Span
from pro2_reconciliation.domain.maintenance import spans
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.drift import TAG_PREFIX
from pro2_reconciliation.repair.inventory import HISTORY


def check_catalog(account: Account) -> CatalogCheck:
    """What the runs of the last weeks say of ``jobs.yaml`` (rule R5)."""
    now = account.now()
    start = now - HISTORY
    try:
        log = account.dashboard.activity(start, now)
    except RequestError as error:
        return CatalogCheck(unread=f"the Activity Log could not be read ({error})")
    if not log.rows:  # without a catalog there is nothing to compare either
        return CatalogCheck(
            unread="the Activity Log shows no run" if account.site.jobs else "", as_of=log.as_of
        )
    whole = log if log.whole_from is not None else log.model_copy(update={"whole_from": start})
    return catch_up(
        account.organization,
        account.zone,
        account.site.jobs,
        _without_ours(whole),
        [*_outages(account, now), *_maintenance(account, start, now)],
    )


def _without_ours(log: ActivityLog) -> ActivityLog:
    """The imports of our repairs belong to no job of the catalog."""
    rows = tuple(row for row in log.rows if not (row.tag or "").startswith(TAG_PREFIX))
    return log.model_copy(update={"rows": rows})


def _outages(account: Account, now: datetime) -> Iterator[Span]:
    for outage in account.ledger.outages(account.organization):
        yield outage.start, outage.end or now


def _maintenance(account: Account, start: datetime, now: datetime) -> list[Span]:
    return spans(account.site.sources.maintenance, list(Service), account.zone, start, now)
