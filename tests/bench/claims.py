"""What the looks of gates, plans and reports cost among claims of long ago: ours beside reading all and filtering.

Both stand in the same ledger and find the same. It has N actions of three steps that ended long ago, and three that
are under way; what a look finds is the same at every N, so its cost should be. On SQLite and on PostgreSQL.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import insert
from tests.bench.table import Row, at_most
from tests.claims import every_action
from tests.system import postgres

from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger import LIVE, ActionKey, Ledger, State
from pro2_reconciliation.ledger.action_tables import ActionRow, MoveRow, StepRow

Look: TypeAlias = Callable[[Ledger], Any]
SIZES = (100, 1_000, 3_000, 10_000)
LEAST_MS = 10.0
"""Below this a look is a handful of statements, and its ratio to another is the machine's mood."""
GROWS = 3.0
"""So many times longer may a look take among a hundred times as many ended actions: an index grows a little."""
VERBS = (Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN)
WALK = (State.PLANNED, State.CLEARED, State.CLAIMED, State.INTENDED, State.DONE, State.CONFIRMED)
NOW = datetime(2026, 11, 24, 21, 5, tzinfo=UTC)
ROOTS = tuple(f"campaign:{number}" for number in range(40))
"""What a plan of forty items asks about."""
COPIES = tuple(str(number) for number in range(50_000, 50_040))
LOOKS: dict[str, tuple[Look, Look | None]] = {
    "standing_in": (
        lambda ledger: ledger.standing_in("playhouse", LIVE),
        lambda ledger: [one for one in every_action(ledger) if one.live],
    ),
    "open_repairs": (
        lambda ledger: ledger.open_repairs("playhouse"),
        lambda ledger: [
            one for one in every_action(ledger) if one.had_effect and one.state != State.CONFIRMED
        ],
    ),
    "actions_of 40": (
        lambda ledger: ledger.actions_of("playhouse", *ROOTS),
        lambda ledger: [one for one in every_action(ledger) if one.root in ROOTS],
    ),
    "actions_on 40": (
        lambda ledger: ledger.actions_on("playhouse", *ROOTS),
        lambda ledger: [one for one in every_action(ledger) if one.item_key in ROOTS],
    ),
    "copies_among 40": (
        lambda ledger: ledger.copies_among("playhouse", COPIES),
        lambda ledger: {
            step.remote_id: one.root
            for one in every_action(ledger)
            for step in one.steps
            if step.remote_id in COPIES
        },
    ),
    "picture": (lambda ledger: ledger.picture(), None),
}
"""Each beside reading all. The picture of the witness counts all moves: it grows, and has no peer (docs/scale.md)."""
TIMES = 9


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        rows = _measured("SQLite", f"sqlite:///{folder}/ledger.db")
        server = postgres.start(Path(folder) / "pg")
        try:
            server.psql("CREATE DATABASE claims;")
            return rows + _measured("PostgreSQL", server.get_uri("claims"))
        finally:
            server.cleanup()


def _measured(database: str, url: str) -> list[Row]:
    ledger = Ledger.open(url, clock=lambda: NOW)
    ledger.adopt("bench")
    for number in range(3):
        _under_way(ledger, f"campaign:{number}")
    rows, ended, first = [], 0, dict[str, float]()
    for size in SIZES:
        _ended(ledger, ended, size)
        ended = size
        if database == "PostgreSQL":  # as autovacuum does by itself; so many rows at once are not the rule
            with ledger._engine.begin() as connection:
                connection.exec_driver_sql("ANALYZE")
        for look, (ours, peer) in LOOKS.items():
            what = f"{database}, {look} among {size:,}"
            took, found = _ms(ours, ledger, TIMES)
            first.setdefault(look, max(took, LEAST_MS))
            if peer is None:
                rows.append(Row("claims", what, took, unit="ms", runs=TIMES))
                continue
            filtering, wanted = _ms(peer, ledger, 1)
            assert found == wanted, what
            rows.append(Row("claims", what, took, filtering, "ms"))
            if size == SIZES[-1]:
                grown = Row(
                    "claims", f"{what}, beside {SIZES[0]}", took, first[look], "ms", "ours/peer", runs=TIMES
                )
                rows.append(at_most(grown, GROWS))
    ledger.close()
    return rows


def _ms(look: Look, ledger: Ledger, times: int) -> tuple[float, Any]:
    """The median in milliseconds, and what was found."""
    took, found = [], None
    for _ in range(times):
        began = time.perf_counter()
        found = look(ledger)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000, found


def _under_way(ledger: Ledger, root: str) -> None:
    action = ledger.register(
        ActionKey("playhouse", root, Remedy.RESEND),
        kind="campaign",
        item_id=root.partition(":")[2],
        name="Opening night",
        verbs=VERBS,
        fingerprint="f1",
        plan_hash="p1",
        to=State.CLEARED,
        who="clear",
        why="chosen by Ada",
    )
    claim = ledger.claim(action.steps[0].id, "bench", 60)
    assert claim is not None
    ledger.intend(claim, fingerprint="f1")


def _ended(ledger: Ledger, first: int, last: int) -> None:
    """Resends of long ago, proven: what ``register`` and the lanes would have written, in a few statements."""
    actions, steps, moves = [], [], []
    for number in range(first, last):
        at = NOW - timedelta(days=400) + timedelta(minutes=number)
        name = f"playhouse/campaign:{number + 1000}/resend/1"
        actions.append(
            {
                "id": name,
                "organization": "playhouse",
                "root": f"campaign:{number + 1000}",
                "kind": "campaign",
                "item_id": str(number + 1000),
                "name": "Opening night",
                "remedy": "resend",
                "generation": 1,
                "fingerprint": "f1",
                "plan_hash": f"p{number // 3}",
                "created_at": at,
                "requested_by": "Ada",
            }
        )
        for place, verb in enumerate(VERBS):
            step = 1_000 + number * 3 + place
            steps.append({"id": step, "action_id": name, "verb": verb.value, "attempt": 1, "ordinal": place})
            moves += [
                {
                    "step_id": step,
                    "from_state": was.value if was else None,
                    "to_state": to.value,
                    "who": "task",
                    "why": "C11: pending",
                    "at": at,
                    "remote_id": str(50_000 + number)
                    if verb is Verb.COPY_CAMPAIGN and to is State.DONE
                    else None,
                    "details": None,
                }
                for was, to in zip((None, *WALK), WALK, strict=False)
            ]
    with ledger._write() as session:
        for table, rows in ((ActionRow, actions), (StepRow, steps), (MoveRow, moves)):
            session.execute(insert(table), rows)
