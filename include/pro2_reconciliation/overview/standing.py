"""How an item stands now: the report's word while it is the newest, else plan and ledger again (``repair.outcome``).

What only an account can say (a closed gate, a newer log) stands in the report; as soon as something moved after it,
the ledger says more. An item of several plans is shown from the newest, unless that only proposes what another one
decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import RUNNING, ActionRecord, AnswerRecord, DagRun, PlanItem
from pro2_reconciliation.overview.picture import Picture
from pro2_reconciliation.overview.views import Now
from pro2_reconciliation.repair.outcome import FIXED, SETTLED, End, action_on, asked_for, ending

_ENDED_LATER = frozenset({End.NEEDS_HUMAN, End.STALE, End.FAILED, End.OPEN, End.NOT_NOW})
"""What is kept open for a person (``repair.report.keep_open_items``), and may be closed later."""
_OURS = frozenset({End.VERIFIED.value, Now.ASKED.value, Now.UNDER_WAY.value})
"""What a dag run that only looked does not hide."""


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


def standings(picture: Picture, runs: Sequence[DagRun]) -> list[Standing]:
    """Every item of these dag runs (newest first) once, in the order of the plans, oldest plan first."""
    found: dict[str, list[Standing]] = {}
    for run in reversed(runs):
        for item in picture.items_of(run):
            found.setdefault(item.key, []).append(standing(picture, run, item))
    return [_shown(picture, one) for one in found.values()]


def standing_of(picture: Picture, item_key: str) -> Standing | None:
    """One item as the dag runs of a picture know it; None if none does."""
    found = [
        standing(picture, run, item)
        for run in picture.runs
        for item in picture.items_of(run)
        if item.key == item_key
    ]
    return _shown(picture, found) if found else None


def _shown(picture: Picture, of_item: Sequence[Standing]) -> Standing:
    """Of the standings of one item, oldest first, the one that is shown."""
    newest = of_item[-1]
    if picture.mode_of(newest.run) is not Mode.PLAN:
        return newest
    asked = next((one for one in reversed(of_item) if picture.mode_of(one.run) is not Mode.PLAN), None)
    if asked is None:
        return newest
    looked = newest.item.remedy in FIXED
    if looked and not (asked.outcome in _OURS and FIXED[newest.item.remedy] is End.NONE):
        return newest
    return asked


def standing(picture: Picture, run: DagRun, item: PlanItem) -> Standing:
    """One item of one dag run."""
    answer = picture.answers.get(item.plan_hash, {}).get(item.key)
    choice = answer.choice if answer else None
    action = action_on(item, choice, picture.actions)
    mode = picture.mode_of(run)

    def stands(outcome: str, detail: str, rule: str, reported: bool = False) -> Standing:
        return Standing(item, run, outcome, detail, rule, answer, action, reported)

    if item.outcome and run.reported_at and not _moved_since(run, answer, action):
        end, detail, rule, reported = End(item.outcome), "", "", True
    else:
        ended = ending(item, mode, choice, action, item.not_now)
        end, detail, rule, reported = ended.end, ended.detail, ended.rule, False
    closed = picture.closed.get(item.key)
    if (
        end in _ENDED_LATER
        and closed is not None
        and closed.closed_at
        and closed.closed_at >= run.begun_at
        and item.key not in picture.opened
    ):
        return stands(Now.CLOSED.value, f"closed by {closed.closed_by}: {closed.closed_why}", rule, reported)
    if reported or item.remedy in FIXED or mode is Mode.PLAN:
        return stands(end.value, detail, rule, reported)
    if action is not None and end is End.FAILED and asked_for(action):
        return stands(End.NEEDS_HUMAN.value, "a person was asked to press it, and nobody has answered", rule)
    if picture.alive(run):
        if end is End.NOT_CHOSEN and choice is None:
            return stands(Now.ASKED.value, "", rule)
        if end is End.FAILED and (action is None or action.state == RUNNING):
            return stands(Now.UNDER_WAY.value, detail.removeprefix("no end: ") if action else "", rule)
    return stands(end.value, detail, rule)


def _moved_since(run: DagRun, answer: AnswerRecord | None, action: ActionRecord | None) -> bool:
    """Whether anything happened to the item after its report."""
    if run.reported_at is None:
        return True
    moved = [one for one in (answer.at if answer else None, action.last_moved if action else None) if one]
    return any(at > run.reported_at for at in moved)


def settled(one: Standing) -> bool:
    """Whether nothing is left to do about it."""
    return one.outcome in {end.value for end in SETTLED} or one.outcome == Now.CLOSED
