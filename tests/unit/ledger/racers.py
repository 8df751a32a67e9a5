"""What the racing processes run. A module of its own, so that a fresh process can import it."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from typing import Any

from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger import ActionKey, Ledger, State


def now() -> datetime:
    return datetime.now(UTC)


def race(target: Any, url: str, racers: int, *more: Any) -> list[Any]:
    """The results of ``target(url, number, gate, *more)`` in so many fresh processes that start together."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        gate = manager.Barrier(racers)
        with context.Pool(racers) as pool:
            waiting = [pool.apply_async(target, (url, number, gate, *more)) for number in range(racers)]
            return [result.get(timeout=60) for result in waiting]


def open_together(url: str, number: int, gate: Any) -> str:
    gate.wait(timeout=60)
    ledger = Ledger.open(url, clock=now)
    return ledger.identity.uuid


def adopt_together(url: str, number: int, gate: Any) -> int:
    """The epoch that this racer began."""
    ledger = Ledger.open(url, clock=now)
    gate.wait(timeout=60)
    return ledger.adopt(f"racer {number}", "race").epoch


def repeat_together(url: str, number: int, gate: Any) -> tuple[int, str]:
    """The generation that this racer was allowed, and who stands as having asked for it."""
    ledger = Ledger.open(url, clock=now)
    gate.wait(timeout=60)
    again = ledger.repeat("playhouse", "campaign:1", f"racer {number}", "race")
    return again.generation, again.who


def one_that_failed(url: str) -> None:
    """An action on campaign 1 that had an effect and ended."""
    ledger = Ledger.open(url, clock=now)
    action = ledger.register(
        ActionKey("playhouse", "campaign:1", Remedy.HOLD_BACK, 1),
        kind="campaign",
        item_id="1",
        name="Opening night",
        verbs=(Verb.STOP_CAMPAIGN,),
        fingerprint="f1",
        plan_hash="p1",
        to=State.CLEARED,
        who="x",
        why="race",
    )
    claim = ledger.claim(action.steps[0].id, "x", 600)
    assert claim is not None
    ledger.intend(claim, fingerprint="f1")
    ledger.move(action.steps[0].id, State.FAILED, who="x", why="refused", claim=claim)
    ledger.close()


def register_and_claim(url: str, number: int, gate: Any, actions: int) -> tuple[int, list[int]]:
    """How many actions this racer wrote, and the steps it won."""
    ledger = Ledger.open(url, clock=now)
    gate.wait(timeout=60)
    written, won = 0, []
    for campaign in range(actions):
        action = ledger.register(
            ActionKey("playhouse", f"campaign:{campaign}", Remedy.RESEND, 1),
            kind="campaign",
            item_id=str(campaign),
            name="Opening night",
            verbs=(Verb.SEND_CAMPAIGN,),
            fingerprint="f1",
            plan_hash="p1",
            to=State.CLEARED,
            who=f"racer {number}",
            why="race",
        )
        written += not action.joined
        claim = ledger.claim(action.steps[0].id, f"racer {number}", 600)
        if claim is not None:
            ledger.intend(claim, fingerprint="f1")
            won.append(action.steps[0].id)
    ledger.close()
    return written, won


def tell_together(url: str, number: int, gate: Any, news: int) -> tuple[list[str], list[int]]:
    """The subjects that this racer told of, and the deliveries that it took."""
    ledger = Ledger.open(url, clock=now)
    gate.wait(timeout=60)
    told: list[str] = []
    for subject in range(news):
        told += ledger.announce(
            "playhouse", "finished", {f"run-{subject}": 1}, lambda new: {"title": str(new)}, ("chat",)
        )
    gate.wait(timeout=60)
    taken = []
    for due in ledger.due_deliveries("playhouse"):
        mine = ledger.begin_delivery(due.notification_id, due.connection, 600)
        if mine is not None:
            taken.append(mine.notification_id)
    ledger.close()
    return told, taken
