"""Keep watching the originals of everything that we repaired: the vendor warns that they may still go out.

One pass looks at each original once and beats the guard's heart; without a young heartbeat nothing is sent
(invariant 9). An original that wakes before its copy was sent may go: the resend is dropped, and the draft is
named. One that wakes afterwards is stopped again at once, each time, and an alarm tells the ids and counts
(``guard_looks``).

What a pass did is in the ledger before the next request leaves, so a guard that dies anywhere is followed by one that
goes on. An original that cannot be read is named; while its copy waits to be sent the heart does not beat.
"""

from __future__ import annotations

from datetime import timedelta

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.errors import NeverSent
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.guard_looks import look
from pro2_reconciliation.repair.guard_watch import Watch, copy_waits

CLOSE_WATCH = timedelta(hours=2)
"""So long after a repair, and while a copy waits to be sent, every pass looks; else every fifth minute."""
TIME_BOX = timedelta(seconds=150)
"""A pass that takes longer leaves the rest to the next one; below the timeout of its task."""


class GuardReport(Value):
    """What one pass did: how many originals it looked at, and a sentence for each alarm.

    ``plan_only``: why nothing may be done on this ledger; with ``lost`` another one is known, which this guard
    cannot see: what was repaired there is watched by nobody.
    """

    watched: int = 0
    alarms: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    plan_only: str = ""
    lost: bool = False


def guard_pass(account: Account) -> GuardReport:
    """Look at every original once. An original that cannot be read is named, and the pass goes on."""
    now = account.now()
    actions = account.ledger.guarded(account.organization, now - timedelta(hours=account.policy.guard_hours))
    originals = [a for a in actions if not a.by_guard]
    due = [a for a in originals if copy_waits(a) or now - a.last_moved <= CLOSE_WATCH or not now.minute % 5]
    if not due:
        account.ledger.beat(GUARD, now)
        plan_only, lost = _remember(account)
        return GuardReport(plan_only=plan_only, lost=lost)
    watch = Watch.over(account, due, [a for a in actions if a.by_guard])
    unread: dict[str, str] = {}
    for action in sorted(due, key=lambda a: (not copy_waits(a), now - a.last_moved)):
        if account.now() - now > TIME_BOX:
            unread[action.id] = f"the pass ended after {TIME_BOX.total_seconds():g} s; the next one looks"
            continue
        try:
            look(watch, action)
        except Exception as error:  # whatever it is, it must not hide the other originals
            unread[action.id] = str(error) or type(error).__name__
    blind = [a for a in due if a.id in unread and copy_waits(a)]
    if not blind and len(unread) < len(due):
        account.ledger.beat(
            GUARD, now
        )  # a guard that cannot see the original of what is about to go is no guard
    plan_only, lost = _remember(account)
    names = {a.id: f"{a.name} ({a.item_id})" for a in due}
    return GuardReport(
        watched=len(due),
        alarms=tuple(watch.alarms.told),
        unread=tuple(f"{names[key]}: {why}" for key, why in unread.items()),
        plan_only=plan_only,
        lost=lost,
    )


def _remember(account: Account) -> tuple[str, bool]:
    """Tell the witness how much this ledger holds: why it allows plans only, and whether another one is known."""
    try:
        account.remember()
    except NeverSent as error:
        return str(error), account.ledger.identity.adopted_at is not None or account.another_is_known()
    return "", False
