"""Compare the plan with the ledger: every item exactly once, with its rule, decision and what became of it.

An item of a cleared action without an end state is a failure, whatever the tasks say; needs_human and "not chosen"
are not. Nothing is computed from Airflow: plan and ledger are the only sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.catching_up import CatalogCheck
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Plan, Window
from pro2_reconciliation.domain.restriction import UNRESTRICTED, NotLookedAt, Restriction
from pro2_reconciliation.domain.words import Choice, ItemKind, Mode, Verb
from pro2_reconciliation.ledger import ActionRecord, AnswerRecord, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.asking import nobody_answered
from pro2_reconciliation.repair.clearing import first_chosen
from pro2_reconciliation.repair.gates import closed_gate
from pro2_reconciliation.repair.ground import because, pressed_beforehand
from pro2_reconciliation.repair.halfdone import half_done
from pro2_reconciliation.repair.manual import instruction
from pro2_reconciliation.repair.outcome import End as End
from pro2_reconciliation.repair.outcome import action_on, asked_for, ending, newest_actions
from pro2_reconciliation.repair.proofs import LOGGED, OPEN, Proof
from pro2_reconciliation.repair.upcoming import Upcoming

_UNFINISHED = frozenset({End.NOT_NOW, End.NEEDS_HUMAN, End.STALE, End.FAILED})


class Row(Value):
    """One item. ``rule`` is the last rule that decided, plan or ending. ``log_url`` is filled by the caller, and
    ``pro2_url`` stays empty where the policy names no link.
    """

    kind: ItemKind
    item_id: str
    name: str
    rule: str
    via: tuple[str, ...] = ()
    observation: str
    decision: str
    reason: str
    outcome: End
    detail: str = ""
    steps: tuple[str, ...] = ()
    audience: int | None = None
    due: UtcTime | None = None
    observed_at: UtcTime | None = None
    answered_by: str = ""
    copy_id: str | None = None
    log_url: str = ""
    pro2_url: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.item_id}"


class Report(Value):
    """One reconciliation, ready to be shown: rows in the order of the plan, alarms, counts.

    ``drift_file``: name of the CSV beside it that alone holds addresses. ``old_tags``: import tags to be deleted.
    ``expired``: a sentence for each item that was closed because it had been open for too long. ``upcoming``: what
    goes out in the next 24 hours, and ``catalog``, what a night found out of date in ``jobs.yaml``, are filled by the
    caller. ``restriction`` and ``not_looked_at`` are the plan's.
    """

    organization: str
    zone: str
    window: Window
    mode: Mode
    plan_hash: str
    made_at: UtcTime
    health: str
    rows: tuple[Row, ...]
    alarms: tuple[str, ...] = ()
    reason: str = ""
    vendor_contact: str | None = None
    drift_file: str = ""
    old_tags: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    upcoming: Upcoming = Upcoming()
    catalog: CatalogCheck = CatalogCheck()
    restriction: Restriction = UNRESTRICTED
    not_looked_at: tuple[NotLookedAt, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in self.rows:
            found[row.outcome.value] = found.get(row.outcome.value, 0) + 1
        return found

    @property
    def failures(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.outcome is End.FAILED)


def make_report(
    account: Account, plan: Plan, mode: Mode, *, not_now: Mapping[str, str], reason: str = ""
) -> Report:
    """The report of one plan. ``not_now`` are the sentences of ``clear`` (item key to why it may not be done)."""
    answers = account.ledger.answers(plan.hash)
    keys = {decision.key for decision in plan.decisions}
    actions = newest_actions(account.ledger.actions_on(account.organization, *keys), keys)
    rows = []
    for decision in plan.decisions:
        answer = answers.get(decision.key)
        choice = answer.choice if answer else None
        action = action_on(decision, choice, actions)
        rows.append(
            _row(
                account,
                plan,
                decision,
                mode,
                choice,
                action,
                not_now.get(decision.key, ""),
                answer,
            )
        )
    since = plan.window.start
    return Report(
        organization=plan.organization,
        zone=plan.zone,
        window=plan.window,
        mode=mode,
        plan_hash=plan.hash,
        made_at=account.now(),
        health=plan.health,
        rows=tuple(rows),
        alarms=tuple(
            str(a.body.get("text", a.kind)) for a in account.ledger.alarms(account.organization, since)
        ),
        reason=reason,
        vendor_contact=account.policy.vendor_contact,
        restriction=plan.restriction,
        not_looked_at=plan.not_looked_at,
    )


def raise_if_failed(report: Report) -> None:
    """Raise ``ReconciliationError`` naming every item whose action failed or has no end state."""
    if report.failures:
        names = "; ".join(f"«{row.name}» ({row.item_id}): {row.detail}" for row in report.failures)
        raise ReconciliationError(
            f"{len(report.failures)} items did not end: {names}. See the report for each"
        )


def _row(
    account: Account,
    plan: Plan,
    decision: Decision,
    mode: Mode,
    choice: Choice | None,
    action: ActionRecord | None,
    not_now: str,
    answer: AnswerRecord | None,
) -> Row:
    ended = ending(decision, mode, choice, action, not_now)
    end, detail, rule = ended.end, ended.detail, ended.rule
    if end is End.NOT_CHOSEN and choice is None and not not_now:
        detail = nobody_answered(plan, decision, account.now())
    gate = _gate(account, plan, decision, action) if end is End.FAILED and action else None
    if gate:
        end, detail = End.NOT_NOW, f"{detail}; {gate}"
    newer = _needs_newer_log(account, action) if end is End.FAILED and action else None
    if newer:
        end, detail = End.OPEN, newer
    if end is End.PROPOSED:
        by_person = pressed_beforehand(account, decision)
        detail = "; ".join(filter(None, (detail, by_person)))
    asked = asked_for(action) if end is End.FAILED and action else None
    steps = decision.steps
    if asked and action:
        end, detail = End.NEEDS_HUMAN, "a person was asked to press it, and nobody has answered"
        why = because(account, asked)
        steps = (instruction(account, decision, action, asked.verb), *([f"Know: {why}"] if why else ()))
    half = half_done(account, plan, decision, action) if action and end in _UNFINISHED else None
    if half:
        detail = f"{detail}; {half.where}"
        steps = steps if asked else half.press
    seen = decision.observation
    copied = action.step(Verb.COPY_CAMPAIGN) if action and end is not End.NONE else None
    return Row(
        kind=decision.kind,
        item_id=decision.item_id,
        name=decision.name,
        rule=rule,
        via=decision.via,
        observation=(f"{seen.state} when watching ended" if seen.still_pending else str(seen.state))
        if seen
        else "-",
        decision=(action.remedy if action else decision.remedy).value,  # what was chosen of it
        reason=decision.reason,
        outcome=end,
        detail=detail,
        steps=steps,
        audience=decision.audience,
        due=decision.due,
        observed_at=seen.seen_at if seen else None,
        answered_by=_answered(account, plan, answer, action),
        copy_id=copied.remote_id if copied else None,
        pro2_url=account.policy.link_to(decision.kind, decision.item_id),
    )


def _answered(account: Account, plan: Plan, answer: AnswerRecord | None, action: ActionRecord | None) -> str:
    """Who chose what and when; and who had chosen the same before, where this dag run went on with his action."""
    if answer is None:
        return ""
    said = f"{answer.who}: «{answer.choice.value}», {local(answer.at, plan.zone)}"
    if action is None or action.plan_hash == plan.hash:
        return said
    return f"{said}; {first_chosen(account, action)}"


def _gate(account: Account, plan: Plan, decision: Decision, action: ActionRecord) -> str | None:
    """The closed gate before which an action waits: a state that can be resumed, not a failure."""
    waiting = next((s for s in action.latest if s.state not in (State.CONFIRMED, State.DONE)), None)
    if waiting is None or waiting.state is not State.CLEARED:
        return None
    gate = closed_gate(account, plan, decision, action, waiting.verb)
    return gate.why if gate else None


def _needs_newer_log(account: Account, action: ActionRecord) -> str | None:
    """Why the proof of a done step waits for a newer export of the Activity Log; None where it does not."""
    step = next((s for s in action.latest if s.state is State.DONE and s.verb in LOGGED), None)
    plan = account.ledger.plan(action.plan_hash) if step else None
    if step is None or plan is None:
        return None
    verdict = Proof(account, plan, action.id, step.verb).peek()
    return verdict.why if verdict.state == OPEN else None


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain JSON, for the file beside the HTML page."""
    return {**report.model_dump(mode="json"), "counts": report.counts}
