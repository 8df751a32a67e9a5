"""Plays one small evening request by request, so that a person, a fault or a death can come between any two of them.

The steps are those of the DAG: inventory, watch, plan, question, clear, lanes, report; each is a task that is tried
again when its worker died or a request failed. Nothing here is random and nothing depends on threads or real time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.orm import Session
from tests.incident.harness import Carrier, Evening, MovableClock, approve_all

from pro2_reconciliation.domain.errors import LedgerError, ReconciliationError, RequestError
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Mode, Service
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import Lane
from pro2_reconciliation.repair.clearing import Cleared, ClearedStep, clear
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.open_items import keep_open_items
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.proofs import Proof
from pro2_reconciliation.repair.reconcile import carried_out, watch
from pro2_reconciliation.repair.report import Report, make_report
from pro2_reconciliation.repair.settling import settle_waiting
from pro2_reconciliation.repair.snapshot import scheduled_snapshot
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_reconciliation.wire.ports import ActiveCampaignPort, DashboardPort, ListsPort
from pro2_sandbox import Incident
from pro2_sandbox.effects import Effect

T = TypeVar("T")
TRIES = 3
RETRY_SECONDS = 20.0
OPEN_STATES = frozenset({"ambiguous", "intended", "not_done"})
"""Results of a step after which its task is tried again, as ``StepOperator`` does."""
_CAMPAIGN = re.compile(r'"id":"(\d+)"')
_RUN = re.compile(r'"run_id":"(r-\d+)"')


class Died(BaseException):
    """The worker was killed here: nothing after it runs, not even what was to clean up."""


@dataclass
class Life:
    """Counts the requests and ledger writes of one dag run; at each number in ``deaths`` its worker dies."""

    deaths: set[int] = field(default_factory=set)
    turn: Callable[[], object] = lambda: None
    steps: int = 0
    dead: bool = False

    def step(self) -> None:
        self.turn()
        self.alive()
        self.steps += 1
        if self.steps in self.deaths:
            self.dead = True
            raise Died

    def alive(self) -> None:
        if self.dead:
            raise Died


class Mortal(Ledger):
    """The ledger in the hands of a worker that may die before or after each transaction."""

    life: Life

    @contextmanager
    def _read(self) -> Iterator[Session]:
        self.life.alive()
        with super()._read() as session:
            yield session

    @contextmanager
    def _write(self) -> Iterator[Session]:
        self.life.step()
        with super()._write() as session:
            yield session
        self.life.step()


@dataclass(frozen=True)
class Carried:
    """One request of ours. ``shown``: what its answer told, ``campaign:103`` or ``run:r-1004``."""

    number: int
    owner: str
    request: Request
    shown: frozenset[str]


@dataclass
class Wire:
    """Every request of ours in order; ``before`` is called with the number of the request that is about to leave."""

    carried: list[Carried] = field(default_factory=list)
    before: Callable[[int], object] = lambda number: None
    number: int = 0


class Tap:
    """One owner's transport: a person may act before the request, the worker may die before and after it."""

    def __init__(self, wire: Wire, owner: str, life: Life, inner: Carrier) -> None:
        self.wire, self.owner, self.life, self.inner = wire, owner, life, inner

    def carry(self, request: Request) -> Reply:
        self.life.step()
        self.wire.before(self.wire.number)
        number = self.wire.number
        self.wire.number += 1
        try:
            reply = self.inner.carry(request)
        except RequestError:
            self.wire.carried.append(Carried(number, self.owner, request, frozenset()))
            raise
        self.wire.carried.append(Carried(number, self.owner, request, _shown(request, reply)))
        self.life.step()
        return reply


def _shown(request: Request, reply: Reply) -> frozenset[str]:
    """Whose state the answer tells; an answer that cannot be read tells nothing."""
    if request.mutating or reply.status != 200 or not reply.text.endswith("}"):
        return frozenset()
    form = request.form or {}
    if form.get("api_action") == "campaign_report_totals":
        return frozenset({f"campaign:{form.get('campaignid')}"})
    if "campaign" in request.path or form.get("api_action") == "campaign_list":
        return frozenset(f"campaign:{one}" for one in _CAMPAIGN.findall(reply.text))
    return frozenset(f"run:{one}" for one in _RUN.findall(reply.text))


@dataclass(frozen=True)
class Stamped:
    """An effect, and how many requests of ours had left before it (-1: before we looked at all)."""

    effect: Effect
    number: int


@dataclass
class DagRun:
    """What one dag run did, begun ``at``. ``refused``: why it has no report."""

    run_id: str
    mode: Mode
    at: datetime
    plan: Plan | None = None
    cleared: Cleared | None = None
    report: Report | None = None
    refused: str = ""


