"""How an item stands now: the report's word while it is the newest, else plan and ledger again (``repair.outcome``).

What only an account can say (a closed gate, a newer log) stands in the report; as soon as something moved after it,
the ledger says more. An item of several plans is shown from the newest, with two exceptions (``_shown``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import RUNNING, ActionRecord, AnswerRecord, DagRun, PlanItem
from pro2_reconciliation.overview.picture import Picture
from pro2_reconciliation.overview.views import Now
from pro2_reconciliation.repair.outcome import FIXED, SETTLED, End, action_on, asked_for, ending

_ENDED_LATER = frozenset(
    {end.value for end in (End.NEEDS_HUMAN, End.STALE, End.FAILED, End.OPEN, End.NOT_NOW, End.PROPOSED)}
)
"""What is kept open for a person (``repair.open_items``), and may be closed later."""
_SETTLED = frozenset({Now.CLOSED.value, *(end.value for end in SETTLED)})
_OURS = frozenset({End.VERIFIED.value, Now.ASKED.value, Now.UNDER_WAY.value})
"""What a later look that found nothing to do does not hide."""


@dataclass(frozen=True)
class Standing:
    """``outcome`` is a value of ``End`` or ``Now``. ``reported``: it is the word of the dag run's report.

    ``rule`` is the last that decided, empty where the report says it.
    """

    item: PlanItem
    run: DagRun
    outcome: str
    detail: str
    rule: str
    answer: AnswerRecord | None
    action: ActionRecord | None
    reported: bool = False

    @property
    def asks(self) -> bool:
        """Whether a person is asked and nobody has answered."""
        return self.outcome == Now.ASKED


def standings(
    picture: Picture, runs: Sequence[DagRun], wanted: Callable[[PlanItem], bool] | None = None
) -> list[Standing]:
    """Every ``wanted`` item of these dag runs (newest first) once, in the order of the plans, oldest plan first."""
    found: dict[str, list[Standing]] = {}
    for run in reversed(runs):
        for item in picture.items_of(run):
            if wanted is None or wanted(item):
                found.setdefault(item.key, []).append(standing(picture, run, item))
    return [_shown(picture, one) for one in found.values()]


def standing_of(picture: Picture, item_key: str) -> Standing | None:
    """One item as the dag runs of a picture know it; None if none does."""
    found = standings(picture, picture.runs[::-1], lambda item: item.key == item_key)
    return found[0] if found else None


def _shown(picture: Picture, of_item: Sequence[Standing]) -> Standing:
    """Of the standings of one item, oldest first, the one that is shown: the newest, but

    one that needs nothing does not hide what we did, or ask, or are at; a mere proposal does not hide what was asked.
    """
    newest = of_item[-1]
    if len(of_item) == 1:
        return newest
    if FIXED.get(newest.item.remedy) is End.NONE:
        return next((one for one in reversed(of_item) if one.outcome in _OURS), newest)
    if newest.item.remedy not in FIXED and picture.mode_of(newest.run) is Mode.PLAN:
        acting = (one for one in reversed(of_item) if picture.mode_of(one.run) is not Mode.PLAN)
        return next(acting, newest)
    return newest


def standing(picture: Picture, run: DagRun, item: PlanItem) -> Standing:
    """One item of one dag run."""
    answer = picture.answers.get(item.plan_hash, {}).get(item.key)
    action = action_on(item, answer.choice if answer else None, picture.actions)
    reported = bool(item.outcome) and not _moved_since(run, answer, action)
    if reported:
        outcome, detail, rule = item.outcome, "", ""
    else:
        outcome, detail, rule = _by_ledger(picture, run, item, answer, action)
    if outcome in _ENDED_LATER:
        closed = picture.closed.get(item.key)
        later = closed is not None and closed.closed_at is not None and closed.closed_at >= run.begun_at
        if closed is not None and later and item.key not in picture.opened:
            outcome, detail = Now.CLOSED.value, f"closed by {closed.closed_by}: {closed.closed_why}"
    return Standing(item, run, outcome, detail, rule, answer, action, reported)


def _by_ledger(
    picture: Picture, run: DagRun, item: PlanItem, answer: AnswerRecord | None, action: ActionRecord | None
) -> tuple[str, str, str]:
    """(outcome, detail, rule) where no report says it, or something moved since."""
    choice, mode = answer.choice if answer else None, picture.mode_of(run)
    ended = ending(item, mode, choice, action, item.not_now)
    end, detail, rule = ended.end, ended.detail, ended.rule
    if item.remedy in FIXED or mode is Mode.PLAN:
        return end.value, detail, rule
    if action is not None and end is End.FAILED and asked_for(action):
        return End.NEEDS_HUMAN.value, "a person was asked to press it, and nobody has answered", rule
    if picture.alive(run):
        if end is End.NOT_CHOSEN and choice is None:
            return Now.ASKED.value, "", rule
        if end is End.FAILED and (action is None or action.state == RUNNING):
            return Now.UNDER_WAY.value, detail.removeprefix("no end: ") if action else "", rule
    return end.value, detail, rule


def _moved_since(run: DagRun, answer: AnswerRecord | None, action: ActionRecord | None) -> bool:
    """Whether anything happened to the item after its report."""
    if run.reported_at is None:
        return True
    moved = [one for one in (answer.at if answer else None, action.last_moved if action else None) if one]
    return any(at > run.reported_at for at in moved)


def settled(one: Standing) -> bool:
    """Whether nothing is left to do about it."""
    return one.outcome in _SETTLED
