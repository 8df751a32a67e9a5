"""Try what is due to be told: taken with a lease, tried once within a time limit, ended with what became of it.

A kind that is no alarm is told at most once where its arrival is doubtful; an alarm is tried again until it surely
arrived. What provably did not arrive is tried again for both. Every way ends after a number of tries (ADR 0011).

How it fails: ``LedgerError``. What the sender runs into is an outcome, never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.notifications import NotificationKind
from pro2_reconciliation.ledger import Delivery, DeliveryState, Ledger

LEASE_SECONDS = 60.0
"""Longer than any sender's time limit."""
WAITS = (1, 5, 15, 60)
ALARM_WAITS = (1, 1, 2, 5, 5, 10, 15, 30, 60, 60, 60)
"""Minutes before the second try, the third, ...; the last try has none behind it."""
MOST_AT_ONCE = 20
"""Deliveries of one pass; the rest is the next one's."""


@dataclass(frozen=True)
class Outcome:
    """What became of a message at one address: ``SENT``, ``REFUSED`` or ``UNKNOWN``; ``said`` in words, no address."""

    state: DeliveryState
    said: str = ""


Outcomes = Mapping[str, Outcome]
"""By the position of the address in its connection."""
Send = Callable[[Sequence[Delivery]], Sequence[Outcomes]]
"""Tries all at once; out: what became of each, in order. It never raises and keeps a time limit of its own."""


def left_of(delivery: Delivery, positions: Sequence[str]) -> tuple[str, ...]:
    """The addresses that are still to be tried: not where it arrived, nor, unless it is an alarm, where it may have."""
    over = {DeliveryState.SENT.value}
    if not _alarm(delivery):
        over.add(DeliveryState.UNKNOWN.value)
    return tuple(one for one in positions if delivery.outcomes.get(one) not in over)


def deliver_due(ledger: Ledger, organization: str, zone: str, send: Send) -> list[str]:
    """Try everything that is due; a sentence for each. Out: none where nothing was due."""
    taken: list[Delivery] = []
    told: list[str] = []
    for due in ledger.due_deliveries(organization)[:MOST_AT_ONCE]:
        mine = ledger.begin_delivery(due.notification_id, due.connection, LEASE_SECONDS)
        if mine is None:
            continue  # another process is at it
        if mine.taken_over and not _alarm(mine):
            lost = Outcome(DeliveryState.UNKNOWN, "whoever told it was stopped before the answer came")
            told.append(_end(ledger, mine, {"": lost}, zone))
            continue
        taken.append(mine)
    if not taken:
        return told
    for mine, outcomes in zip(taken, send(taken), strict=True):
        told.append(_end(ledger, mine, outcomes, zone))
    return told


def _end(ledger: Ledger, mine: Delivery, outcomes: Outcomes, zone: str) -> str:
    kept = {one: state for one, state in mine.outcomes.items() if one and one not in outcomes}
    merged = {**kept, **{one: outcome.state.value for one, outcome in outcomes.items()}}
    state = _worst(mine, merged)
    said = "; ".join(dict.fromkeys(outcome.said for outcome in outcomes.values() if outcome.said))
    waits = ALARM_WAITS if _alarm(mine) else WAITS
    again = state is DeliveryState.REFUSED or (state is DeliveryState.UNKNOWN and _alarm(mine))
    again_at = (
        ledger.now() + timedelta(minutes=waits[mine.tries - 1])
        if again and mine.tries <= len(waits)
        else None
    )
    ledger.end_delivery(mine, state, outcomes=merged, said=said, again_at=again_at)
    name = f"{mine.connection} «{mine.body.get('title', mine.kind)}»"
    if state is DeliveryState.SENT:
        return f"Told {name}"
    more = f"it is tried again {local(again_at, zone)}" if again_at else "it is not tried again"
    doubt = "was perhaps not told" if state is DeliveryState.UNKNOWN else "was not told"
    return (
        f"{mine.connection} {doubt} «{mine.body.get('title', mine.kind)}» (try {mine.tries}): {said}; {more}"
    )


def _worst(mine: Delivery, outcomes: Mapping[str, str]) -> DeliveryState:
    """Refused somewhere: there is something to try again; else doubtful somewhere; else it arrived everywhere."""
    for state in (DeliveryState.REFUSED, DeliveryState.UNKNOWN):
        if state.value in outcomes.values():
            return state
    return DeliveryState.SENT if outcomes else DeliveryState.UNKNOWN


def _alarm(delivery: Delivery) -> bool:
    return NotificationKind(delivery.kind).alarm