class Stage(Evening):
    """An evening whose requests are numbered and whose effects are stamped with those numbers."""

    def __init__(self, folder: Path, incident: Incident, clock: MovableClock | None = None) -> None:
        super().__init__(folder, incident, clock)
        self.wire = Wire()
        self.stamped = [Stamped(effect, -1) for effect in self.world.effects.log]
        self.alarms: list[str] = []
        self.runs: list[DagRun] = []
        self._stamp()

    def _stamp(self) -> None:
        add = self.world.effects.add

        def stamping(*given: Any, **detail: Any) -> Effect:
            effect = add(*given, **detail)
            self.stamped.append(Stamped(effect, self.wire.number))
            return effect

        self.world.effects.add = stamping  # type: ignore[method-assign]

    def account(self, owner: str = "test", life: Life | None = None, **changes: Any) -> Account:
        life = life or Life()
        ledger = Mortal(self.ledger()._engine, self.clock.now)
        ledger.life = life

        def tap(inner: Carrier) -> Tap:
            return Tap(self.wire, owner, life, inner)

        sleep = changes.pop("sleep", self.clock.sleep)
        pro2 = ActiveCampaignPort(tap(self.pro2), sleep=sleep)
        ports = {
            "campaigns": pro2,
            "contacts": pro2,
            "dashboard": DashboardPort(tap(self.dashboard), self.site.organization, sleep=sleep),
            "lists": ListsPort(tap(self.tessitura), sleep=sleep),
            "ledger": ledger,
        }
        return super().account(owner, **{**ports, **changes})

    def whole_window(self) -> Window:
        """From the first outage's start to the last one's end, with the services of all of them."""
        ended = [outage for outage in self.incident.outages if outage.end is not None]
        return Window(
            start=min(self.offset(outage.start) for outage in ended),
            end=max(self.offset(outage.end) for outage in ended),
            source="chaos",
            outage_known=True,
            services=tuple(sorted({Service(name) for outage in ended for name in outage.services})),
        )

    def keep_snapshot(self) -> bool:
        """What a detection pass keeps of the schedule, as of before the outage; False while nobody can read it."""
        try:
            body = scheduled_snapshot(self.account("detection", sleep=lambda _: None))
        except RequestError:
            return False
        at = min(self.clock.now(), self.whole_window().start - timedelta(minutes=1))
        self.ledger().add_snapshot(self.site.organization, body, at)
        return True

    def guard(self) -> None:
        account = self.account("guard", sleep=lambda _: None)
        self.alarms += guard_pass(account).alarms

    def dag_run(
        self,
        run_id: str,
        mode: Mode = Mode.ASK,
        *,
        window: Window | None = None,
        answer: Callable[[Plan], Mapping[str, Choice]] = approve_all,
        life: Life | None = None,
        clock: MovableClock | None = None,
    ) -> DagRun:
        """One dag run of ``reconcile``; what it did is also kept in ``runs``."""
        run = DagRun(run_id, mode, self.clock.now())
        self.runs.append(run)
        self.ledger().beat(GUARD)
        self.clock.every_minute = self.guard
        worker = Worker(self, run, life or Life(), clock or self.clock)
        try:
            worker.work(window or self.whole_window(), answer)
        except ReconciliationError as error:
            run.refused = str(error)
        return run


@dataclass
class Worker:
    """Works off the tasks of one dag run; a task is tried again after a death or a failed request."""

    stage: Stage
    run: DagRun
    life: Life
    clock: MovableClock

    def work(self, window: Window, answer: Callable[[Plan], Mapping[str, Choice]]) -> None:
        run = self.run
        plan = run.plan = self.task(lambda account: self._plan(account, window))
        ledger = self.stage.ledger()
        if run.mode is Mode.ASK and any(decision.asks for decision in plan.decisions):
            ledger.save_answers(plan.hash, dict(answer(plan)), "a person")
        cleared = run.cleared = self.task(lambda account: clear(account, plan, run.mode, who=account.owner))
        for lane in Lane:
            for step in cleared.of(lane):
                self._step(plan, step)
        run.report = self.task(lambda account: self._report(account, plan, cleared))

    def task(self, work: Callable[[Account], T]) -> T:
        """Raises ``ReconciliationError`` when the last try fails as well."""
        failure: Exception | None = None
        for _ in range(TRIES + len(self.life.deaths)):
            self.life.dead = False
            account = self.stage.account(self.run.run_id, self.life, clock=self.clock, sleep=self.clock.sleep)
            try:
                return work(account)
            except Died:
                pass
            except (RequestError, LedgerError, _Again) as error:
                failure = error
            self.clock.sleep(RETRY_SECONDS)
        raise ReconciliationError(f"no try succeeded: {failure}")

    def _plan(self, account: Account, window: Window) -> Plan:
        settle_waiting(account)
        inventory = take_inventory(account, window)
        plan = build_plan(account, inventory, watch(account, inventory), run=self.run.run_id)
        account.ledger.save_plan(plan, self.run.run_id)
        return plan

    def _step(self, plan: Plan, step: ClearedStep) -> None:
        def carry(account: Account) -> None:
            result = carried_out(account, plan, step)
            if result.state in OPEN_STATES:
                raise _Again(result.why)
            if result.went_on:
                proof = Proof(account, plan, step.action_id, step.verb)
                while not proof.look().decided:
                    account.clock.sleep(account.policy.poll_seconds)

        try:
            self.task(carry)
        except ReconciliationError:
            return  # the task failed; the report says what became of its step

    def _report(self, account: Account, plan: Plan, cleared: Cleared) -> Report:
        made = make_report(account, plan, self.run.mode, not_now=cleared.not_now)
        keep_open_items(account, plan, made)
        return made


class _Again(ReconciliationError):
    """A step of unknown outcome: its task is tried again."""
