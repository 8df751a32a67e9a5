"""One organization in which everything can be repaired once, and dag runs that try again as Airflow does.

``Faulty`` plays the parts of ``reconcile`` in the order of the DAG. What raises is tried again by the very policy that
the tasks have, with the tries of the DAG; the oracle is what the sandbox knows happened. ``results`` is what each
task's log says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import copyfile
from typing import Any, TypeVar

from airflow.sdk import RetryAction
from tests.incident.harness import Evening, approve_all

from pro2.operators.remedies import _OPEN
from pro2.retrying import LATER, RETRY_POLICY
from pro2_reconciliation.domain.errors import StepOpen
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode, Verb
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import Lane
from pro2_reconciliation.repair.clearing import ClearedStep, clear
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.open_items import keep_open_items
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.proofs import Proof
from pro2_reconciliation.repair.reconcile import carried_out, watch
from pro2_reconciliation.repair.report import Report, make_report
from pro2_reconciliation.repair.settling import settle_waiting
from pro2_reconciliation.repair.step_result import StepResult
from pro2_reconciliation.wire.exchange import Request
from pro2_sandbox import Incident, load_incident
from pro2_sandbox.faults import Fault, Match
from pro2_sandbox.truth import occurrence_id

T = TypeVar("T")
TRIES = 3
"""As the DAG: ``retries=2`` for a step and a proof."""
CAMPAIGN, SYNC, IMPORT, TRIGGER = (
    "campaign:103",
    "occurrence:j-sync",
    "occurrence:j-import",
    "occurrence:j-trigger",
)


@dataclass(frozen=True)
class Mutation:
    """One mutating request: which request it is, whose item it repairs, and its effect in the sandbox's log."""

    item: str
    match: Match
    effect: str
    skip: int = 0


V1 = Match(method="POST", action="campaign_status")
MUTATIONS = {
    Verb.STOP_CAMPAIGN: Mutation(CAMPAIGN, V1, "campaign_stopped"),
    Verb.COPY_CAMPAIGN: Mutation(CAMPAIGN, Match(method="POST", path_regex="/copy$"), "campaign_copied"),
    Verb.SEND_CAMPAIGN: Mutation(CAMPAIGN, V1, "campaign_sent", skip=1),
    Verb.STOP_RUN: Mutation(IMPORT, Match(method="POST", path_regex="/stop$"), "job_stopped"),
    Verb.RUN_NOW: Mutation(TRIGGER, Match(method="POST", path_regex="/run-now$"), "run_now"),
    Verb.REPEAT_IMPORT: Mutation(IMPORT, Match(method="POST", path_regex="/repeat-import$"), "repeat_import"),
    Verb.IMPORT_LIST: Mutation(SYNC, Match(method="POST", path_regex="/imports$"), "import"),
    Verb.ADD_TAG: Mutation(SYNC, Match(method="POST", path_regex="/contactTags$"), "tag_added"),
    Verb.REMOVE_TAG: Mutation(SYNC, Match(method="DELETE", path_regex="/contactTags/"), "tag_removed"),
}
DRIFT = frozenset({Verb.ADD_TAG, Verb.REMOVE_TAG})


@cache
def everything_once() -> Incident:
    return load_incident(Path(__file__).with_name("faulty.yaml"))


