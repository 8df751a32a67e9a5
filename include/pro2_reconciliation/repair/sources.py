"""The sources of a site, each a small class behind one interface, read at the same time with one time budget.

A source says what it saw: claims, samples, or both. One that fails, or is not done in time, is named and says
nothing; detection goes on with the others, so that a hung server cannot hide an outage that another one shows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError, Unreadable
from pro2_reconciliation.domain.inference import ACTIVITY, infer, marks_of
from pro2_reconciliation.domain.maintenance import excuse
from pro2_reconciliation.domain.outage import Evidence
from pro2_reconciliation.domain.ports import Activity
from pro2_reconciliation.domain.schedule import occurrences
from pro2_reconciliation.domain.sources import Feed, Probe
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.wire.exchange import Transport, drive
from pro2_reconciliation.wire.patience import Patient
from pro2_reconciliation.wire.probe import plain_probe, probe, request_for
from pro2_reconciliation.wire.statuspage import published

T = TypeVar("T")
DECLARED = "declared"
PATIENCE = 5.0
"""Seconds that the waits between tries of one source may take: one dropped connection is no outage."""
BUDGET = 90.0
"""Seconds that all sources together get; below the task's ``execution_timeout``."""


class ProbeResult(Value):
    """One look at a service: up or down, and why. ``probe`` names who looked."""

    service: Service
    up: bool
    at: UtcTime
    detail: str = ""
    probe: str = ""


Part = tuple[str, Service]
"""The claims of one source about one service."""


@dataclass(frozen=True)
class Reading:
    """What one source says at one pass. Of each part in ``whole`` every claim that still stands is in it."""

    evidence: tuple[Evidence, ...] = ()
    samples: tuple[ProbeResult, ...] = ()
    whole: frozenset[Part] = frozenset()


@dataclass
class Readings:
    """What all sources say, and a sentence for each that could not be read."""

    evidence: list[Evidence] = field(default_factory=list)
    samples: list[ProbeResult] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    whole: set[Part] = field(default_factory=set)


class Source(Protocol):
    """``read`` raises a ``ReconciliationError`` when the source cannot say anything."""

    @property
    def name(self) -> str: ...

    def read(self, now: datetime) -> Reading: ...


@dataclass(frozen=True)
class FeedSource:
    """A status page. Its claims do not confirm: the page is somebody else's, and it lags."""

    feed: Feed
    transport: Transport
    sleep: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        return self.feed.connection

    def read(self, now: datetime) -> Reading:
        carry = Patient(self.transport, patience=PATIENCE, sleep=self.sleep).carry
        claims = tuple(drive(published(self.feed), carry))
        return Reading(claims, whole=frozenset({(self.feed.connection, self.feed.service)}))


@dataclass(frozen=True)
class ProbeSource:
    """Our own look. What our own key or configuration spoils is no sample."""

    probe: Probe
    organization: str
    transport: Transport
    sleep: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        return self.probe.address

    def read(self, now: datetime) -> Reading:
        carry = Patient(self.transport, patience=PATIENCE, sleep=self.sleep).carry
        if self.probe.url is not None:
            look = plain_probe(self.probe.expected_status)
        else:
            look = probe(request_for(self.probe.service, self.organization))
        seen = drive(look, carry)
        if seen.up is None:
            raise ConfigurationError(f"the probe says nothing: {seen.reason}")
        sample = ProbeResult(
            service=self.probe.service, up=seen.up, at=now, detail=seen.reason, probe=self.probe.address
        )
        return Reading(samples=(sample,))


