"""From answers to permissions: which steps of the plan may be done now, written to the ledger before anything is.

Nothing is cleared without a choice (mode ``ask``) or the narrow rule of mode ``auto``; limits and gates only take
away. Raises ``LedgerError`` when the ledger is not the one that the plan was built on.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.errors import LedgerError, LedgerUnavailable
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, Mode, Reach, Remedy, Verb
from pro2_reconciliation.ledger import ActionKey, ActionRecord, Ledger, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import LANE_OF, Lane, chosen_remedy, verbs_of
from pro2_reconciliation.repair.outcome import left


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
    """The one list of what may be done now, and why the rest may not (item key to sentence)."""

    plan_hash: str
    steps: tuple[ClearedStep, ...] = ()
    not_now: dict[str, str] = Field(default_factory=dict)

    def of(self, lane: Lane) -> list[ClearedStep]:
        """Steps of a lane, smallest audience first."""
        found = [step for step in self.steps if step.lane is lane]
        return sorted(found, key=lambda step: (step.audience, step.item_key))


def sanitised(plan: Plan, raw: Mapping[str, object]) -> dict[str, Choice]:
    """An answer as the server took it, with everything unknown, missing or not offered turned into "leave to me"."""
    clean: dict[str, Choice] = {}
    for decision in plan.decisions:
        if decision.asks:
            value = raw.get(decision.key)
            clean[decision.key] = next((c for c in decision.choices if c.value == value), Choice.LEAVE)
    return clean


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
    choices = _choices(account.ledger, plan, mode)
    refusal = account.plan_only()
    if refusal:
        return Cleared(plan_hash=plan.hash, not_now=dict.fromkeys(choices, refusal))
    steps: list[ClearedStep] = []
    not_now: dict[str, str] = {}
    sends = actions = 0
    for decision in sorted(plan.decisions, key=lambda d: (d.audience or 0, d.key)):
        choice = choices.get(decision.key)
        if choice is None or not decision.asks:
            continue
        remedy = chosen_remedy(decision, choice)
        if remedy is None:
            not_now[decision.key] = left(choice)
            continue
        refusal = account.refusal_of(verbs_of(decision, remedy))
        if refusal:
            not_now[decision.key] = refusal
            continue
        if decision.key in account.ledger.holds(account.organization):
            not_now[decision.key] = "a person does this one"
            continue
        rival = _rival(account, decision, remedy)
        if rival is not None:
            not_now[decision.key] = f"another action on it is under way: {rival}"
            continue
        sends_too = remedy is Remedy.RESEND
        if actions >= account.policy.max_actions or (sends_too and sends >= account.policy.max_sends):
            not_now[decision.key] = "over the limit of this dag run; the next one takes it"
            continue
        try:
            action = _register(account, plan, decision, remedy, who)
        except LedgerUnavailable:
            raise  # of all of them: the task is tried again
        except LedgerError as error:  # of one item; the other choices stand
            not_now[decision.key] = str(error)
            continue
        actions, sends = actions + 1, sends + sends_too
        steps += _open_steps(action, decision, plan, choice)
    return Cleared(plan_hash=plan.hash, steps=tuple(steps), not_now=not_now)


def _choices(ledger: Ledger, plan: Plan, mode: Mode) -> dict[str, Choice]:
    if mode is Mode.AUTO:
        return automatic_choices(plan)
    return {key: answer.choice for key, answer in ledger.answers(plan.hash).items()}


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
            return f"{action.remedy.value.replace('_', ' ')} ({action.requested_by})"
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
    """Every newest step of an action, done ones included: a lane that meets one adopts it instead of doing it."""
    return [
        ClearedStep(
            lane=LANE_OF[step.verb],
            verb=step.verb,
            action_id=action.id,
            item_key=decision.key,
            name=decision.name,
            plan_hash=plan.hash,
            audience=decision.audience or 0,
            even_if_not_stopped=choice is Choice.REPROCESS_EVEN_IF_NOT_STOPPED,
        )
        for step in action.latest
    ]
