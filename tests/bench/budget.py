"""How many requests one whole reconciliation makes, against a floor, and against one sensor per item.

The code of Airflow's tasks runs in process against the sandbox; every request to Pro2 takes a permit of the product's
own pacer, on the clock of the incident, and the sandbox measures the rate. The floor is worked out from the incident
and from what was done (:mod:`tests.bench.floor`), not from what the client asked for.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from tests.bench import floor
from tests.bench.crowd import crowd
from tests.bench.table import Row, at_least, at_most
from tests.incident.harness import Carrier, Evening

from pro2.hooks.pacing import Pacer
from pro2.hooks.permits import DatabasePermits
from pro2_reconciliation.repair import reconcile as whole
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_sandbox import Incident

CAMPAIGNS, OCCURRENCES, UNSETTLED = 1000, 1000, 400
MOST_OVER_FLOOR, LEAST_FEWER = 1.2, 50.0
PACE_MS, PER_SECOND = 270, 5
PHASES = ("take_inventory", "watch", "build_plan", "clear", "run_lanes", "settle_waiting", "keep_open_items")
GUARD = "guard_repairs"


class Paced(Carrier):
    """Carries a request of the account once the pacer lets it leave, and notes who sent it, and when."""

    def __init__(self, plain: Carrier, evening: Counting, pacer: Pacer | None = None) -> None:
        super().__init__(plain.sandbox, plain.headers)
        self.evening, self.pacer = evening, pacer
        self.sent: list[tuple[str, datetime, Request]] = []

    def carry(self, request: Request) -> Reply:
        if self.pacer is not None:
            self.pacer.wait()
        self.sent.append((self.evening.phase, self.evening.clock.at, request))
        return super().carry(request)


class Counting(Evening):
    """An evening whose requests are counted by the part of the reconciliation that sent them.

    ``permits``: the database in which the permits of every account on this host stand; none: one of its own.
    """

    def __init__(self, folder: Path, incident: Incident, permits: Path | None = None) -> None:
        super().__init__(folder, incident)
        self.phase = ""
        self.looks: list[datetime] = []
        self.admitted: list[datetime] = []
        self.turned_away = 0
        self.world.limit.per_second = PER_SECOND
        self._listen_to_the_limit()
        pacer = Pacer(
            f"https://{incident.organization}.example",
            PACE_MS,
            opened_by=lambda base, pace: DatabasePermits(
                f"sqlite:///{permits or folder / 'permits.db'}",
                base,
                pace,
                clock=lambda: self.clock.at.timestamp(),
            ),
            sleep=self.clock.sleep,
        )
        self.pro2 = paced = Paced(self.pro2, self, pacer)
        self.dashboard = board = Paced(self.dashboard, self)
        self.tessitura = lists = Paced(self.tessitura, self)
        self._carriers = (paced, board, lists)

    @property
    def requests(self) -> list[tuple[str, datetime, Request]]:
        return [one for carrier in self._carriers for one in carrier.sent]

    def count(self, *phases: str) -> int:
        """Requests of these phases; of all but the guard's, where none is given."""
        wanted = phases or ("", *PHASES)
        return sum(phase in wanted for phase, _, _ in self.requests)

    def by_path(self, phase: str) -> Counter[str]:
        """Requests of a phase by what they ask for."""
        return Counter(asked_for(request) for at, _, request in self.requests if at == phase)

    def guard(self) -> Any:
        with self.during(GUARD):
            return super().guard()

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        before, self.phase = self.phase, phase
        try:
            yield
        finally:
            self.phase = before

    @contextmanager
    def phases(self) -> Iterator[None]:
        """While one reconciliation runs."""

        def marked(name: str) -> Callable[..., Any]:
            part = getattr(whole, name)

            def run(*arguments: Any, **options: Any) -> Any:
                with self.during(name):
                    return part(*arguments, **options)

            return run

        def looked(*parts: Any, **options: Any) -> Any:
            self.looks.append(self.clock.at)
            return poll(*parts, **options)

        poll = whole.poll
        with mock.patch.multiple(whole, poll=looked, **{name: marked(name) for name in PHASES}):
            yield

    def _listen_to_the_limit(self) -> None:
        admit = self.world.limit.admit

        def heard(at: datetime) -> int | None:
            wait = admit(at)
            self.turned_away += wait is not None
            self.admitted.append(at)
            return wait

        self.world.limit.admit = heard  # type: ignore[method-assign]


