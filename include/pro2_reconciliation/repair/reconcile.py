"""A whole reconciliation in process: the same functions that Airflow's tasks call, in the order of the DAG.

For incidents at a desk and for tests. ``tick`` is called while it waits, so that a test's people and its clock can
act; Airflow's own DAG is wired in ``dags/reconcile.py`` and nowhere imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.jobs import ActivityLog
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.restriction import UNRESTRICTED, Restriction
from pro2_reconciliation.domain.rules import RULE_BOOK, RuleBook
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.repair import noting
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import Lane
from pro2_reconciliation.repair.clearing import Cleared, ClearedStep, clear
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.manual import ManualAnswer, answer_manual
from pro2_reconciliation.repair.observing import poll
from pro2_reconciliation.repair.open_items import keep_open_items
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.proofs import Proof
from pro2_reconciliation.repair.questions import asked_now, carry, to_be_asked
from pro2_reconciliation.repair.report import Report, make_report
from pro2_reconciliation.repair.settling import settle_waiting
from pro2_reconciliation.repair.step_result import ASKED, ELSEWHERE, GATED, GONE_ON, StepResult
from pro2_reconciliation.repair.steps import carry_out
from pro2_reconciliation.repair.watching import Watch

Answer = Callable[[Plan], Mapping[str, Choice]]
Presser = Callable[[StepResult], ManualAnswer]
"""The person of a manual step: does what its ``instruction`` says, and answers."""


def reconcile(
    account: Account,
    window: Window,
    mode: Mode,
    *,
    answer: Answer | None = None,
    only: tuple[str, ...] = (),
    parent: str | None = None,
    book: RuleBook = RULE_BOOK,
    dag_run: str = "in process",
    presser: Presser | None = None,
    restriction: Restriction = UNRESTRICTED,
) -> tuple[Plan, Report]:
    """Inventory, watch, plan, question, lanes, report. ``answer`` is the person of mode ``ask``; None answers
    nothing. Raises what the parts raise; a plan is kept in the ledger before anything is done."""
    ledger, organization = account.ledger, account.organization
    noting.begun(ledger, organization, dag_run, window, mode, parent=parent)
    settle_waiting(account)
    inventory = take_inventory(account, window, only=only, restriction=restriction, dag_run=dag_run)
    ledger.save_inventory(dag_run, inventory)
    noting.watching(ledger, organization, dag_run, inventory)
    observations = watch(account, inventory)
    plan = build_plan(account, inventory, observations, run=dag_run, parent=parent, book=book)
    plan = to_be_asked(plan, mode)
    account.ledger.save_plan(plan, dag_run)
    if mode is Mode.ASK:
        ask(account, plan, answer)
    cleared = clear(account, plan, mode, who=account.owner)
    noting.cleared(ledger, organization, dag_run, cleared)
    run_lanes(account, plan, cleared, presser)
    settle_waiting(account)
    report = keep_open_items(account, plan, make_report(account, plan, mode, not_now=cleared.not_now))
    noting.reported(ledger, dag_run, plan, report)
    return plan, report


def ask(account: Account, plan: Plan, answer: Answer | None) -> None:
    """Put the question of a plan to ``answer``: about its first 40 items, and not about what goes on by itself."""
    carry(account.ledger, plan)
    shown = [decision.key for decision in asked_now(account.ledger, plan)]
    if answer is None or not shown:
        return
    given = answer(plan)
    choices = {key: given[key] for key in shown if key in given}
    account.ledger.save_answers(plan.hash, choices, "in process")


def watch(account: Account, inventory: Inventory) -> dict[str, Observation]:
    """Poll until every watched item has its verdict; the clock decides how long that is."""
    watched = Watch(account.site, inventory)
    while watched.left:
        account.clock.sleep(watched.pause(account.now()))
        edge, since = watched.span()
        snapshot = poll(
            partial(account.campaigns.scheduled_since, edge) if edge else None,
            partial(_log_since, account, since) if since else None,
            account.dashboard.console if since else None,
            account.now,
            log_from=since,
        )
        waived = account.ledger.waivers(account.organization, inventory.taken_at)
        watched.take(snapshot, frozenset(waived), account.now())
    return watched.ended


def _log_since(account: Account, since: datetime) -> ActivityLog:
    return account.dashboard.activity(since, account.now())


def run_lanes(account: Account, plan: Plan, cleared: Cleared, presser: Presser | None = None) -> None:
    """Every lane in the order of safety; each step is proven before the next lane begins."""
    for lane in Lane:
        for step in cleared.of(lane):
            _step(account, plan, step, presser)


def carried_out(account: Account, plan: Plan, step: ClearedStep) -> StepResult:
    """What another process is at, or the guard has yet to see, is waited for, as the operator does."""
    while True:
        result = carry_out(
            account, plan, step.action_id, step.verb, even_if_not_stopped=step.even_if_not_stopped
        )
        if result.state not in (ELSEWHERE, GATED) or not result.wait_seconds:
            return result
        account.clock.sleep(min(account.policy.poll_seconds, result.wait_seconds))


def _step(account: Account, plan: Plan, step: ClearedStep, presser: Presser | None) -> None:
    result = carried_out(account, plan, step)
    went_on = result.went_on
    if result.state == ASKED and presser is not None:
        answer = presser(result)
        record = answer_manual(
            account,
            plan,
            step.action_id,
            step.verb,
            answer,
            "in process",
            even_if_not_stopped=step.even_if_not_stopped,
        )
        went_on = record.state in GONE_ON
    if went_on:
        proof = Proof(account, plan, step.action_id, step.verb)
        while not proof.look().decided:
            account.clock.sleep(proof.pause())
