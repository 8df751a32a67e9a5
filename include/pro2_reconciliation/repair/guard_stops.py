"""The stops that the guard makes by itself: each an action of its own, with intent before effect like every other.

Every time an original wakes it is stopped again, at most ``MOST_STOPS`` times; then only a person is asked. A stop
mails nobody and may be asked for twice, so after a death the next pass takes over where this one broke off: what was
never sent is sent, and what may have been sent is asked for anew, because the original is seen to be going. Two guards
at once: one holds the lease and the other leaves it to him.

How it fails: ``LedgerError`` when a lease was lost; then whoever took over goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from pro2_reconciliation.domain.errors import Ambiguous, LedgerError, NeverSent, Refused, RequestError
from pro2_reconciliation.domain.states import STOPPED_STATUSES
from pro2_reconciliation.domain.words import CampaignStatus, Remedy, Verb
from pro2_reconciliation.ledger import BY_GUARD, ActionKey, ActionRecord, Claim, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.wire.deadline import Deadline, leaving_by

MOST_STOPS = 5
"""So often an original is stopped again; one that wakes after that needs a person."""
LEASE_SECONDS = 50.0
"""Below the minute between two passes: the next one goes on where a dead guard was."""
AGAIN = "/woke-"
"""Between the root of a lineage and the number of the wake: each wake is a decision of its own."""
_OVER = frozenset(
    {
        State.CONFIRMED,
        State.NEEDS_HUMAN,
        State.FAILED,
        State.CLOSED,
        State.SKIPPED,
        State.STALE,
        State.DECLINED,
    }
)


@dataclass(frozen=True)
class Stopped:
    """``number``: which wake this is, from 1. ``text`` None: somebody else is stopping it, and tells it.

    ``asked``: a request left. ``refused``: we may not stop it.
    """

    number: int
    text: str | None
    asked: bool = False
    refused: bool = False


def wake_of(stop: ActionRecord) -> tuple[str, int]:
    """The root and the number of the wake that one of the guard's own stops belongs to."""
    root, _, number = stop.root.rpartition(AGAIN)
    return (root, int(number)) if root else (stop.root, 1)


def stop_again(account: Account, action: ActionRecord) -> Stopped:
    """Stop the woken original of ``action``; the caller has just seen that it is going."""
    number, open_stop = _open_stop(account, action)
    if open_stop is None:
        return Stopped(
            number,
            f"it was stopped again {MOST_STOPS} times and woke each time: stop it in Pro2 by hand, NOW",
            refused=True,
        )
    step = open_stop.step(Verb.STOP_CAMPAIGN)
    claim = account.ledger.claim(step.id, account.owner, LEASE_SECONDS) if step else None
    if step is None or claim is None:
        return Stopped(number, None)
    try:
        if claim.state in (State.INTENDED, State.AMBIGUOUS):  # of a guard that died; it did not take
            step, claim = _anew(account, step, claim)
        account.ledger.intend(claim, fingerprint=open_stop.fingerprint)
        return Stopped(number, _request(account, action, step, claim), asked=True)
    finally:
        account.ledger.release(claim)


def settle(account: Account, stop: ActionRecord, status: CampaignStatus) -> str:
    """Write down what the world shows of a stop whose record broke off; ``status`` is the original's, not going.

    Out: the words for the alarm. An original that completed all the same was not stopped, and its stop ends.
    """
    step = stop.step(Verb.STOP_CAMPAIGN)
    if step is None:
        return "it is over"
    why, who, ledger = f"the original is {status.value}", account.owner, account.ledger
    took = status in STOPPED_STATUSES
    if step.state in (State.INTENDED, State.AMBIGUOUS):
        claim = ledger.claim(step.id, who, LEASE_SECONDS)
        if claim is None:
            return "somebody is stopping it again"
        ledger.move(step.id, State.DONE if took else State.NEEDS_HUMAN, who=who, why=why, claim=claim)
        ledger.release(claim)
    if ledger.step(step.id).state is State.DONE:
        ledger.move(step.id, State.CONFIRMED if took else State.NEEDS_HUMAN, who=who, why=why)
    confirmed = ledger.step(step.id).state is State.CONFIRMED
    return "it was stopped again" if confirmed else f"it was NOT stopped again, it is {status.value}"


def _open_stop(account: Account, action: ActionRecord) -> tuple[int, ActionRecord | None]:
    """The stop of this wake: one that is under way, else a new one; None after too many."""
    ledger, who = account.ledger, account.owner
    for number in range(1, MOST_STOPS + 1):
        key = ActionKey(account.organization, f"{action.root}{AGAIN}{number}", Remedy.HOLD_BACK, 1)
        known = ledger.action(key.id)
        step = known.step(Verb.STOP_CAMPAIGN) if known else None
        if known is not None and step is not None:
            if step.state in _OVER:
                continue
            if step.state is State.DONE:
                ledger.move(step.id, State.NEEDS_HUMAN, who=who, why="the original goes again, or still")
                continue
            if step.state is State.NOT_DONE:
                ledger.retry_step(step.id, who, f"not done: {step.moves[-1].why}")
            return number, ledger.action(key.id)
        return number, ledger.register(
            key,
            kind=action.kind,
            item_id=action.item_id,
            name=action.name,
            verbs=(Verb.STOP_CAMPAIGN,),
            fingerprint=BY_GUARD,
            plan_hash=action.plan_hash,
            to=State.CLEARED,
            who=who,
            why=f"the original of {action.id} woke up",
        )
    return MOST_STOPS + 1, None


def _anew(account: Account, step: StepRecord, claim: Claim) -> tuple[StepRecord, Claim]:
    """Another attempt at a stop that may have been sent but shows no effect."""
    ledger, who = account.ledger, account.owner
    ledger.move(step.id, State.NOT_DONE, who=who, why="the original is seen to be going", claim=claim)
    ledger.release(claim)
    again = ledger.retry_step(step.id, who, "the guard that asked for it is gone, or its answer was lost")
    taken = ledger.claim(again.id, who, LEASE_SECONDS)
    if taken is None:
        raise LedgerError(f"another guard took the stop of {step.action_id} over; it goes on with it")
    return again, taken


def _request(account: Account, action: ActionRecord, step: StepRecord, claim: Claim) -> str:
    ledger, who = account.ledger, account.owner

    def note(to: State, why: str) -> None:
        ledger.move(step.id, to, who=who, why=why, claim=claim)

    lost = ""
    try:
        with leaving_by(Deadline(claim.expires_at, account.now)):
            account.campaigns.stop(action.item_id)
    except Ambiguous as error:
        note(State.AMBIGUOUS, str(error))
        lost = "it is not known whether it stopped again; the next pass looks"
    except (NeverSent, Refused) as error:
        note(State.NOT_DONE, str(error))
        return f"it could NOT be stopped again yet, the next pass tries: {error}"
    except RequestError as error:
        note(State.NOT_DONE, str(error))
        return f"it could NOT be stopped again, stop it in Pro2 by hand, NOW; each pass tries: {error}"
    else:
        note(State.DONE, "stopped again")
    try:
        campaign = account.campaigns.get(action.item_id)
    except RequestError:
        campaign = None
    if campaign is None or campaign.status not in STOPPED_STATUSES:
        return lost or "it was stopped again, but does not show it yet; the next pass looks"
    if lost:
        note(State.DONE, f"{campaign.status.value} after the second stop")
    note(State.CONFIRMED, f"{campaign.status.value} after the second stop")
    return "it was stopped again"
