"""The world of one incident: its clock, its state, and the promise that whatever is due has happened.

Nothing runs in the background. :meth:`World.advance` is called before each request and carries out, in order, all
that was scripted for the time gone by; so a test that moves the clock by an hour sees an hour happen at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pro2_sandbox.agenda import Agenda
from pro2_sandbox.automations import Automations
from pro2_sandbox.campaigns import Campaigns
from pro2_sandbox.contacts import Contacts
from pro2_sandbox.effects import Effects
from pro2_sandbox.faults import Faults
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
        self.faults = Faults()
        self.effects = Effects()
        self.agenda = Agenda()
        self.contacts = Contacts(incident, self.t0, self.effects)
        self.automations = Automations(incident, self.t0, self.contacts, self.effects)
        self.campaigns = Campaigns(incident, self.t0, self.agenda, self.contacts, self.effects, self.down)
        self.work = Work(incident, self.t0, self.contacts, self.automations, self.effects)
        self.jobs = Jobs(incident, self.t0, self.agenda, self.effects, self.work, self.down)
        self.people = People(incident, self.t0, self.agenda, self.campaigns, self.jobs, self.effects)
        self.advance()

    def advance(self) -> datetime:
        """Let everything happen that is due by now, and answer what time it is."""
        self.now = max(self.now, self._clock().astimezone(UTC))
        self.agenda.carry_out(self.now)
        self.campaigns.settle(self.now)
        return self.now

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
