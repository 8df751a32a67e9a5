"""One dag run of ``reconcile`` as Airflow has it: a task opens an account of its own, fails, is tried again, gives up.

In process, on the functions that the tasks call; a test breaks something before a task begins. ``said`` collects what
the failed tasks said.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from shutil import copyfile
from typing import Any, TypeVar

from tests.incident.harness import INCIDENTS, START, Evening, approve_all

from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import Ledger, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import Lane
from pro2_reconciliation.repair.clearing import Cleared, ClearedStep, clear
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.open_items import keep_open_items
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.proofs import Proof
from pro2_reconciliation.repair.reconcile import watch
from pro2_reconciliation.repair.report import Report, make_report
from pro2_reconciliation.repair.settling import settle_waiting
from pro2_reconciliation.repair.step_result import ELSEWHERE
from pro2_reconciliation.repair.steps import carry_out
from pro2_sandbox import load_incident

T = TypeVar("T")
RETRIES, RETRY_DELAY = 2, 20.0
"""As the lanes of ``dags/reconcile.py`` have them."""
BUSY_SECONDS = 0.02
"""So long waits a task here for a locked ledger; on a site it is 30 s."""
OPENED_AGAIN = 400.0
"""Longer than a lease: the next dag run finds none of the one before alive."""


@cache
def incident() -> Any:
    """The worked example, looked at less often: reading is not what is tested here."""
    worked = load_incident(INCIDENTS / "worked-example.yaml")
    return worked.model_copy(update={"policy": {**worked.policy, "poll_seconds": 300}})


@cache
def new_ledger(folder: Path) -> Path:
    """A ledger that its operator adopted, to be copied: migrating takes longer than the rest."""
    path = folder / "adopted.db"
    made = Ledger.open(f"sqlite:///{path}", clock=lambda: START)
    made.adopt("operator", "first start")
    made.close()
    return path


class Night(Evening):
    """An evening after its outage, whose tasks each open what is there when they begin."""

    def __init__(self, folder: Path, adopted: Path) -> None:
        super().__init__(folder, incident())
        copyfile(adopted, self.file)
        self.end_outage()
        self.said: list[str] = []
        self.before: Callable[[str], object] = lambda task: None
        self.guarded = True

    @property
    def file(self) -> Path:
        return self.folder / "ledger.db"

    def ledger(self) -> Ledger:
        return Ledger.open(
            f"sqlite:///{self.file}", clock=self.clock.now, create=False, busy_seconds=BUSY_SECONDS
        )

    def guard(self) -> Any:
        """A pass of another process: that it fails is not our dag run's concern."""
        with suppress(ReconciliationError):
            if self.guarded:
                account = self.account("guard")
                try:
                    guard_pass(account)
                finally:
                    account.ledger.close()

    def effects_of(self, kind: str) -> list[dict[str, Any]]:
        return [effect for effect in self.effects() if effect["kind"] == kind]

    # -------------------------------------------------------------------------------------------- one dag run

    def dag_run(self, name: str) -> Report | None:
        """All its tasks; the report, None where there is no plan or the report's task gave up too."""
        with suppress(ReconciliationError):
            self._task("guard_repairs", lambda account: account.ledger.beat(GUARD) if self.guarded else None)
        self.clock.every_minute = self.guard
        try:
            plan_hash = self._task("build_plan", lambda account: self._plan(account, name))
            self._task("ask", lambda account: self._ask(account, plan_hash))
        except ReconciliationError:
            return None
        cleared = Cleared(plan_hash=plan_hash)
        with suppress(ReconciliationError):
            cleared = self._task("clear", lambda account: self._clear(account, plan_hash))
        for lane in Lane:
            for step in cleared.of(lane):
                with suppress(ReconciliationError):
                    self._task(step.verb.value, lambda account, s=step: self._act(account, s))
                with suppress(ReconciliationError):
                    self._task(
                        f"confirm_{step.verb.value}", lambda account, s=step: self._confirm(account, s)
                    )
        with suppress(ReconciliationError):
            return self._task("report", lambda account: self._report(account, cleared))
        return None

    def _task(self, name: str, body: Callable[[Account], T]) -> T:
        self.before(name)
        for attempt in range(RETRIES + 1):
            try:
                account = self.account(f"{name} try {attempt + 1}")
                try:
                    return body(account)
                finally:
                    account.ledger.close()
            except ReconciliationError as error:
                self.said.append(f"{name}: {error}")
                if attempt == RETRIES:
                    raise
                self.clock.sleep(RETRY_DELAY)
        raise AssertionError

    def _plan(self, account: Account, name: str) -> str:
        settle_waiting(account)
        inventory = take_inventory(account, self.window())
        plan = build_plan(account, inventory, watch(account, inventory), run=name)
        return account.ledger.save_plan(plan, name)

    def _ask(self, account: Account, plan_hash: str) -> None:
        plan = account.ledger.plan(plan_hash)
        assert plan is not None
        if any(decision.asks for decision in plan.decisions):
            account.ledger.save_answers(plan_hash, approve_all(plan), "Ada")

    def _clear(self, account: Account, plan_hash: str) -> Cleared:
        plan = require(account, plan_hash)
        return clear(account, plan, Mode.ASK, who="Ada")

    def _act(self, account: Account, step: ClearedStep) -> None:
        result = carry_out(account, require(account, step.plan_hash), step.action_id, step.verb)
        self.said.append(f"{step.verb.value}: {result.state}: {result.why}")
        if result.state in (ELSEWHERE, State.NOT_DONE):
            raise ReconciliationError(f"{step.verb.value} is {result.state}: {result.why}")

    def _confirm(self, account: Account, step: ClearedStep) -> None:
        action = account.ledger.action(step.action_id)
        record = action.step(step.verb) if action else None
        if record is None or record.state is not State.DONE:
            return
        proof = Proof(account, require(account, step.plan_hash), step.action_id, step.verb)
        while not proof.look().decided:
            self.clock.sleep(account.policy.poll_seconds)

    def _report(self, account: Account, cleared: Cleared) -> Report:
        plan = require(account, cleared.plan_hash)
        made = make_report(account, plan, Mode.ASK, not_now=cleared.not_now)
        return keep_open_items(account, plan, made)

    def next_dag_run(self, name: str) -> Report | None:
        """The one after everything works again, when no lease of before lives any more."""
        self.before = lambda task: None
        self.clock.at = max(self.clock.at, self.window().end)
        self.clock.sleep(OPENED_AGAIN)
        return self.dag_run(name)


def require(account: Account, plan_hash: str) -> Any:
    """As ``pro2.accounts.require_plan``: a ledger without the plan is another ledger."""
    plan = account.ledger.plan(plan_hash)
    if plan is None:
        raise ReconciliationError(f"plan {plan_hash} is not in this ledger; run reconcile again")
    return plan
