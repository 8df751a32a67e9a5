"""The bodies of ``detect_outages`` and ``guard_repairs``: one pass each, with request timeouts."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from pro2.accounts import open_account, open_ledger, open_site, who_acts
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError

log = logging.getLogger("pro2.detection")
MODE_VARIABLE = "PRO2_RECONCILIATION_DETECT_MODE"
"""Which mode a dag run started by detection gets; ask by default (docs/configuration.md)."""

IMPACTS = ("none", "maintenance", "minor", "major", "critical")
"""Statuspage's impacts, mildest first."""


def detect(context: Any) -> list[dict[str, Any]]:
    """One pass over every source; returns the dag runs to start, as arguments of TriggerDagRunOperator."""
    from pro2_reconciliation.domain.localtime import local
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.ledger import Stage
    from pro2_reconciliation.repair.detection import detection_pass

    site, ledger = open_site(), open_ledger()
    mode = _mode(os.environ.get(MODE_VARIABLE) or Mode.ASK.value)
    jobs: list[tuple[Any, Any]] = [
        *((_read_feed, feed) for feed in site.sources.feeds),
        *((_probe, probe) for probe in site.sources.probes),
    ]
    evidence: list[Any] = []
    probes: list[Any] = []
    unread: list[str] = []
    with ThreadPoolExecutor(max_workers=max(len(jobs), 1)) as pool:
        for future, (_, source) in zip([pool.submit(read, s) for read, s in jobs], jobs, strict=True):
            try:
                found = future.result()
            except ReconciliationError as error:
                unread.append(f"{source.connection}: {error}")
                continue
            (evidence.extend if isinstance(found, list) else probes.append)(found)
    now = datetime.now(UTC)
    backlog = _backlog(context, unread) if probes and all(probe.up for probe in probes) else 0
    result = detection_pass(ledger, site, evidence, probes, now=now, unread=unread, backlog=backlog)
    for sentence in result.unread:
        log.warning("A source could not be read: %s", sentence)
    for probe in probes:
        log.info("Probe of %s: %s%s", probe.service.value, "up" if probe.up else "down", f" ({probe.detail})")
    for outage in result.outages:
        end = local(outage.end, site.zone) if outage.end else "now"
        log.info(
            "Outage %s of %s: %s to %s, %s",
            outage.id,
            outage.service.value,
            local(outage.start, site.zone),
            end,
            outage.state.value,
        )
    if probes and all(probe.up for probe in probes):
        _snapshot(context)
    switch = ledger.switch(site.organization)
    if switch.stage is not Stage.OFF and result.due:
        log.warning(
            "Nothing is started: the kill switch is «%s» (%s: %s)", switch.stage.value, switch.who, switch.why
        )
        return []
    return [
        {"trigger_run_id": due.run_id, "conf": {"outage": due.outage_id, "mode": mode.value}}
        for due in result.due
    ]


def _mode(value: str) -> Any:
    from pro2_reconciliation.domain.words import Mode

    try:
        return Mode(value)
    except ValueError:
        raise ConfigurationError(f"{MODE_VARIABLE} is {value!r}; set it to plan, ask or auto") from None


def _read_feed(feed: Any) -> Any:
    from pro2.hooks.status_feed import StatusFeedHook
    from pro2_reconciliation.wire.exchange import drive
    from pro2_reconciliation.wire.patience import Patient
    from pro2_reconciliation.wire.statuspage import evidence

    hook = StatusFeedHook(feed.connection)
    exchange = evidence(
        hook.path,
        feed.service,
        feed.connection,
        components=tuple(feed.components),
        ignored_impacts=frozenset(IMPACTS[: IMPACTS.index(feed.min_impact)]),
    )
    return drive(exchange, Patient(hook, patience=10).carry)


def _probe(probe: Any) -> Any:
    from pro2.hooks.pro2 import Pro2Hook
    from pro2_reconciliation.repair.detection import ProbeResult
    from pro2_reconciliation.wire.exchange import drive
    from pro2_reconciliation.wire.probe import probe as look

    hook = Pro2Hook(probe.connection)
    seen = drive(look(), hook.carry)
    if seen.up is None:
        raise ReconciliationError(f"the probe says nothing: {seen.reason}")
    return ProbeResult(service=probe.service, up=seen.up, at=datetime.now(UTC), detail=seen.reason)


def _backlog(context: Any, unread: list[str]) -> int:
    """Contacts that ActiveCampaign's bulk import still has to take in: while there are some, nothing has settled."""
    try:
        return open_account(who_acts(context)).contacts.import_backlog()
    except ReconciliationError as error:
        unread.append(f"bulk import backlog: {error}")
        return 0


def _snapshot(context: Any) -> None:
    """Keep what is scheduled, for the day that it turns out to have become a draft or to be gone."""
    from pro2_reconciliation.repair.inventory import scheduled_snapshot

    try:
        account = open_account(who_acts(context))
        account.ledger.add_snapshot(account.organization, scheduled_snapshot(account))
    except ReconciliationError as error:
        log.warning("No snapshot was kept: %s", error)


def guard(context: Any) -> dict[str, Any]:
    """One pass over every original that was repaired; raises when an original woke, so that it is seen."""
    from pro2_reconciliation.repair.guard import guard_pass

    result = guard_pass(open_account(who_acts(context)))
    for sentence in result.unread:
        log.warning("An original could not be read: %s", sentence)
    log.info("%d originals were watched", result.watched)
    if result.alarms:
        for sentence in result.alarms:
            log.error("ALARM: %s", sentence)
        raise ReconciliationError("; ".join(result.alarms))
    return result.model_dump(mode="json")
