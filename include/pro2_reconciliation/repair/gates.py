"""The gates that every step passes: ``GATES`` is all of them, and ``docs/gates.md`` is written from it.

A closed gate leaves the step as it is, CLEARED: nothing is lost, the report names the gate and how to open it, and
once it is open the step goes on. Gates are read before each STEP, because a person may close one between a stop and a
send (invariants 4, 6, 9 and 10); those that are known then are read when choices are cleared as well, and the limits
only there, before anything is stopped. What ends a step instead of holding it is found by the looks in ``checks.py``
(``gate_page.py`` names both). Nothing here reads Pro2. Raises ``LedgerError`` for a ledger that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.outage import OutageState
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.sending_hours import is_open, opens
from pro2_reconciliation.domain.words import ItemKind, Reach, Remedy, Service, Verb
from pro2_reconciliation.ledger import RUNNING, ActionRecord, Stage, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import AUTOMATION_VERBS, IMPORT_VERBS, SENDING_VERBS, TAG_VERBS
from pro2_reconciliation.repair.ground import unproven_tags

GUARD = "guard_repairs"
"""The name under which the guard's passes beat in the ledger."""


class Gate(StrEnum):
    """The names of the gates, in the order in which they are read."""

    PLAN_ONLY = "plan_only"
    READ_ONLY = "read_only"
    UNPROVEN = "unproven"
    KILL_SWITCH = "kill_switch"
    HOLD = "hold"
    OUTAGE = "outage"
    LIMIT = "limit"
    FEED = "feed"
    HEALTH = "health"
    GUARD_SILENT = "guard_silent"
    SENDING_HOURS = "sending_hours"
    GUARD_BEHIND = "guard_behind"


class ClosedGate(Value):
    """``why`` names the gate and how to open it. ``seconds``: so long it is worth waiting for, 0 where a person
    or the clock has to open it. ``opens``: when the clock opens it, None where it does not in time."""

    gate: Gate
    why: str
    seconds: float = 0
    opens: UtcTime | None = None


@dataclass(frozen=True)
class Passing:
    """What comes to the gates: some verbs of one decision. ``action`` None: its choice is being cleared."""

    account: Account
    plan: Plan
    decision: Decision
    remedy: Remedy
    verbs: tuple[Verb, ...]
    action: ActionRecord | None = None


class Shut(NamedTuple):
    """What a look says of a closed gate, as in ``ClosedGate``; a sentence alone says the same of one that waits."""

    why: str
    seconds: float = 0
    opens: datetime | None = None


@dataclass(frozen=True)
class GateRule:
    """One gate. ``look`` says why it is closed, None when it is open; the limits have none (``clearing.Room``).

    It stands before ``verbs``, and before ``if_inbox`` where the decision's reach is an inbox. ``early``: also read
    when choices are cleared. ``closed``, ``opens`` and ``others`` (why it is for no other verb) are for the page.
    """

    gate: Gate
    look: Callable[[Passing], str | Shut | None] | None
    closed: str
    opens: str
    verbs: frozenset[Verb] = frozenset(Verb)
    if_inbox: frozenset[Verb] = frozenset()
    others: str = ""
    early: bool = False

    def stands_before(self, verb: Verb, reach: Reach) -> bool:
        return verb in self.verbs or (verb in self.if_inbox and reach is Reach.INBOX)


def closed_gate(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, verb: Verb
) -> ClosedGate | None:
    """The first closed gate before a step of ``action``, or None when it may go on.

    Raises ``LedgerError`` if this is not the ledger that the plan was built on.
    """
    account.ledger.require_identity(plan.ledger_uuid, plan.ledger_epoch)
    return _first(Passing(account, plan, decision, action.remedy, (verb,), action), GATES)


def closed_to_choice(
    account: Account, plan: Plan, decision: Decision, remedy: Remedy, verbs: tuple[Verb, ...]
) -> ClosedGate | None:
    """The first gate that keeps a choice from being cleared at all, or None. The limits are the caller's to count.

    Whether the ledger allows plans only is not read again for each: the caller has asked once for all of them.
    """
    known = tuple(rule for rule in GATES if rule.early and rule.gate is not Gate.PLAN_ONLY)
    return _first(Passing(account, plan, decision, remedy, verbs), known)


def _first(passing: Passing, rules: tuple[GateRule, ...]) -> ClosedGate | None:
    for rule in rules:
        if rule.look and any(rule.stands_before(verb, passing.decision.reach) for verb in passing.verbs):
            found = rule.look(passing)
            if found is not None:
                shut = Shut(found) if isinstance(found, str) else found
                return ClosedGate(gate=rule.gate, why=shut.why, seconds=shut.seconds, opens=shut.opens)
    return None


