"""What became of a decision, from plan and ledger alone: the one table of outcomes, for the report and for the page.

The report adds what only an account can say (a closed gate, what to press, where a campaign stands in Pro2). Nothing
is computed from Airflow. Fails never: what the ledger does not explain is FAILED.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from pro2_reconciliation.domain.rules import ENDING_RULES
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Verb
from pro2_reconciliation.ledger import RUNNING, ActionRecord, State, StepRecord
from pro2_reconciliation.repair.actions import Decided, chosen_remedy
from pro2_reconciliation.repair.lost_requests import is_manual


class End(StrEnum):
    """How an item ended in a dag run. ``CLOSED``: a person ended what had begun."""

    NONE = "none"
    OPEN = "open"
    PROPOSED = "proposed"
    NOT_CHOSEN = "not chosen"
    NOT_NOW = "not now"
    VERIFIED = "verified"
    CLOSED = "closed"
    NEEDS_HUMAN = "needs_human"
    STALE = "stale"
    FAILED = "failed"
    REPORTED = "reported"


SETTLED = frozenset({End.NONE, End.VERIFIED, End.REPORTED, End.CLOSED})
"""Nothing is left to do about it, for us or for a person."""
FIXED = {
    Remedy.NONE: End.NONE,
    Remedy.WATCH: End.OPEN,
    Remedy.NEEDS_HUMAN: End.NEEDS_HUMAN,
    Remedy.REPORT: End.REPORTED,
}
"""What ends with the plan, whatever anybody answers."""


@dataclass(frozen=True)
class Ending:
    """``rule`` is the last rule that decided: the plan's, or one of ``ENDING_RULES``."""

    end: End
    detail: str
    rule: str


Actions = dict[tuple[str, Remedy | None], ActionRecord]
"""The newest action on an item by (item key, remedy)."""


def newest_actions(actions: Iterable[ActionRecord], keys: Collection[str]) -> Actions:
    """Of ``actions``, oldest first, the newest of each item and remedy; what the guard did by itself is not one."""
    found: Actions = {}
    for action in actions:
        if action.item_key in keys and not action.by_guard:
            found[(action.item_key, action.remedy)] = action
    return found


def action_on(decided: Decided, choice: Choice | None, actions: Actions) -> ActionRecord | None:
    """The action that carries out what was chosen or, where nothing was, what was decided."""
    return actions.get((decided.key, chosen_remedy(decided, choice) if choice else decided.remedy))


def ending(
    decided: Decided, mode: Mode, choice: Choice | None, action: ActionRecord | None, not_now: str
) -> Ending:
    """The end of one item. ``not_now``: the sentence of ``clear`` why it may not be done, empty if it may."""
    if decided.remedy in FIXED:
        return Ending(FIXED[decided.remedy], "", decided.rule)
    if mode is Mode.PLAN:
        return Ending(End.PROPOSED, "plan only", decided.rule)
    if choice is not None and chosen_remedy(decided, choice) is None:
        watched = choice is Choice.KEEP_WATCHING
        return Ending(End.OPEN if watched else End.NOT_CHOSEN, not_now or left(choice), decided.rule)
    if not_now:
        return Ending(End.NOT_NOW, not_now, decided.rule)
    if choice is None and mode is Mode.ASK:
        return Ending(End.NOT_CHOSEN, "nobody answered", decided.rule)
    if action is None:
        if mode is Mode.AUTO:
            return Ending(End.PROPOSED, "needs consent", decided.rule)
        return Ending(End.FAILED, "it was chosen, and the ledger knows no action for it", decided.rule)
    return _of_action(decided, action)


def left(choice: Choice) -> str:
    """What is said of an item that is left, or only watched, because a person chose that."""
    return f"left: «{choice.value}»"


def asked_for(action: ActionRecord) -> StepRecord | None:
    """The step that waits for a person's answer: he was asked to press it."""
    return next((s for s in action.latest if s.state is State.INTENDED and is_manual(s)), None)


def _of_action(decided: Decided, action: ActionRecord) -> Ending:
    worst = next((s for s in action.latest if s.state == action.state), action.latest[-1])
    why = f"{worst.verb.value.replace('_', ' ')}: {worst.moves[-1].why}"
    rule = decided.rule
    last = next((r for r in ENDING_RULES.values() if worst.moves[-1].why.startswith(f"{r}: ")), None)
    if last:
        rule = last
    if action.state == State.CONFIRMED:
        return Ending(End.VERIFIED, action.latest[-1].moves[-1].why, rule)
    if action.state == State.CLOSED:
        return Ending(End.CLOSED, f"closed by {worst.moves[-1].who}: {worst.moves[-1].why}", rule)
    if action.state == State.FAILED and worst.verb is Verb.STOP_RUN:
        return Ending(End.NEEDS_HUMAN, why, ENDING_RULES["stop_run_refused"])
    if action.state == State.NEEDS_HUMAN:
        return Ending(End.NEEDS_HUMAN, why, rule)
    if action.state == State.STALE:
        return Ending(End.STALE, why, rule)
    if action.state == RUNNING:
        waiting = next((s for s in action.latest if s.state not in (State.CONFIRMED, State.DONE)), worst)
        return Ending(End.FAILED, f"no end: {waiting.verb.value} is {waiting.state.value}", rule)
    return Ending(End.FAILED, why, rule)
