"""The gates that every step passes: each says which one is closed and how to open it.

A closed gate leaves the step as it is, CLEARED: nothing is lost, and the report names the gate. Gates are read
before each STEP, because a person may close one between a stop and a send (invariants 6, 9 and 10).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.sending_hours import is_open, opens
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import RUNNING, ActionRecord, Stage, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import SENDING_VERBS

GUARD = "guard_repairs"
"""The name under which the guard's passes beat in the ledger."""


class Gate(StrEnum):
    """Every gate, in the order in which they are read; the last five are for copies and sends."""

    PLAN_ONLY = "plan_only"
    READ_ONLY = "read_only"
    KILL_SWITCH = "kill_switch"
    HOLD = "hold"
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


def closed_gate(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, verb: Verb
) -> ClosedGate | None:
    """The first closed gate before a step of ``action``, or None when it may go on.

    Raises ``LedgerError`` if this is not the ledger that the plan was built on.
    """
    account.ledger.require_identity(plan.ledger_uuid, plan.ledger_epoch)
    refusal = account.plan_only()
    if refusal:
        return ClosedGate(gate=Gate.PLAN_ONLY, why=refusal)
    refusal = account.refusal_of([verb])
    if refusal:
        return ClosedGate(gate=Gate.READ_ONLY, why=refusal)
    switch = account.ledger.switch(account.organization)
    if switch.stage is Stage.EVERYTHING:
        why = f"the kill switch is on ({switch.who}: {switch.why}); switch it off to go on"
        return ClosedGate(gate=Gate.KILL_SWITCH, why=why)
    held = account.ledger.held(account.organization, decision.key)
    if held is not None:
        why = f"{held.who} does this one by hand ({held.why}); end the hold to go on"
        return ClosedGate(gate=Gate.HOLD, why=why)
    feed = _feed_under_way(account, decision) if verb in (Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN) else None
    if feed is not None:
        return ClosedGate(gate=Gate.FEED, why=feed)
    if verb not in SENDING_VERBS:
        return None
    if plan.health == "closed":
        why = "everything due after the outage hangs as well: an account hold? Ask the vendor, then reconcile again"
        return ClosedGate(gate=Gate.HEALTH, why=why)
    now = account.now()
    beat = account.ledger.heartbeat(GUARD)
    limit = timedelta(seconds=account.policy.guard_heartbeat_seconds)
    if beat is None or now - beat > limit:
        last = f"last passed {local(beat, account.zone)}" if beat else "has never passed"
        why = f"guard_repairs {last}; unpause it and wait for one pass: without a guard nothing is sent"
        return ClosedGate(gate=Gate.GUARD_SILENT, why=why)
    hours = _outside_the_hours(account, plan, decision)
    if hours is not None:
        return hours
    stopped = _stopped_at(action)
    if stopped is not None and beat <= stopped:
        why = (
            f"guard_repairs last passed {local(beat, account.zone)}, and the original was stopped "
            f"{local(stopped, account.zone)}: unpause it and see that it can read Pro2; "
            "until it has seen the stopped original nothing is sent"
        )
        # when the heartbeat is too old as well, only a person opens it
        return ClosedGate(gate=Gate.GUARD_BEHIND, why=why, seconds=(beat + limit - now).total_seconds())
    return None


def at_any_hour(account: Account, plan: Plan, decision: Decision) -> bool:
    """Whether a person chose, in the question of this plan, that this item may mail outside the sending hours."""
    answer = account.ledger.answers(plan.hash).get(decision.key)
    return answer is not None and answer.choice.at_any_hour


def _outside_the_hours(account: Account, plan: Plan, decision: Decision) -> ClosedGate | None:
    now, (start, end) = account.now(), account.policy.sending_hours
    if is_open(account.policy, account.zone, now) or at_any_hour(account, plan, decision):
        return None
    why = f"{local(now, account.zone)} is outside the sending hours {start} to {end}"
    opening = opens(account.policy, account.zone, now)
    if opening is None or (decision.send_by is not None and opening >= decision.send_by):
        late = (
            f", and after {local(decision.send_by, account.zone)} it is too late" if decision.send_by else ""
        )
        why = f"{why}{late}; only «now», chosen in the next question, sends it"
        return ClosedGate(gate=Gate.SENDING_HOURS, why=why)
    why = f"{why}; it goes on {local(opening, account.zone)}"
    return ClosedGate(gate=Gate.SENDING_HOURS, why=why, opens=opening)


def _stopped_at(action: ActionRecord) -> datetime | None:
    """When the original of an action was stopped; None where it was not (rule R10b), or needs no stop."""
    stops = (action.step(verb) for verb in (Verb.STOP_CAMPAIGN, Verb.STOP_RUN))
    return max((at for stop in stops if stop is not None and (at := stop.when(State.DONE))), default=None)


def _feed_under_way(account: Account, decision: Decision) -> str | None:
    """A campaign waits for the repair of a job that makes its audience, until that has ended."""
    for job_id in decision.feeds:
        for action in account.ledger.actions(account.organization):
            if (
                action.root.startswith(f"occurrence:{job_id}@")
                and action.had_effect
                and action.state == RUNNING
            ):
                return (
                    f"the repair of job {job_id}, which makes its audience, has not ended; "
                    "reconcile again when it is confirmed"
                )
    return None
