"""From answers to permissions: which steps of the plan may be done now, written to the ledger before anything is.

Nothing is cleared without a choice (mode ``ask``) or the narrow rule of mode ``auto``; limits and gates only take
away. Raises ``LedgerError`` when the ledger is not the one that the plan was built on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from pydantic import Field

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.errors import LedgerError, LedgerUnavailable
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, Mode, Reach, Remedy, Verb
from pro2_reconciliation.ledger import ActionKey, ActionRecord, AnswerRecord, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import LANE_OF, Lane, chosen_remedy, verbs_of
from pro2_reconciliation.repair.asking import QUESTION_SIZE
from pro2_reconciliation.repair.gates import ClosedGate, Gate, closed_to_choice
from pro2_reconciliation.repair.questions import asked_later
from pro2_reconciliation.repair.restricting import LEFT_ALONE


class Room:
    """How much one dag run may still begin: the limits of policy and form, counted over its plan.

    What an earlier ``clear`` of the same plan began is counted first, whatever was chosen or held since, and has its
    place. A resend counts as a send, whatever is cleared as an action.
    """

    def __init__(self, account: Account, plan: Plan) -> None:
        begun = account.ledger.actions_of_plan(plan.hash)
        self._most_sends, self._most_actions = _limits(account, plan)
        self._taken = {(a.item_key, a.remedy) for a in begun if not a.by_guard and (a.live or a.had_effect)}

    def full(self, decision: Decision, remedy: Remedy) -> ClosedGate | None:
        """Why this may not be begun any more; None while there is room, or where it has begun."""
        if (decision.key, remedy) in self._taken:
            return None
        sends = sum(taken is Remedy.RESEND for _, taken in self._taken)
        for name, most, taken in (
            ("max_actions", self._most_actions, len(self._taken)),
            ("max_sends", self._most_sends, sends if remedy is Remedy.RESEND else -1),
        ):
            if taken >= most:
                why = f"over the limit of this dag run ({name}: {most}); the next one takes it"
                return ClosedGate(gate=Gate.LIMIT, why=why)
        return None

    def take(self, decision: Decision, remedy: Remedy) -> None:
        """An action was cleared."""
        self._taken.add((decision.key, remedy))


class ClearedStep(Value):
    """One step that may be done now: what a lane's task gets. ``name`` labels the mapped task."""

    lane: Lane
    verb: Verb
    action_id: str
    item_key: str
    name: str
    plan_hash: str
    audience: int = 0
    even_if_not_stopped: bool = False


class Cleared(Value):
    """The one list of what may be done now, and why the rest may not (item key to sentence).

    ``joined``: item key to who chose the same first, in another dag run; what he began is gone on with.
    """

    plan_hash: str
    steps: tuple[ClearedStep, ...] = ()
    not_now: dict[str, str] = Field(default_factory=dict)
    joined: dict[str, str] = Field(default_factory=dict)

    def of(self, lane: Lane) -> list[ClearedStep]:
        """Steps of a lane, smallest audience first."""
        found = [step for step in self.steps if step.lane is lane]
        return sorted(found, key=lambda step: (step.audience, step.item_key))


def sanitised(asked: Iterable[Decision], raw: Mapping[str, object]) -> dict[str, Choice]:
    """An answer as the server took it, with everything unknown, missing or not offered turned into "leave to me".

    ``asked``: the items of the question. What was not shown is not answered, whatever the answer says.
    """
    return {
        decision.key: next((c for c in decision.choices if c.value == raw.get(decision.key)), Choice.LEAVE)
        for decision in asked
    }


def automatic_choices(plan: Plan) -> dict[str, Choice]:
    """Mode ``auto``: only what cannot reach an inbox and needs no stop, inside a known outage, runs by itself."""
    if not plan.window.outage_known:
        return {}
    return {
        decision.key: Choice.REPROCESS
        for decision in plan.decisions
        if decision.asks
        and decision.reach is Reach.DATA
        and not decision.stop_first
        and decision.remedy in (Remedy.REPEAT_IMPORT, Remedy.DATA_SYNC)
    }