# ------------------------------------------------------------------------------------------------ the looks


def _plan_only(passing: Passing) -> str | None:
    return passing.account.plan_only()


def _read_only(passing: Passing) -> str | None:
    return passing.account.refusal_of(passing.verbs)


def _unproven(passing: Passing) -> str | None:
    return unproven_tags(passing.account)


def _kill_switch(passing: Passing) -> str | None:
    switch = passing.account.ledger.switch(passing.account.organization)
    if switch.stage is not Stage.EVERYTHING:
        return None
    return f"the kill switch is on ({switch.who}: {switch.why}); switch it off to go on"


def _hold(passing: Passing) -> str | None:
    """Of the item itself, or of what it belongs to: whoever took an occurrence over has its tags as well."""
    holds = passing.account.ledger.holds(passing.account.organization)
    held = holds.get(passing.decision.key) or holds.get(passing.decision.root)
    return f"{held.who} does this one by hand ({held.why}); end the hold to go on" if held else None


def _outage(passing: Passing) -> str | None:
    """What nobody confirmed (a status page alone) closes nothing: nobody could open it."""
    if passing.remedy is Remedy.HOLD_BACK:
        return None
    account, needs = passing.account, _needs(passing)
    for outage in account.ledger.outages(account.organization, [OutageState.OPEN, OutageState.ENDED]):
        if outage.service in needs and not outage.suspected:
            end = outage.end
            span = f"since {local(outage.start, account.zone)}"
            if outage.state is OutageState.ENDED and end is not None:
                span = f"until {local(end, account.zone)}, and that has not settled yet"
            return (
                f"{outage.service.value} is down again, {span} (outage {outage.id}); it goes on when detect_outages "
                "has seen it settled"
            )
    return None


def _needs(passing: Passing) -> frozenset[Service]:
    if passing.decision.kind is ItemKind.CAMPAIGN:
        return frozenset({Service.SENDING})
    job = passing.account.site.jobs_by_id.get(passing.decision.item_id.partition("@")[0])
    return frozenset(job.needs if job is not None else Service)


def _feed(passing: Passing) -> str | None:
    """A campaign waits for the repair of a job that makes its audience, until that has ended."""
    if not passing.decision.feeds:
        return None
    repairs = passing.account.ledger.open_repairs(passing.account.organization)
    for job_id in passing.decision.feeds:
        if any(one.state == RUNNING and one.root.startswith(f"occurrence:{job_id}@") for one in repairs):
            return (
                f"the repair of job {job_id}, which makes its audience, has not ended; "
                "reconcile again when it is confirmed"
            )
    return None


def _health(passing: Passing) -> str | None:
    """As the plan found it: a new plan looks again."""
    if passing.plan.health != "closed":
        return None
    return (
        "everything due after the outage hangs as well: an account hold? Ask the vendor, then reconcile again"
    )


def _guard_silent(passing: Passing) -> str | None:
    account = passing.account
    beat = account.ledger.heartbeat(GUARD)
    if beat is not None and account.now() - beat <= _heartbeat(account):
        return None
    last = f"last passed {local(beat, account.zone)}" if beat else "has never passed"
    return f"guard_repairs {last}; unpause it and wait for one pass: without a guard nothing is sent"


def at_any_hour(account: Account, plan: Plan, decision: Decision) -> bool:
    """Whether a person chose, in the question of this plan, that this item may mail outside the sending hours."""
    answer = account.ledger.answers(plan.hash).get(decision.key)
    return answer is not None and answer.choice.at_any_hour


def _sending_hours(passing: Passing) -> Shut | None:
    account, decision = passing.account, passing.decision
    now, (start, end) = account.now(), account.policy.sending_hours
    if is_open(account.policy, account.zone, now) or at_any_hour(account, passing.plan, decision):
        return None
    why = f"{local(now, account.zone)} is outside the sending hours {start} to {end}"
    opening = opens(account.policy, account.zone, now)
    if opening is None or (decision.send_by is not None and opening >= decision.send_by):
        late = (
            f", and after {local(decision.send_by, account.zone)} it is too late" if decision.send_by else ""
        )
        return Shut(f"{why}{late}; only «now», chosen in the next question, lets it go")
    return Shut(f"{why}; it goes on {local(opening, account.zone)}", opens=opening)


