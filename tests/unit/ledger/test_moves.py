"""Who moves a step out of order is refused, by the database itself."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import IntegrityError

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger import ALLOWED_MOVES, Ledger, State
from pro2_reconciliation.ledger.columns import Base
from pro2_reconciliation.ledger.migrate import VERSION_TABLE
from pro2_reconciliation.ledger.moves import ENDED, LIVE, OPEN, START, TERMINAL

INSERT = text(
    "INSERT INTO move (step_id, from_state, to_state, who, why, at) VALUES (:step, :was, :to, 'x', 'x', :at)"
)


@pytest.fixture
def raw(url, ledger):
    """A connection that knows nothing of our code, only of SQLite's foreign keys."""
    engine = create_engine(url)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    yield engine
    engine.dispose()


def insert(engine, step, was, to):
    with engine.begin() as connection:
        connection.execute(
            INSERT, {"step": step, "was": was, "to": to, "at": datetime.now(UTC).isoformat(" ")[:26]}
        )


def test_the_database_has_the_moves_of_the_code(raw):
    with raw.connect() as connection:
        stored = {
            tuple(row) for row in connection.execute(text("SELECT from_state, to_state FROM allowed_move"))
        }
    assert stored == {
        (was, to) for was, following in ALLOWED_MOVES.items() if was != START for to in following
    }


def test_the_migration_makes_the_tables_of_the_code(raw):
    with raw.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []


def test_the_sets_of_states():
    assert {State.DECLINED, State.SKIPPED, State.CONFIRMED, State.CLOSED} == TERMINAL
    assert set(State) == OPEN | TERMINAL == LIVE | ENDED
    assert not OPEN & TERMINAL
    assert not LIVE & ENDED
    assert TERMINAL < ENDED


@pytest.mark.parametrize("to", [state for state in State if state not in ALLOWED_MOVES[State.CLEARED]])
def test_an_illegal_move_is_refused_by_the_database(raw, stop, to):
    with pytest.raises(IntegrityError):
        insert(raw, stop.id, "cleared", to.value)


def test_a_legal_move_is_accepted_by_the_database(raw, ledger, stop):
    insert(raw, stop.id, "cleared", "claimed")
    assert ledger.step(stop.id).state is State.CLAIMED


def test_a_second_claim_is_refused_by_the_database(raw, ledger, stop):
    assert ledger.claim(stop.id, "first", 60)
    with pytest.raises(IntegrityError):
        insert(raw, stop.id, "cleared", "claimed")
    with pytest.raises(IntegrityError):
        insert(raw, stop.id, "cleared", "stale")


def test_a_move_from_a_state_that_the_step_is_not_in_is_refused_by_the_database(raw, stop):
    with pytest.raises(IntegrityError):
        insert(raw, stop.id, "claimed", "intended")


@pytest.mark.parametrize(
    ("was", "to"), [(None, "cleared"), (None, "claimed"), ("planned", "cleared"), ("cleared", "claimed")]
)
def test_a_step_that_was_never_planned_is_refused_by_the_database(raw, stop, was, to):
    with raw.begin() as connection:
        connection.execute(
            text("INSERT INTO step (action_id, verb, attempt, ordinal) VALUES (:a, 'send_campaign', 7, 0)"),
            {"a": stop.action_id},
        )
        unplanned = connection.execute(text("SELECT max(id) FROM step")).scalar_one()
    with pytest.raises(IntegrityError):
        insert(raw, unplanned, was, to)


def test_a_step_that_does_not_exist_is_refused(raw, ledger):
    with pytest.raises(IntegrityError):
        insert(raw, 4711, None, "planned")
    with pytest.raises(LedgerError, match="no step 4711"):
        ledger.claim(4711, "someone", 60)
    with pytest.raises(LedgerError, match="no step 4711"):
        ledger.move(4711, State.DONE, who="x", why="x")


def test_a_step_is_planned_once(raw, stop):
    with pytest.raises(IntegrityError):
        insert(raw, stop.id, None, "planned")


@pytest.mark.parametrize("statement", ["UPDATE move SET who = 'somebody else'", "DELETE FROM move"])
def test_what_happened_cannot_be_changed(raw, stop, statement):
    with pytest.raises(IntegrityError, match="append-only"), raw.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("was", "to"),
    [
        (was, to)
        for was, to in product((State.DONE, State.NEEDS_HUMAN, State.FAILED, State.NOT_DONE), State)
        if to not in ALLOWED_MOVES[was] and to not in (State.CLAIMED, State.INTENDED)
    ],
)
def test_the_ledger_refuses_in_words(ledger, stop, drive, was, to):
    drive(stop, was)
    with pytest.raises(LedgerError, match=f"is {was} and cannot become {to}; possible are: "):
        ledger.move(stop.id, to, who="x", why="x")
    assert ledger.step(stop.id).state is was


@pytest.mark.parametrize("to", [State.CLAIMED, State.INTENDED])
def test_claim_and_intent_have_methods_of_their_own(ledger, stop, to):
    with pytest.raises(LedgerError, match="use claim and intend"):
        ledger.move(stop.id, to, who="x", why="x")


def test_moves_are_told_in_order_though_the_clock_stands_still(ledger: Ledger, stop, drive):
    step = drive(stop, State.AMBIGUOUS, State.DONE, State.CONFIRMED)
    assert [move.to_state.value for move in step.moves] == [
        "planned",
        "cleared",
        "claimed",
        "intended",
        "ambiguous",
        "done",
        "confirmed",
    ]
    assert step.moves[0].from_state is None
    assert all(
        later.from_state is earlier.to_state
        for earlier, later in zip(step.moves, step.moves[1:], strict=False)
    )
