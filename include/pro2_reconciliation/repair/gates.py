"""The gates that every step passes: each says which one is closed and how to open it.

A closed gate leaves the step as it is, CLEARED: nothing is lost, and the report names the gate. Gates are read
before each STEP, because a person may close one between a stop and a send (invariants 6, 9 and 10).
"""

from __future__ import annotations

from datetime import timedelta

from pro2_reconciliation.domain.localtime import find_zone, local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import RUNNING, Stage
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import SENDING_VERBS

GUARD = "guard_repairs"
"""The name under which the guard's passes beat in the ledger."""


def closed_gate(account: Account, plan: Plan, decision: Decision, verb: Verb) -> str | None:
    """The sentence of the first closed gate, or None when the step may go on.

    Raises ``LedgerError`` if this is not the ledger that the plan was built on.
    """
    account.ledger.require_identity(plan.ledger_uuid, plan.ledger_epoch)
    refusal = account.plan_only() or account.refusal_of([verb])
    if refusal:
        return refusal
    switch = account.ledger.switch(account.organization)
    if switch.stage is Stage.EVERYTHING:
        return f"the kill switch is on ({switch.who}: {switch.why}); switch it off to go on"
    held = account.ledger.held(account.organization, decision.key)
    if held is not None:
        return f"{held.who} does this one by hand ({held.why}); end the hold to go on"
    feed = _feed_under_way(account, decision) if verb in (Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN) else None
    if feed is not None:
        return feed
    if verb not in SENDING_VERBS:
        return None
    if plan.health == "closed":
        return "everything due after the outage hangs as well: an account hold? Ask the vendor, then reconcile again"
    now = account.now()
    beat = account.ledger.heartbeat(GUARD)
    limit = timedelta(seconds=account.policy.guard_heartbeat_seconds)
    if beat is None or now - beat > limit:
        last = f"last passed {local(beat, account.zone)}" if beat else "has never passed"
        return f"guard_repairs {last}; unpause it and wait for one pass: without a guard nothing is sent"
    wall = now.astimezone(find_zone(account.zone))
    if not account.policy.in_sending_hours(wall):
        start, end = account.policy.sending_hours
        return f"{wall:%H:%M %Z} is outside the sending hours {start} to {end}; it goes on at {start}"
    return None


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