def _guard_behind(passing: Passing) -> Shut | None:
    """Worth waiting for, but not longer than the heartbeat counts: then only a person opens it."""
    account = passing.account
    beat, stopped = account.ledger.heartbeat(GUARD), _stopped_at(passing.action)
    if stopped is None or beat is None or beat > stopped:
        return None
    why = (
        f"guard_repairs last passed {local(beat, account.zone)}, and the original was stopped "
        f"{local(stopped, account.zone)}: unpause it and see that it can read Pro2; "
        "until it has seen the stopped original nothing is sent"
    )
    return Shut(why, (beat + _heartbeat(account) - account.now()).total_seconds())


def _heartbeat(account: Account) -> timedelta:
    return timedelta(seconds=account.policy.guard_heartbeat_seconds)


def _stopped_at(action: ActionRecord | None) -> datetime | None:
    """When the original of an action was stopped; None where it was not (rule R10b), or needs no stop."""
    stops = (action.step(verb) for verb in (Verb.STOP_CAMPAIGN, Verb.STOP_RUN)) if action else ()
    return max((at for stop in stops if stop is not None and (at := stop.when(State.DONE))), default=None)


# ------------------------------------------------------------------------------------------------ the table

_MAILS = "the others mail nobody"
GATES: tuple[GateRule, ...] = (
    GateRule(
        Gate.PLAN_ONLY,
        _plan_only,
        "this is not the ledger that a person adopted last, or the witness of that cannot be read",
        '`adopt --why "..."`, or bring the right ledger back; the sentence says which',
        early=True,
    ),
    GateRule(
        Gate.READ_ONLY,
        _read_only,
        "the connection of the verb is read-only; not for what a person presses",
        "set `read_only` to `false` in the extra of the connection",
        early=True,
    ),
    GateRule(
        Gate.UNPROVEN,
        _unproven,
        "it was not seen yet that a tag is written and taken back",
        '`capabilities accept write_tags --why "..."`',
        verbs=TAG_VERBS,
        others="a person is asked to press what rests on something unproven",
        early=True,
    ),
    GateRule(
        Gate.KILL_SWITCH,
        _kill_switch,
        "the kill switch is on «everything»; «schedules» only keeps detection from starting dag runs",
        '`switch off --why "..."`',
    ),
    GateRule(
        Gate.HOLD,
        _hold,
        "a person took the item over",
        "`release ITEM`",
        early=True,
    ),
    GateRule(
        Gate.OUTAGE,
        _outage,
        "a confirmed outage of a service that the item needs is open again, or has not settled; not for a hold back",
        "detection, once it has ended and settled; `ended NUMBER --at TIME` if a person declared it",
    ),
    GateRule(
        Gate.LIMIT,
        None,
        "the dag run has cleared `max_sends` resends, or `max_actions` of anything; the smallest audience goes first",
        "the next dag run, which `reconcile` starts itself",
        early=True,
    ),
    GateRule(
        Gate.FEED,
        _feed,
        "the repair of a job that makes its audience is under way",
        "the end of that repair; if it ends badly, the step ends",
        verbs=frozenset({Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN}),
        others="a stop needs no audience, and no job waits for another one's repair",
    ),
    GateRule(
        Gate.HEALTH,
        _health,
        "two or more campaigns that were due after the outage hang as well, and nothing was mailed since",
        "the vendor lifts the hold; the next plan looks again",
        verbs=SENDING_VERBS,
        if_inbox=AUTOMATION_VERBS,
        others=_MAILS,
    ),
    GateRule(
        Gate.GUARD_SILENT,
        _guard_silent,
        "`guard_repairs` has not passed for `guard_heartbeat_seconds`, or could not see an original whose copy waits",
        "unpause `guard_repairs`; its next pass",
        verbs=SENDING_VERBS,
        if_inbox=IMPORT_VERBS,
        others=f"{_MAILS}; of a tag the guard has nothing to watch",
    ),
    GateRule(
        Gate.SENDING_HOURS,
        _sending_hours,
        "the local time is outside `sending_hours`; not for what a person chose «now» for",
        "the clock; «now», chosen in the next question",
        verbs=SENDING_VERBS,
        if_inbox=AUTOMATION_VERBS,
        others=_MAILS,
    ),
    GateRule(
        Gate.GUARD_BEHIND,
        _guard_behind,
        "`guard_repairs` has not passed since the original was stopped",
        "its next pass, which the task waits for",
        verbs=SENDING_VERBS,
        if_inbox=IMPORT_VERBS,
        others="nothing was stopped before them",
    ),
)
"""Every gate, in the order in which they are read; of ``Gate`` each one once."""