def asked_for(request: Request) -> str:
    """A request without its ids."""
    path = re.sub(r"(?<=/)\d+(?=/|$)", "N", request.path)
    path = re.sub(r"(organizations|jobs)/[^/]+", r"\1/N", path)
    form = request.form or {}
    action = form.get("api_action", "")
    more = " by ids" if "ids" in form else " newer" if "filters[id_greater]" in form else ""
    return f"{request.method} {path} {action}{more}".strip()


@dataclass(frozen=True)
class Counted:
    """One reconciliation: its requests by phase, its floor, what sensors would have sent, and the rate."""

    phases: dict[str, Counter[str]]
    total: int
    floor: floor.Floor
    watch: int
    polls: int
    sensors: int
    guard: int
    most_in_a_second: int
    turned_away: int
    outcomes: Counter[str]
    effects: Counter[str]

    def told(self) -> str:
        """Every phase by path, for who wants to know where the requests go."""
        lines = []
        for phase, asked in self.phases.items():
            lines.append(f"{phase or 'else'}: {sum(asked.values())} (floor {self.floor.of(phase):g})")
            lines += [f"    {number:5} {what}" for what, number in asked.most_common()]
        return "\n".join(lines)


def counted(campaigns: int, occurrences: int, unsettled: int) -> Counted:
    """Play one reconciliation of an evening of that size, and count."""
    with tempfile.TemporaryDirectory() as folder:
        evening = Counting(Path(folder), crowd(campaigns, occurrences, unsettled))
        evening.clock.at = evening.world.t0
        with evening.phases():
            plan, report = evening.reconcile()
        lowest = floor.lowest(evening, plan, evening.looks)
        return Counted(
            phases={phase: evening.by_path(phase) for phase in ("", *PHASES)},
            total=evening.count(),
            floor=lowest,
            watch=evening.count("watch"),
            polls=lowest.polls,
            sensors=floor.sensors(evening),
            guard=evening.count(GUARD),
            most_in_a_second=most_in_a_second(evening.admitted),
            turned_away=evening.turned_away,
            outcomes=Counter(row.outcome.value for row in report.rows),
            effects=Counter(effect["kind"] for effect in evening.effects()),
        )


def most_in_a_second(times: list[datetime]) -> int:
    """The most of these in any second."""
    found, first, ordered = 0, 0, sorted(times)
    for last, at in enumerate(ordered):
        while ordered[first] <= at - timedelta(seconds=1):
            first += 1
        found = max(found, last - first + 1)
    return found


def run(campaigns: int = CAMPAIGNS, occurrences: int = OCCURRENCES, unsettled: int = UNSETTLED) -> list[Row]:
    """The rows of the bench; one run, since counts do not waver."""
    found = counted(campaigns, occurrences, unsettled)
    what = f"{campaigns} campaigns, {occurrences} occurrences, {unsettled} unsettled"
    fewer = Row(
        "budget", f"{found.polls} shared polls / sensors", found.watch, found.sensors, unit="requests"
    )
    rate = f"at most {PER_SECOND} a second, none turned away"
    kept = found.most_in_a_second <= PER_SECOND and not found.turned_away
    return [
        at_most(
            Row("budget", what, found.total, found.floor.total, unit="requests", per="ours/peer"),
            MOST_OVER_FLOOR,
        ),
        at_least(fewer, LEAST_FEWER),
        Row("budget", "most in a second", found.most_in_a_second, unit="requests", must=rate, met=kept),
        Row("budget", "guard_repairs meanwhile", found.guard, unit="requests"),
    ]