@dataclass(frozen=True)
class ActivitySource:
    """Outages inferred from jobs that fail or do not start, in a row (ADR 0005)."""

    site: Site
    ledger: Ledger
    dashboard: Activity
    name: str = ACTIVITY

    def read(self, now: datetime) -> Reading:
        rules, known = self.site.sources.activity, self.site.sources.maintenance
        since = self._since(now)
        jobs = self.site.jobs_by_id
        found = [one for job in self.site.jobs for one in occurrences(job, since, now)]
        due = excuse(found, jobs, known, self.site.zone)
        if not due:
            return Reading()
        log = self.dashboard.activity(since - timedelta(hours=1), now)
        claims = tuple(infer(marks_of(due, log, jobs), rules, log.as_of))
        return Reading(claims, whole=_all_of(ACTIVITY) if log.rows else frozenset())

    def _since(self, now: datetime) -> datetime:
        """Far enough back to see an outage that lasts from its beginning, and what went well before it."""
        outages = self.ledger.outages(self.site.organization)
        claims = [claim for outage in outages for claim in outage.evidence]
        lasting = [claim.start for claim in claims if claim.source == ACTIVITY and claim.end is None]
        return min([now, *lasting]) - timedelta(hours=self.site.sources.activity.lookback_hours)


@dataclass(frozen=True)
class DeclaredSource:
    """What people vouch for: in ``sources.yaml``, and in the ledger (the desk, the form)."""

    site: Site
    ledger: Ledger
    name: str = DECLARED

    def read(self, now: datetime) -> Reading:
        written = [
            Evidence(
                source=DECLARED,
                key=f"{entry.service.value}@{entry.start.isoformat()}",
                service=entry.service,
                start=entry.start,
                end=entry.end,
                detail=entry.reason,
                declared=True,
            )
            for entry in self.site.sources.declared
        ]
        said = (one.evidence for one in self.ledger.declarations(self.site.organization))
        return Reading((*written, *said), whole=_all_of(DECLARED))


def open_sources(
    site: Site,
    ledger: Ledger,
    *,
    transport_of: Callable[[str], Transport],
    dashboard: Activity | None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Source]:
    """Every source of a site. ``transport_of`` carries requests of a connection id, or of a probe's url.

    A connection that cannot be opened becomes a source that says so. Without a ``dashboard`` nothing is inferred.
    ``sleep`` waits between two tries.
    """

    def feed_source(feed: Feed) -> Source:
        return FeedSource(feed, transport_of(feed.connection), sleep)

    def probe_source(one: Probe) -> Source:
        return ProbeSource(one, site.organization, transport_of(one.address), sleep)

    found: list[Source] = [DeclaredSource(site, ledger)]
    found += [_opened(feed.connection, partial(feed_source, feed)) for feed in site.sources.feeds]
    found += [_opened(one.address, partial(probe_source, one)) for one in site.sources.probes]
    if site.sources.activity.enabled and dashboard is not None:
        found.append(ActivitySource(site, ledger, dashboard))
    return found


def read_all(sources: Sequence[Source], now: datetime, *, budget: float = BUDGET) -> Readings:
    """What the sources say; one that fails, or takes more than ``budget`` seconds in all, is named as unread."""
    waiting = [_begun(partial(source.read, now)) for source in sources]
    deadline = time.monotonic() + budget
    found = Readings()
    for source, answer in zip(sources, waiting, strict=True):
        try:
            reading = answer.result(max(0.0, deadline - time.monotonic()))
        except Exception as error:
            said = str(error) if answer.done() else f"no answer within {budget:g} s"
            found.unread.append(f"{source.name}: {said}")
            continue
        found.evidence += reading.evidence
        found.samples += reading.samples
        found.whole |= reading.whole
    return found


def in_time(work: Callable[[], T], budget: float) -> T:
    """Do it, but go on without it after ``budget`` seconds: then ``Unreadable``. Its own errors are passed on."""
    answer = _begun(work)
    try:
        return answer.result(budget)
    except TimeoutError:
        if answer.done():
            raise
        raise Unreadable(f"no answer within {budget:g} s") from None


def _begun(work: Callable[[], T]) -> Future[T]:
    """In a thread of its own that nobody waits for at the end: an executor would join a hung one."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer


def _all_of(source: str) -> frozenset[Part]:
    return frozenset((source, service) for service in Service)


@dataclass(frozen=True)
class _Broken:
    """A source that could not even be opened."""

    name: str
    error: ReconciliationError

    def read(self, now: datetime) -> Reading:
        raise self.error


def _opened(name: str, make: Callable[[], Source]) -> Source:
    try:
        return make()
    except ReconciliationError as error:
        return _Broken(name, error)
