"""What goes on in a further dag run: another question, or what was chosen and waits for the sending hours.

Asked again is: the drift of a data sync, what became STALE, what a closed gate or a limit held up, what mode ``auto``
may not do without consent, what nobody answered about, what a person wants to be watched longer, and what one question
did not hold. Only ids of our own making leave here.
"""

from __future__ import annotations

from collections.abc import Mapping

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Verb
from pro2_reconciliation.ledger import ActionRecord, AnswerRecord, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import TAG_VERBS, VERBS, chosen_remedy
from pro2_reconciliation.repair.asking import worth_asking
from pro2_reconciliation.repair.drift import drift_of
from pro2_reconciliation.repair.gates import Gate, closed_gate
from pro2_reconciliation.repair.questions import ASK, HOURS, asked_later, keys_of, notes_of
from pro2_reconciliation.repair.report import End, make_report

MAX_FOLLOW_UPS = 2
"""So often what was decided and could not be done is asked about again; what nobody decided is not limited."""


class HandOver(Value):
    """One further dag run about these items of a plan. ``after``: it begins then, None: at once.

    ``notes`` is what the ledger keeps the keys under.
    """

    run_id: str
    notes: str
    keys: tuple[str, ...]
    after: UtcTime | None = None


def hand_overs(account: Account, plan: Plan, mode: Mode, not_now: Mapping[str, str]) -> list[HandOver]:
    """The dag runs that go on where this one ends, at most one question and one for the sending hours."""
    if mode is Mode.PLAN:
        return []
    found = []
    keys = follow_up_keys(account, plan, mode, not_now)
    if _depth(account, plan) >= MAX_FOLLOW_UPS:
        undecided = set(keys_of(_undecided(account, plan, mode)))
        keys = [key for key in keys if key in undecided]
    if keys:
        run_id = f"{ASK}{plan.hash}"
        found.append(HandOver(run_id=run_id, notes=notes_of(plan.hash, run_id), keys=tuple(keys)))
    waiting = waiting_for_hours(account, plan)
    if waiting:
        run_id = f"{HOURS}{plan.hash}"
        late = keys_of(d for d in plan.decisions if d.key in waiting)
        notes = notes_of(plan.hash, run_id)
        found.append(HandOver(run_id=run_id, notes=notes, keys=late, after=min(waiting.values())))
    return found


def follow_up_keys(account: Account, plan: Plan, mode: Mode, not_now: Mapping[str, str]) -> list[str]:
    """Keys of the items that a further dag run has to look at and ask about. A drift that is empty asks nothing."""
    found: list[Decision] = []
    report = make_report(account, plan, mode, not_now=not_now)
    undecided = {d.key for d in _undecided(account, plan, mode)}
    for_hours = waiting_for_hours(account, plan)
    for row, decision in zip(report.rows, plan.decisions, strict=True):
        drifted = decision.remedy is Remedy.DATA_SYNC and row.outcome is End.VERIFIED
        verbs = TAG_VERBS if drifted else VERBS.get(decision.remedy, ())
        if account.refusal_of(verbs) or decision.key in for_hours:
            continue  # asking again opens no read-only connection, and the hours open by themselves
        if drifted and not _drifts(account, decision):
            continue
        unasked = mode is Mode.AUTO and row.outcome is End.PROPOSED
        held_up = row.outcome in (End.NOT_NOW, End.STALE)
        if drifted or unasked or held_up or decision.key in undecided:
            found.append(decision)
    return list(keys_of(found))


def waiting_for_hours(account: Account, plan: Plan) -> dict[str, UtcTime]:
    """Item key to the opening of the sending hours, of what a person chose and only these still hold up."""
    found: dict[str, UtcTime] = {}
    answers = account.ledger.answers(plan.hash)
    for decision in plan.decisions:
        action = _action_of(account, decision, answers.get(decision.key))
        step = next((s for s in action.latest if s.state not in _PASSED), None) if action else None
        if action is None or step is None or step.state is not State.CLEARED:
            continue
        gate = closed_gate(account, plan, decision, action, step.verb)
        if gate is not None and gate.gate is Gate.SENDING_HOURS and gate.opens is not None:
            found[decision.key] = gate.opens
    return found


_PASSED = frozenset({State.DONE, State.CONFIRMED, State.SKIPPED})


def _action_of(account: Account, decision: Decision, answer: AnswerRecord | None) -> ActionRecord | None:
    remedy = chosen_remedy(decision, answer.choice) if answer else None
    known = account.ledger.actions_of(account.organization, decision.root) if remedy else []
    return next((action for action in reversed(known) if action.remedy is remedy), None)


def _undecided(account: Account, plan: Plan, mode: Mode) -> list[Decision]:
    """What nobody has decided yet, and is still worth a question."""
    if mode is not Mode.ASK:
        return []
    answers, now = account.ledger.answers(plan.hash), account.now()
    later = {d.key for d in asked_later(account.ledger, plan)}
    found = []
    for decision in plan.decisions:
        answer = answers.get(decision.key)
        watched = answer is not None and answer.choice is Choice.KEEP_WATCHING
        nobody = decision.asks and answer is None
        if watched or (nobody and (decision.key in later or worth_asking(decision, now))):
            found.append(decision)
    return found


def _depth(account: Account, plan: Plan) -> int:
    """How many questions came before this plan's."""
    depth, parent = 0, plan.parent
    while parent:
        before = account.ledger.plan(parent)
        depth, parent = depth + 1, before.parent if before else None
    return depth


def _drifts(account: Account, decision: Decision) -> bool:
    for action in account.ledger.actions_of(account.organization, decision.root):
        step = action.step(Verb.IMPORT_LIST)
        if step is not None and step.state is State.CONFIRMED and step.remote_id:
            try:
                drift = drift_of(account, decision.model_copy(update={"tag": step.remote_id}))
            except RequestError:
                return True
            return bool(drift.to_add or drift.to_remove)
    return False
