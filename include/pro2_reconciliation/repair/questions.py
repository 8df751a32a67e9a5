"""The questions that the ledger knows: which wait for an answer, what nobody decided, and which answers go on.

Plan and answers are the only sources. A plan that is asked about says until when (``Plan.asked_until``); an item
without an answer was not decided by anybody. Only :func:`carry` writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import ANSWER_WITHIN, Decision, Plan
from pro2_reconciliation.domain.words import Choice, ItemKind, Mode, Remedy
from pro2_reconciliation.ledger import AnswerRecord, Ledger, State
from pro2_reconciliation.repair.actions import chosen_remedy, may_mail
from pro2_reconciliation.repair.asking import QUESTION_SIZE, in_order

HOURS = "hours__"
"""How the id of a dag run begins that goes on in the sending hours with what was chosen before."""
ASK = "ask__"
"""How the id of a dag run begins that asks a further question."""
_WAITED = ", for the sending hours)"


class Waiting(Value):
    """One item of a question that waits."""

    key: str
    name: str
    item_id: str
    send_by: UtcTime | None = None


class Unanswered(Value):
    """One question that waits for an answer until ``until``. ``send_by`` is the earliest of its items."""

    plan_hash: str
    dag_run: str
    organization: str
    zone: str
    items: tuple[Waiting, ...]
    until: UtcTime
    asked_at: UtcTime
    send_by: UtcTime | None = None


def to_be_asked(plan: Plan, mode: Mode) -> Plan:
    """The plan with the end of its question, where there is one."""
    if mode is not Mode.ASK or not any(d.asks for d in plan.decisions):
        return plan
    return plan.model_copy(update={"asked_until": plan.created_at + ANSWER_WITHIN})


def unanswered(ledger: Ledger, now: datetime) -> list[Unanswered]:
    """The questions that wait for an answer at ``now``, the one that ends first in front."""
    plans, identity = ledger.plans_since(now - ANSWER_WITHIN), ledger.identity
    taken_up = {plan.parent for plan in plans}
    found = []
    for plan in plans:
        if plan.asked_until is None or plan.asked_until <= now or plan.hash in taken_up:
            continue
        if (plan.ledger_uuid, plan.ledger_epoch) != (identity.uuid, identity.epoch):
            continue  # somebody adopted the ledger since: an answer to it would choose nothing
        if was_answered(ledger, plan):
            continue
        items = undecided(ledger, plan)[:QUESTION_SIZE]
        if not items:
            continue
        found.append(
            Unanswered(
                plan_hash=plan.hash,
                dag_run=plan.run,
                organization=plan.organization,
                zone=plan.zone,
                items=tuple(
                    Waiting(key=d.key, name=d.name, item_id=d.item_id, send_by=d.send_by) for d in items
                ),
                until=plan.asked_until,
                asked_at=plan.created_at,
                send_by=min((d.send_by for d in items if d.send_by), default=None),
            )
        )
    return sorted(found, key=lambda one: (one.until, one.plan_hash))


def keys_of(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """The keys by which an inventory finds these items: a proposal about a tag belongs to its occurrence."""
    found = (d.root if d.kind is ItemKind.OCCURRENCE else d.key for d in decisions)
    return tuple(dict.fromkeys(found))


def notes_of(plan_hash: str, run_id: str) -> str:
    """The name under which the items of the dag runs after a plan are noted, the same for each attempt: what waits for
    the sending hours is noted apart.
    """
    return f"{HOURS}{plan_hash}" if run_id.startswith(HOURS) else plan_hash


def asked_now(ledger: Ledger, plan: Plan) -> list[Decision]:
    """The items of the plan's one question: the first 40 that were not answered in an earlier one."""
    return in_order(plan, going_on(ledger, plan))[:QUESTION_SIZE]


def asked_later(ledger: Ledger, plan: Plan) -> list[Decision]:
    """The items that the next question is about, because one holds 40."""
    return in_order(plan, going_on(ledger, plan))[QUESTION_SIZE:]


def was_answered(ledger: Ledger, plan: Plan) -> bool:
    """Whether somebody answered the question of this plan itself."""
    return bool(ledger.answers(plan.hash).keys() - going_on(ledger, plan).keys())


def going_on(ledger: Ledger, plan: Plan) -> dict[str, AnswerRecord]:
    """Item key to the answer of the plan before that only waited for the sending hours.

    Only in a dag run that was made for that, and only where the action that a person chose still waits and nothing
    that he was shown has changed; else he is asked anew. What he left goes on as left: the two tags of a data sync come
    into a plan together, and one of them must not hold up the other with a question.
    """
    parent = ledger.plan(plan.parent) if plan.parent and plan.run.startswith(HOURS) else None
    if parent is None:
        return {}
    standing, before = ledger.answers(plan.hash), ledger.answers(parent.hash)
    found = {}
    for decision in plan.decisions:
        answer = before.get(decision.key)
        if answer is None or answer.choice not in decision.choices:
            continue
        known = standing.get(decision.key)
        if answer.choice is Choice.LEAVE:
            goes_on = _unchanged(parent, decision)
        else:
            goes_on = still_waits(ledger, plan, decision, answer)
        if known.who == _who(answer, plan) if known else goes_on:
            found[decision.key] = answer
    return found


def carry(ledger: Ledger, plan: Plan) -> dict[str, AnswerRecord]:
    """Write what goes on as answers to this plan; returns these, by item."""
    found = going_on(ledger, plan)
    for key, answer in found.items():
        ledger.save_answers(plan.hash, {key: answer.choice}, _who(answer, plan))
    standing = ledger.answers(plan.hash) if found else {}
    return {key: standing[key] for key in found}


def _who(answer: AnswerRecord, plan: Plan) -> str:
    if answer.who.endswith(_WAITED):
        return answer.who
    return f"{answer.who} (chosen {local(answer.at, plan.zone)}{_WAITED}"


def _unchanged(parent: Plan, decision: Decision) -> bool:
    before = parent.decision(decision.key)
    return before is not None and before.fingerprint == decision.fingerprint


def still_waits(ledger: Ledger, plan: Plan, decision: Decision, answer: AnswerRecord) -> bool:
    """Whether what a person chose still waits to be sent, and nothing that he was shown has changed."""
    remedy = chosen_remedy(decision, answer.choice)
    if remedy is None:
        return False
    wanted = decision.fingerprint.model_copy(update={"remedy": remedy.value}).digest
    for action in ledger.actions_of(plan.organization, decision.root):
        waiting = next((step for step in action.latest if may_mail(step.verb, decision.reach)), None)
        same = action.remedy is remedy and action.fingerprint == wanted
        if same and waiting is not None and waiting.state is State.CLEARED:
            return True
    return False


def undecided(ledger: Ledger, plan: Plan) -> list[Decision]:
    """What nobody answered about, here or by an action that was begun since."""
    answers = ledger.answers(plan.hash)
    return [
        d
        for d in in_order(plan, going_on(ledger, plan))
        if d.key not in answers and not _begun_since(ledger, plan, d)
    ]


def _begun_since(ledger: Ledger, plan: Plan, decision: Decision) -> bool:
    of_tags = decision.remedy in (Remedy.ADD_TAG, Remedy.REMOVE_TAG)
    return any(
        action.created_at >= plan.created_at and (action.remedy is decision.remedy or not of_tags)
        for action in ledger.actions_of(plan.organization, decision.root)
    )