class Faulty(Evening):
    """The evening of ``faulty.yaml``; ``ledger`` is a migrated one to copy, which takes less time than migrating."""

    def __init__(self, folder: Path, ledger: Path | None = None) -> None:
        if ledger is not None:
            copyfile(ledger, folder / "ledger.db")
        super().__init__(folder, everything_once())
        self.end_outage()
        self.reports: list[Report] = []
        self.answer: Callable[[Plan], Mapping[str, Choice]] = approve_all
        self.results: list[StepResult] = []

    def spoil(self, fault: Fault) -> None:
        self.world.faults.add(fault)

    def run(
        self, item: str, *, drift: bool = False, before_drift: Callable[[], object] | None = None
    ) -> None:
        """Reconcile one item with everything approved; with ``drift`` also what its import shows."""
        plan = self.dag_run("outage__1__g1", only=(self.key(item),))
        if drift:
            if before_drift is not None:
                before_drift()
            self.dag_run(f"ask__{plan.hash}", only=tuple(d.key for d in plan.decisions), parent=plan.hash)

    def key(self, item: str) -> str:
        """The key of an item; of a job, that of its occurrence in the outage."""
        if item == CAMPAIGN:
            return item
        job_id = item.partition(":")[2]
        named = everything_once().must_reach.jobs
        return f"occurrence:{occurrence_id(self.world, next(r for r in named if r.startswith(f'{job_id}@')))}"

    def dag_run(self, name: str, *, only: tuple[str, ...], parent: str | None = None) -> Plan:
        account = self.account(name)
        account.ledger.beat(GUARD)
        self.clock.every_minute = self.guarded
        settle_waiting(account)
        inventory = self.tried(lambda: take_inventory(account, self.window(), only=only), TRIES + 1)
        seen = watch(account, inventory)
        plan = self.tried(lambda: build_plan(account, inventory, seen, run=name, parent=parent), TRIES + 1)
        account.ledger.save_plan(plan, name)
        if any(decision.asks for decision in plan.decisions):
            account.ledger.save_answers(plan.hash, dict(self.answer(plan)), "Ada")
        cleared = self.tried(lambda: clear(account, plan, Mode.ASK, who="Ada"), 2)
        for lane in Lane:
            for step in cleared.of(lane):
                self.step(account, plan, step)
        report = make_report(account, plan, Mode.ASK, not_now=cleared.not_now)
        keep_open_items(account, plan, report)
        self.reports.append(report)
        return plan

    def step(self, account: Account, plan: Plan, step: ClearedStep) -> None:
        """A lane's task and its proof, each mapped task on its own: what fails does not keep others from theirs."""

        def once() -> bool:
            result = carried_out(account, plan, step)
            self.results.append(result)
            if result.state in _OPEN:
                raise StepOpen(result.why)
            return result.went_on

        try:
            went_on = self.tried(once, TRIES)
        except Exception as error:
            require_known(error)
            return
        if went_on:
            proof = Proof(account, plan, step.action_id, step.verb)
            while not proof.look().decided:
                account.clock.sleep(account.policy.poll_seconds)

    def tried(self, call: Callable[[], T], tries: int) -> T:
        """As Airflow's worker and scheduler: the policy decides, the clock waits."""
        for number in range(1, tries + 1):
            try:
                return call()
            except Exception as error:
                decision = RETRY_POLICY.evaluate(error, number, tries)
                if decision.action is not RetryAction.RETRY or number == tries:
                    raise
                self.clock.sleep((decision.retry_delay or LATER).total_seconds())
        raise AssertionError("unreachable")

    def guarded(self) -> None:
        """The guard's own task; it has no retries, and its next pass is a minute later."""
        try:
            self.guard()
        except Exception as error:
            require_known(error)

    def rows(self) -> dict[str, Any]:
        """The newest row of each item; one that only met an action of ours (C0, R0) says nothing new."""
        newest: dict[str, Any] = {}
        for row in (row for report in self.reports for row in report.rows):
            if row.key not in newest or row.rule not in ("C0", "R0") or row.detail:
                newest[row.key] = row
        return newest

    def carriers(self) -> Iterable[Any]:
        return (self.pro2, self.dashboard, self.tessitura)

    def doubled(self) -> dict[str, int]:
        """Effects of ours that must happen once, and how often they did."""
        seen: Counter[str] = Counter()
        for effect in self.effects():
            who = f" of {effect['detail']['contact']}" if effect["kind"].startswith("tag_") else ""
            seen[f"{effect['kind']}{who}"] += 1
        return {what: times for what, times in seen.items() if times > 1}


def require_known(error: Exception) -> None:
    """A task may fail with what stands in the tree of errors; anything else is a bug."""
    if RETRY_POLICY.evaluate(error, 1, 1).action is RetryAction.DEFAULT:
        raise AssertionError(f"{type(error).__name__} is not in the tree of errors") from error


def endpoint(request: Request) -> str:
    """``GET /api/3/campaigns/{id}``, ``campaign_list``: what a request asks, whatever it asks about."""
    if request.form is not None:
        return str(request.form["api_action"])
    path = re.sub(r"(?<!/api)/[0-9]+(?=/|$)", "/{id}", f"/{request.path.lstrip('/')}")
    return f"{request.method} {path}"


def matching(name: str) -> Match:
    """The fault's ``match`` for an endpoint."""
    method, _, path = name.partition(" ")
    if not path:
        return Match(method="POST", action=name)
    return Match(method=method, path_regex=f"^{path.replace('{id}', '[0-9]+')}$")
