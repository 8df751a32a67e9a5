"""A narrow look finds what reading every action and filtering would find, and reads nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from tests.unit.ledger.filtering import EVENTS, ITEMS, VERBS, live_through, same_as_filtering_all

from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger import LIVE, Ledger, State
from pro2_reconciliation.ledger.action_tables import ActionRow

LOOKS = {
    "standing_in": lambda ledger: ledger.standing_in("playhouse", LIVE),
    "open_repairs": lambda ledger: ledger.open_repairs("playhouse"),
    "actions_of": lambda ledger: ledger.actions_of("playhouse", "campaign:103", "campaign:404"),
    "actions_on": lambda ledger: ledger.actions_on("playhouse", "campaign:103", "campaign:404"),
}


@contextmanager
def asked_for(ledger: Ledger) -> Iterator[tuple[list[object], list[tuple[str, object]]]]:
    """The actions that are loaded, and the statements with what is bound in them."""
    loaded: list[object] = []
    statements: list[tuple[str, object]] = []

    def load(row: object, _: object) -> None:
        loaded.append(row)

    def execute(_c: object, _cursor: object, statement: str, bound: object, *_: object) -> None:
        statements.append((statement, bound))

    event.listen(ActionRow, "load", load)
    event.listen(ledger._engine, "before_cursor_execute", execute)
    yield loaded, statements
    event.remove(ActionRow, "load", load)
    event.remove(ledger._engine, "before_cursor_execute", execute)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(
        st.tuples(st.integers(0, len(ITEMS)), st.integers(0, len(VERBS) - 1), st.sampled_from(EVENTS)),
        max_size=60,
    ),
    salt=st.uuids(),
)
def test_every_look_finds_what_reading_all_and_filtering_finds(ledger, events, salt):
    live_through(ledger, str(salt), events)
    same_as_filtering_all(ledger, str(salt))


def test_a_look_loads_nothing_of_what_ended_and_searches_by_an_index(ledger, register, drive):
    for number in range(8):
        done = register(root=f"campaign:{number}", remedy=Remedy.HOLD_BACK, verbs=(Verb.STOP_CAMPAIGN,))
        drive(done.steps[0], State.DONE, State.CONFIRMED)
        register(root=f"campaign:{number}", verbs=(Verb.SEND_CAMPAIGN,), to=State.DECLINED)
    wanted = register(verbs=(Verb.STOP_CAMPAIGN, Verb.SEND_CAMPAIGN))
    drive(wanted.steps[0], State.DONE)
    for name, look in LOOKS.items():
        with asked_for(ledger) as (loaded, statements):
            assert [one.id for one in look(ledger)] == [wanted.id], name
        assert len(loaded) == 1, name
        with ledger._engine.connect() as connection:
            for statement, bound in statements:
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", bound)
                scanned = [row[3] for row in rows if row[3].startswith("SCAN") and "action" in row[3]]
                assert scanned == [], (name, statement)


def test_whose_copy_a_campaign_is_is_looked_up_by_its_id_and_not_among_all_that_was_ever_done(ledger):
    with asked_for(ledger) as (_, statements):
        assert ledger.copies_among("playhouse", ["207", "208"]) == {}
    [(statement, bound)] = statements
    with ledger._engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", bound)]
    assert plan[0] == "SEARCH move USING INDEX ix_move_remote_id (remote_id=?)"


def test_more_names_than_go_into_one_statement_are_all_looked_for(ledger, register):
    names = [f"campaign:{number}" for number in range(1001)]
    wanted = [register(root=min(names)), register(root=max(names))]
    assert ledger.actions_of("playhouse", *names) == ledger.actions_on("playhouse", *names) == wanted


def test_of_a_step_that_was_tried_again_the_newest_attempt_counts(ledger, register, drive):
    action = register(verbs=(Verb.SEND_CAMPAIGN,))
    first = drive(action.steps[0], State.NOT_DONE)
    again = ledger.retry_step(first.id, "task", "it provably did not happen")
    assert [one.id for one in ledger.standing_in("playhouse", LIVE)] == [action.id]
    assert [one.id for one in ledger.open_repairs("playhouse")] == [action.id]
    same_as_filtering_all(ledger, "playhouse")
    drive(again, State.DONE, State.CONFIRMED)
    assert ledger.open_repairs("playhouse") == ledger.standing_in("playhouse", [State.NOT_DONE]) == []
    same_as_filtering_all(ledger, "playhouse")
