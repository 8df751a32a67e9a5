"""The body of ``detect_outages``: one pass over every source, with request timeouts."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pro2.accounts import open_account, open_dashboard, open_ledger, who_acts
from pro2.notifying import tell
from pro2.organization import named, open_site
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError

log = logging.getLogger("pro2.detection")
MODE_VARIABLE = "PRO2_RECONCILIATION_DETECT_MODE"
"""Which mode a dag run started by detection gets; ask by default (docs/configuration.md)."""
RECONCILE = "reconcile"
BACKLOG_SECONDS, SNAPSHOT_SECONDS = 15, 45
"""With the 90 of the sources and the 10 of notifications below the ``execution_timeout``; what hangs is left."""


def detect(context: Any) -> list[dict[str, Any]]:
    """One pass over every source; returns the dag runs to start, as arguments of TriggerDagRunOperator."""
    from pro2_reconciliation.domain.localtime import local
    from pro2_reconciliation.domain.words import Mode, Service
    from pro2_reconciliation.ledger import Stage
    from pro2_reconciliation.repair.detection import detect as one_pass
    from pro2_reconciliation.repair.follow_ups import follow_ups, tell_late
    from pro2_reconciliation.repair.snapshot import at_risk

    site, ledger, now = open_site(), open_ledger(create=True), datetime.now(UTC)
    mode = _mode(os.environ.get(MODE_VARIABLE) or Mode.ASK.value)
    dropped: list[str] = []
    result = one_pass(
        ledger, site, _sources(site, ledger, dropped), now=now, backlog=lambda: _backlog(context, dropped)
    )
    for sentence in (*result.unread, *dropped):
        log.warning("A source could not be read: %s", sentence)
    for sample in result.samples:
        seen = "up" if sample.up else "down"
        log.info("Probe %s of %s: %s (%s)", sample.probe, sample.service.value, seen, sample.detail)
    for outage in result.outages:
        log.info(
            "Outage %s of %s: %s to %s, %s%s",
            outage.id,
            outage.service.value,
            local(outage.start, site.zone),
            local(outage.end, site.zone) if outage.end else "now",
            outage.state.value,
            ", only suspected" if outage.suspected else "",
        )
        for line in at_risk(ledger, site, outage, now):
            log.warning("At risk: %s", line)
    if not any(sample.service is Service.SENDING and not sample.up for sample in result.samples):
        _snapshot(context)
    has_ended = partial(_has_ended, context)
    left = follow_ups(ledger, site.organization, now, has_ended)
    tell_late(ledger, left)
    tell(lambda teller: teller.detected(), context=context)
    switch = ledger.switch(site.organization)
    if switch.stage is not Stage.OFF:
        if result.due or any(one.wanted for one in left):
            log.warning(
                "Nothing is started: the kill switch is «%s» (%s: %s)",
                switch.stage.value,
                switch.who,
                switch.why,
            )
        return []
    return [
        {
            "trigger_run_id": due.run_id,
            "conf": {"outage": due.outage_id, "mode": (Mode.PLAN if due.suspected else mode).value},
        }
        for due in (_started_anew(context, ledger, one, now) for one in result.due)
    ] + _gone_on(ledger, site, left, now, has_ended)


def _started_anew(context: Any, ledger: Any, due: Any, now: datetime) -> Any:
    """A run id is a claim, and a dag run that ended without a plan for its outage would hold it for ever."""
    from pro2_reconciliation.repair.detection import NO_PLAN, begun_anew

    if not _has_ended(context, due.run_id):
        return due
    again = begun_anew(ledger, due, now)
    log.warning(
        "Dag run %s %s for its outage; %s",
        due.run_id,
        NO_PLAN,
        "another one follows, a quarter of an hour after its start at the earliest; read the log of its first failure"
        if again.run_id == due.run_id
        else f"{again.run_id} is started",
    )
    return again


def _has_ended(context: Any, run_id: str) -> bool | None:
    """Whether a dag run of reconcile has ended, however; None: Airflow knows none of this id."""
    count = partial(context["ti"].get_dr_count, dag_id=named(RECONCILE), run_ids=[run_id])
    if count(states=["failed", "success"]):
        return True
    return False if count() else None


def _gone_on(ledger: Any, site: Any, left: Any, now: datetime, has_ended: Any) -> list[dict[str, Any]]:
    """The dag runs that go on where a plan ended, and that do not come about by themselves."""
    from pro2_reconciliation.repair.follow_ups import beginnings

    started = []
    for one in beginnings(ledger, site, left, now, has_ended):
        log.warning(
            "%d items of plan %s are gone on with in dag run %s: %s",
            len(one.keys),
            one.plan_hash,
            one.run_id,
            f"{one.instead_of} ended without a plan" if one.instead_of else "nothing else started it",
        )
        start = {"trigger_run_id": one.run_id, "conf": {"follow_up": one.plan_hash, "mode": "ask"}}
        started.append({**start, "run_after": one.after.isoformat()} if one.after else start)
    return started


def _sources(site: Any, ledger: Any, dropped: list[str]) -> Any:
    """The site's sources over Airflow's connections. What cannot be opened is named, and the others go on."""
    from pro2.hooks.factory import carrier_of
    from pro2_reconciliation.repair.sources import open_sources

    timeouts = {probe.url: probe.timeout_seconds for probe in site.sources.probes if probe.url}
    dashboard = None
    if site.sources.activity.enabled and site.jobs:
        try:
            dashboard = open_dashboard(patience=10)
        except ReconciliationError as error:
            dropped.append(f"activity: {error}")
    return open_sources(
        site, ledger, transport_of=lambda name: carrier_of(name, timeouts.get(name)), dashboard=dashboard
    )


def _mode(value: str) -> Any:
    from pro2_reconciliation.domain.words import Mode

    try:
        return Mode(value)
    except ValueError:
        raise ConfigurationError(f"{MODE_VARIABLE} is {value!r}; set it to plan, ask or auto") from None


def _backlog(context: Any, unread: list[str]) -> int:
    """Contacts that ActiveCampaign's bulk import still has to take in: while there are some, nothing has settled."""
    from pro2_reconciliation.repair.sources import in_time

    try:
        return in_time(open_account(who_acts(context)).contacts.import_backlog, BACKLOG_SECONDS)
    except ReconciliationError as error:
        unread.append(f"bulk import backlog: {error}")
        return 0


def _snapshot(context: Any) -> None:
    """Keep what is scheduled, for the day that it turns out to have become a draft or to be gone."""
    from pro2_reconciliation.repair.snapshot import scheduled_snapshot
    from pro2_reconciliation.repair.sources import in_time

    try:
        account = open_account(who_acts(context))
        scheduled = in_time(lambda: scheduled_snapshot(account), SNAPSHOT_SECONDS)
        account.ledger.add_snapshot(account.organization, scheduled)
    except ReconciliationError as error:
        log.warning("No snapshot was kept: %s", error)
