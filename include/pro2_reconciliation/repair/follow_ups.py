"""The dag runs that go on where a plan ended: which are still to come, whatever became of those that were started.

One rule for all of them. A follow-up is wanted from the moment its items are noted, or its dag run ended before it
could note any, or half an hour after a question ended that nobody answered, until a plan takes it up. Whoever finds it
wanted starts its dag run; one that ended before it had a plan is begun anew, after a pause that grows, as long as it
makes sense. What is too late then is told to a person. The ledger says all but one thing: whether a dag run has ended,
which the caller asks Airflow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.sending_hours import opens
from pro2_reconciliation.domain.words import Choice, Remedy
from pro2_reconciliation.ledger import AnswerRecord, Ledger
from pro2_reconciliation.repair import too_late
from pro2_reconciliation.repair.actions import chosen_remedy
from pro2_reconciliation.repair.asking import worth_asking
from pro2_reconciliation.repair.detection import AGAIN_AFTER, NO_PLAN
from pro2_reconciliation.repair.questions import ASK, HOURS, keys_of, notes_of, still_waits, undecided

LOOK_BACK = timedelta(days=8)
"""What was left earlier is not gone on with: an Airflow that was away over a weekend finds the others."""
HasEnded = Callable[[str], bool | None]
"""Of a run id, whether that dag run has ended, red or green; None: there is none."""
OWN_FOLLOW_UP = timedelta(minutes=30)
"""So long the dag run of a question has to note what nobody answered, before detection does."""


@dataclass(frozen=True)
class FollowUp:
    """What a plan left, and no later plan took up. ``first``: the id of the dag run that is its first attempt.

    ``wanted`` may still be gone on with, for ``late`` it is too late; never are both empty.
    """

    first: str
    plan: Plan
    wanted: tuple[Decision, ...]
    late: tuple[Decision, ...] = ()


class Beginning(Value):
    """A dag run to be started: ``run_id`` is the claim. ``after``: it begins then; None: at once.

    ``instead_of``: the one before it, which ended without a plan; empty where there was none.
    """

    run_id: str
    plan_hash: str
    keys: tuple[str, ...]
    after: UtcTime | None = None
    instead_of: str = ""


def attempt_id(first: str, number: int) -> str:
    """The id of an attempt's dag run; whoever begins the same attempt makes the same id."""
    return first if number == 1 else f"{first}__{number}"


def beginnings(
    ledger: Ledger,
    site: Site,
    left: Iterable[FollowUp],
    now: datetime,
    has_ended: HasEnded,
) -> list[Beginning]:
    """The dag runs to be started now, of what was ``left`` (``follow_ups``). Writes attempts and alarms."""
    tried = (_beginning(ledger, site, one, now, has_ended) for one in left if one.wanted)
    return [one for one in tried if one]


def tell_late(ledger: Ledger, left: Iterable[FollowUp]) -> None:
    """Tell a person what it is too late for; each item once."""
    for one in left:
        for decision in one.late:
            too_late.tell(ledger, one.plan, one.first, decision)


def _beginning(
    ledger: Ledger, site: Site, one: FollowUp, now: datetime, has_ended: HasEnded
) -> Beginning | None:
    attempts = ledger.attempts(site.organization, one.first)
    number = attempts[-1].number if attempts else 1
    last = attempt_id(one.first, number)
    ended = has_ended(last)
    if ended is False or (ended and attempts and now - attempts[-1].at < AGAIN_AFTER * (number - 1)):
        return None
    if ended:
        if one.first not in (left.first for left in follow_ups(ledger, site.organization, now, has_ended)):
            return None  # it made its plan after we had looked, and before we asked whether it had ended
        number += 1
        why = f"dag run {last} {NO_PLAN}"
        ledger.note_attempt(site.organization, one.first, one.plan.hash, number, why)
        too_late.warn(ledger, one.plan, one.first, last, one.wanted)
    hours = one.first.startswith(HOURS)
    keys = keys_of(one.wanted)
    if not hours:
        ledger.save_follow_up(one.plan.hash, keys)
    return Beginning(
        run_id=attempt_id(one.first, number),
        plan_hash=one.plan.hash,
        keys=keys,
        after=_opening(site, one.wanted, now) if hours else None,
        instead_of=last if ended else "",
    )


def _opening(site: Site, wanted: Iterable[Decision], now: datetime) -> datetime | None:
    """When the sending hours open next; None where they are open, or open too late: then a person is asked at once."""
    opening = opens(site.policy, site.zone, now)
    last = min((d.send_by for d in wanted if d.send_by), default=None)
    if opening is None or opening <= now or (last is not None and opening >= last):
        return None
    return opening


