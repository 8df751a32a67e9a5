"""What is told of a follow-up that does not come about: that it is tried again, and that it is too late.

As alarms of the ledger: whoever passes next sends them, and the page, the report and the digest show them. Each is told
once. Raises ``LedgerError``.
"""

from __future__ import annotations

from collections.abc import Sequence

from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import AnswerRecord, Ledger, State, StepRecord
from pro2_reconciliation.repair.actions import chosen_remedy
from pro2_reconciliation.repair.asking import worth_until
from pro2_reconciliation.repair.questions import HOURS

AGAIN = "a dag run that goes on ended without a plan"
LATE = "too late for what was left"
_NAMED = 3
"""So many items are named in a sentence; of more their number is said."""


def warn(ledger: Ledger, plan: Plan, first: str, ended: str, wanted: Sequence[Decision]) -> None:
    """The dag run ``ended`` ended without a plan, and others follow; told after the first of them only."""
    names = [f"«{d.name}» ({d.key})" for d in wanted[:_NAMED]]
    more = f" and {len(wanted) - _NAMED} more" if len(wanted) > _NAMED else ""
    until = max((at for d in wanted if (at := worth_until(d))), default=None)
    end = f" until {local(until, plan.zone)}, when it is too late" if until else ""
    _once(
        ledger,
        plan,
        AGAIN,
        event=f"again {first}",
        item=wanted[0].key if len(wanted) == 1 else "",
        text=f"Dag run {ended}, which goes on with {', '.join(names)}{more}, ended without a plan. Others follow by "
        f"themselves, at growing pauses{end}. Nothing is done about it before one of them has a plan: read the log of "
        "its first failed task",
    )


def tell(ledger: Ledger, plan: Plan, first: str, decision: Decision) -> None:
    """It is too late to go on with this item: it stays open for a person, and says why."""
    until = worth_until(decision)
    by = f" by {local(until, plan.zone)}" if until else ""
    answer = ledger.answers(plan.hash).get(decision.key)
    chosen = (
        f"{answer.who} chose «{answer.choice.value}» {local(answer.at, plan.zone)}, and " if answer else ""
    )
    did = "carried it out in the sending hours" if first.startswith(HOURS) else "asked about it again"
    stands = _stands(ledger, plan, decision, answer)
    text = (
        f"{chosen}no dag run ({first}) {did}{by}; now it is too late. {stands}Decide in Pro2 what becomes of it, then "
        f'say: python -m pro2_reconciliation close {decision.key} --why "..."'
    )
    told = _once(
        ledger,
        plan,
        LATE,
        event=f"late {first}",
        item=decision.key,
        text=f"«{decision.name}» ({decision.key}): {text}",
    )
    if told:
        ledger.open_item(
            plan.organization,
            decision.key,
            name=decision.name,
            rule=decision.rule,
            reason=text,
            plan_hash=plan.hash,
        )


def _stands(ledger: Ledger, plan: Plan, decision: Decision, answer: AnswerRecord | None) -> str:
    """What was done of it before, as far as the ledger knows."""
    remedy = chosen_remedy(decision, answer.choice) if answer else None
    actions = ledger.actions_of(plan.organization, decision.root) if remedy else []
    action = next((one for one in reversed(actions) if one.remedy is remedy), None)
    if action is None:
        return ""
    stopped = any(_is_done(action.step(verb)) for verb in (Verb.STOP_CAMPAIGN, Verb.STOP_RUN))
    copy = action.step(Verb.COPY_CAMPAIGN)
    said = ["the original was stopped"] if stopped else []
    said += [f"its copy {copy.remote_id} was made and not sent"] if copy and copy.remote_id else []
    sentence = ", ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}. " if said else ""


def _is_done(step: StepRecord | None) -> bool:
    return step is not None and step.when(State.DONE) is not None


def _once(ledger: Ledger, plan: Plan, kind: str, *, event: str, item: str, text: str) -> bool:
    """Note an alarm unless it was noted since the plan; whether it is new."""
    known = {
        (a.body.get("event"), a.body.get("item")) for a in ledger.alarms(plan.organization, plan.created_at)
    }
    if (event, item) in known:
        return False
    ledger.alarm(plan.organization, kind, {"item": item, "event": event, "text": text})
    return True
