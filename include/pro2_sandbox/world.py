"""The world of one incident: its clock, its state, and the promise that whatever is due has happened.

Nothing runs in the background. :meth:`World.advance` is called before each request and carries out, in order, all
that was scripted for the time gone by; so a test that moves the clock by an hour sees an hour happen at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from pro2_sandbox.agenda import Agenda
from pro2_sandbox.automations import Automations
from pro2_sandbox.campaigns import Campaigns
from pro2_sandbox.contacts import Contacts
from pro2_sandbox.effects import Effects
from pro2_sandbox.faults import Fault, Faults
from pro2_sandbox.history import History
from pro2_sandbox.incident import Incident
from pro2_sandbox.jobs import Jobs
from pro2_sandbox.limits import RateLimit
from pro2_sandbox.people import People
from pro2_sandbox.work import Work


def wall_clock() -> datetime:
    return datetime.now(UTC)


class World:
    """The state of a sandbox. ``clock`` gives aware UTC times that never go back; T0 is its first answer.

    ``rate_limit`` is in requests per second over v3 and v1 together; None switches it off.
    """

    def __init__(
        self, incident: Incident, clock: Callable[[], datetime] = wall_clock, rate_limit: int | None = 5
    ) -> None:
        self.incident = incident
        self._clock = clock
        self.t0 = self.now = clock().astimezone(UTC)
        self.zone = ZoneInfo(incident.zone)
        self.limit = RateLimit(rate_limit)
        self.faults = Faults(self._at_once)
        self.history = History()
        self.effects = Effects()
        self.agenda = Agenda()
        self.contacts = Contacts(incident, self.t0, self.effects)
        self.automations = Automations(incident, self.t0, self.contacts, self.effects)
        self.campaigns = Campaigns(
            incident, self.t0, self.agenda, self.contacts, self.effects, self.faults, self.down
        )
        self.work = Work(incident, self.t0, self.contacts, self.automations, self.effects)
        self.jobs = Jobs(incident, self.t0, self.agenda, self.effects, self.work, self.down)
        self.people = People(incident, self.t0, self.agenda, self.campaigns, self.jobs, self.effects)
        for fault in incident.faults:
            self.agenda.at(self.t0 + fault.at, partial(self._begin, fault))
        self.advance()

    def advance(self, until: datetime | None = None) -> datetime:
        """Let everything happen that is due by now (``until``, if that is earlier); answers what time it is."""
        self.history.keep(self.now, self.campaigns.all)
        clock = self._clock().astimezone(UTC)
        self.now = max(self.now, clock if until is None else min(clock, until))
        self.agenda.carry_out(self.now)
        self.campaigns.settle(self.now)
        self.history.keep(self.now, self.campaigns.all)
        return self.now

    @contextmanager
    def as_of(self, seconds: float) -> Iterator[None]:
        """Campaigns and runs as they were so long ago, for a read; contacts are as they are."""
        now, campaigns = self.now, self.campaigns.all
        self.now = now - timedelta(seconds=seconds)
        self.campaigns.all = self.history.at(self.now)
        try:
            yield
        finally:
            self.now, self.campaigns.all = now, campaigns

    def well_again(self) -> None:
        """Nothing goes wrong any more; what was held for review goes out."""
        self.faults.clear()
        self.campaigns.release(self.now)

    def _begin(self, fault: Fault, at: datetime) -> None:
        self.faults.add(fault)

    def _at_once(self, fault: Fault) -> None:
        """The account itself misbehaves, now or in a while."""
        at = self.now + timedelta(seconds=fault.delay)
        if fault.kind == "restore":
            self.campaigns.restore(self.now)
        elif fault.item is not None and int(fault.item) in self.campaigns.all:
            self.campaigns.wake(self.campaigns.all[int(fault.item)], at)

    def down(self, service: str, at: datetime | None = None) -> bool:
        """Whether the work of a service stands still at a moment (now)."""
        return self._out(service, self.now if at is None else at, answering=True)

    def silent(self, service: str) -> bool:
        """Whether a service does not even answer requests now."""
        return self._out(service, self.now, answering=False)

    def _out(self, service: str, moment: datetime, *, answering: bool) -> bool:
        since = moment - self.t0
        return any(
            service in outage.services
            and outage.start <= since
            and (outage.end is None or since < outage.end)
            and (answering or not outage.answers)
            for outage in self.incident.outages
        ) or any(
            service in work.services and work.down and work.start <= since < work.end
            for work in self.incident.maintenance
        )