def follow_ups(ledger: Ledger, organization: str, now: datetime, has_ended: HasEnded) -> list[FollowUp]:
    """What plans left and no later plan took up, oldest plan first."""
    plans = [plan for plan in ledger.plans_since(now - LOOK_BACK) if plan.organization == organization]
    seen = _Seen(ledger, organization, plans, now, has_ended)
    found = []
    for plan in plans:
        for kind, left_by in ((ASK, seen.to_ask), (HOURS, seen.to_send)):
            first = f"{kind}{plan.hash}"
            left = [] if first in seen.taken_up else [d for d in left_by(plan) if not seen.is_over(plan, d)]
            if left:
                wanted = tuple(d for d in left if worth_asking(d, now))
                late = tuple(d for d in left if d not in wanted)
                found.append(FollowUp(first=first, plan=plan, wanted=wanted, late=late))
    return found


@dataclass
class _Seen:
    """What the ledger says of some plans, oldest first."""

    ledger: Ledger
    organization: str
    plans: Sequence[Plan]
    now: datetime
    has_ended: HasEnded

    @cached_property
    def taken_up(self) -> set[str]:
        """The first attempts of what a later plan took up: one for the sending hours takes up what waited for them."""
        return {
            f"{HOURS if plan.run.startswith(HOURS) else ASK}{plan.parent}"
            for plan in self.plans
            if plan.parent
        }

    @cached_property
    def noted(self) -> dict[str, tuple[str, ...]]:
        return self.ledger.noted([name for plan in self.plans for name in _names(plan)])

    @cached_property
    def answered(self) -> dict[str, dict[str, AnswerRecord]]:
        return self.ledger.answers_to([plan.hash for plan in self.plans])

    @cached_property
    def closed(self) -> dict[str, datetime]:
        """When an item was closed that was not opened again."""
        items = self.ledger.open_items(self.organization, closed_since=self.now - LOOK_BACK)
        is_open = {item.item_key for item in items if item.closed_at is None}
        return {i.item_key: i.closed_at for i in items if i.closed_at and i.item_key not in is_open}

    @cached_property
    def held(self) -> AbstractSet[str]:
        return self.ledger.holds(self.organization).keys()

    def to_ask(self, plan: Plan) -> list[Decision]:
        """What its dag run noted for another question or could not note any more, and what nobody answered about once
        the question has ended."""
        found = _of_keys(plan, self.noted.get(plan.hash, ())) or self.cut_off(plan)
        if plan.asked_until is None or plan.asked_until + OWN_FOLLOW_UP > self.now:
            return found
        more = [d for d in undecided(self.ledger, plan) if d not in found]
        late = [d for d in more if not worth_asking(d, self.now)]
        if late and self._was_reported(plan):  # the report has said that it is too late
            more = [d for d in more if d not in late]
        return found + more

    def cut_off(self, plan: Plan) -> list[Decision]:
        """What was asked about, and not carried out, in a dag run that ended before it noted or reported anything."""
        if plan.asked_until is None or self.noted.keys() & _names(plan) or self._was_reported(plan):
            return []
        if not self.has_ended(plan.run) or self.ledger.noted(_names(plan)) or self._was_reported(plan):
            return []  # asked in this order: it may have done so just before it ended
        return [d for d in plan.decisions if d.asks and not self._was_carried_out(plan, d)]

    def _was_carried_out(self, plan: Plan, decision: Decision) -> bool:
        """Whether somebody left the item to himself, or what he chose has come to an end, good or bad."""
        answer = self.answered[plan.hash].get(decision.key)
        if answer is None:
            return False
        if answer.choice is Choice.KEEP_WATCHING:
            return False
        remedy = chosen_remedy(decision, answer.choice)
        if remedy is None:
            return True
        known = self.ledger.actions_of(plan.organization, decision.root)
        action = next((one for one in reversed(known) if one.remedy is remedy), None)
        return action is not None and not action.live

    def to_send(self, plan: Plan) -> list[Decision]:
        """What a person chose, and what still waits for the sending hours with its send."""
        answers = self.answered[plan.hash]
        noted = _of_keys(plan, self.noted.get(f"{HOURS}{plan.hash}", ()))
        return [d for d in noted if d.key in answers and still_waits(self.ledger, plan, d, answers[d.key])]

    def is_over(self, plan: Plan, decision: Decision) -> bool:
        """Whether somebody answered about it in a later plan, keeps it to himself, or it was closed since.

        What a proven data sync leaves is only known after it, so its own end is none of that.
        """
        if {decision.key, decision.root} & self.held:
            return True
        for later in self.plans:
            if later.created_at > plan.created_at:
                keys = {d.key for d in later.decisions if d.root == decision.root or d.key == decision.key}
                if keys & self.answered[later.hash].keys():
                    return True
        at = self.closed.get(decision.key)
        return decision.remedy is not Remedy.DATA_SYNC and at is not None and at >= plan.created_at

    def _was_reported(self, plan: Plan) -> bool:
        run = self.ledger.run(plan.organization, plan.run)
        return run is not None and run.reported_at is not None


def _names(plan: Plan) -> set[str]:
    return {notes_of(plan.hash, kind) for kind in (ASK, HOURS)}


def _of_keys(plan: Plan, keys: Collection[str]) -> list[Decision]:
    """The decisions of these items; the tags of an occurrence belong to it."""
    return [d for d in plan.decisions if d.asks and (d.key in keys or d.root in keys)]