def clear(account: Account, plan: Plan, mode: Mode, *, who: str) -> Cleared:
    """Write the choices that stand in the ledger as CLEARED or DECLINED actions; return what may be done now.

    In mode ``ask`` the answers come from the ledger (where the question wrote them), never from Airflow.
    """
    account.ledger.require_identity(plan.ledger_uuid, plan.ledger_epoch)
    if mode is Mode.PLAN:
        return Cleared(plan_hash=plan.hash)
    answers = account.ledger.answers(plan.hash) if mode is Mode.ASK else {}
    choices = {key: a.choice for key, a in answers.items()} if mode is Mode.ASK else automatic_choices(plan)
    refusal = account.plan_only()
    if refusal:
        return Cleared(plan_hash=plan.hash, not_now=dict.fromkeys(choices, refusal))
    steps: list[ClearedStep] = []
    joined: dict[str, str] = {}
    not_now = _asked_later(account, plan, choices) if choices and mode is Mode.ASK else {}
    room = Room(account, plan)
    for decision in sorted(plan.decisions, key=lambda d: (d.audience or 0, d.key)):
        choice, answer = choices.get(decision.key), answers.get(decision.key)
        if choice is None or not decision.asks:
            continue
        remedy = chosen_remedy(decision, choice)
        if remedy is None:
            not_now[decision.key] = _left(account, plan, decision, choice, answer)
            continue
        if plan.restriction.leaves_alone(decision.root):
            not_now[decision.key] = LEFT_ALONE
            continue
        rival = _rival(account, decision, remedy)
        if rival is not None:
            not_now[decision.key] = f"another action on it is under way: {rival}"
            continue
        verbs = verbs_of(decision, remedy)
        gate = closed_to_choice(account, plan, decision, remedy, verbs) or room.full(decision, remedy)
        if gate is not None:
            not_now[decision.key] = gate.why
            continue
        try:
            action = _register(account, plan, decision, remedy, answer.who if answer else who)
        except LedgerUnavailable:
            raise  # of all of them: the task is tried again
        except LedgerError as error:  # of one item; the other choices stand
            not_now[decision.key] = str(error)
            continue
        if action.joined and action.plan_hash != plan.hash:
            joined[decision.key] = first_chosen(account, action)
        room.take(decision, remedy)
        steps += _open_steps(action, decision, plan, choice)
    return Cleared(plan_hash=plan.hash, steps=tuple(steps), not_now=not_now, joined=joined)


def _limits(account: Account, plan: Plan) -> tuple[int, int]:
    """Most sends and most actions: the policy's, or the form's where that is stricter."""
    asked, policy = plan.restriction, account.policy
    sends = policy.max_sends if asked.max_sends is None else min(asked.max_sends, policy.max_sends)
    actions = policy.max_actions if asked.max_actions is None else min(asked.max_actions, policy.max_actions)
    return sends, actions


def first_chosen(account: Account, action: ActionRecord) -> str:
    """Who chose an action first, when, and in which dag run: whoever chooses it after him joins it."""
    dag_run = account.ledger.dag_run_of(action.plan_hash)
    where = f" in dag run {dag_run}" if dag_run else ""
    what = action.remedy.value.replace("_", " ")
    return f"{action.requested_by} chose «{what}» first, {local(action.created_at, account.zone)}{where}"


def _left(
    account: Account, plan: Plan, decision: Decision, choice: Choice, answer: AnswerRecord | None
) -> str:
    """What "leave to me" and "keep watching" mean for an item from now on."""
    who = f"{answer.who} chose «{choice.value}»" if answer else f"left: «{choice.value}»"
    if choice is not Choice.KEEP_WATCHING:
        return f"{who}; it stays open for a person"
    since = max(account.now(), plan.window.end + timedelta(seconds=account.policy.settle_seconds))
    until = since + timedelta(seconds=account.policy.watch_campaign_seconds)
    late = f"; after {local(decision.send_by, plan.zone)} it is too late to send" if decision.send_by else ""
    return (
        f"{who}; the next dag run watches it until about {local(until, plan.zone)} and asks again, if it is still "
        f"pending then{late}"
    )


def _asked_later(account: Account, plan: Plan, choices: Mapping[str, Choice]) -> dict[str, str]:
    why = f"one question holds {QUESTION_SIZE} items; the next one asks about it"
    return {d.key: why for d in asked_later(account.ledger, plan) if d.key not in choices}


def _rival(account: Account, decision: Decision, remedy: Remedy) -> str | None:
    """A live action with another remedy on the same lineage or occurrence; two at once are never right."""
    if remedy in (Remedy.ADD_TAG, Remedy.REMOVE_TAG):
        return None
    for action in account.ledger.actions_of(account.organization, decision.root):
        if (
            action.live
            and action.remedy is not remedy
            and action.remedy
            not in (
                Remedy.ADD_TAG,
                Remedy.REMOVE_TAG,
            )
        ):
            return first_chosen(account, action)
    return None


def _register(account: Account, plan: Plan, decision: Decision, remedy: Remedy, who: str) -> ActionRecord:
    ledger = account.ledger
    generation = ledger.next_generation(account.organization, decision.root, remedy)
    return ledger.register(
        ActionKey(account.organization, decision.root, remedy, generation),
        kind=decision.kind.value,
        item_id=decision.item_id,
        name=decision.name,
        verbs=verbs_of(decision, remedy),
        fingerprint=decision.fingerprint.model_copy(update={"remedy": remedy.value}).digest,
        plan_hash=plan.hash,
        to=State.CLEARED,
        who=who,
        why=f"{decision.rule}: {decision.reason}"[:500],
    )


def _open_steps(action: ActionRecord, decision: Decision, plan: Plan, choice: Choice) -> list[ClearedStep]:
    """Every newest step of an action, done ones included: a lane that meets one goes on from there."""
    return [
        ClearedStep(
            lane=LANE_OF[step.verb],
            verb=step.verb,
            action_id=action.id,
            item_key=decision.key,
            name=decision.name,
            plan_hash=plan.hash,
            audience=decision.audience or 0,
            even_if_not_stopped=choice.plain is Choice.REPROCESS_EVEN_IF_NOT_STOPPED,
        )
        for step in action.latest
    ]
