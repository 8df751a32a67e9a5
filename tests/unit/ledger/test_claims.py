"""One owner at a time; a lease that expired moves nothing any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import State


def test_one_claims_and_the_others_see_it(ledger, stop, clock):
    claim = ledger.claim(stop.id, "first", 60)
    assert (claim.state, claim.taken_over) == (State.CLAIMED, False)
    assert (claim.expires_at - clock.time).total_seconds() == 60
    assert ledger.claim(stop.id, "second", 60) is None
    assert ledger.claim(stop.id, "first", 60) is None, "the process of the same name may be alive"


@pytest.mark.parametrize("to", [State.DONE, State.NEEDS_HUMAN, State.NOT_DONE, State.FAILED, State.STALE])
def test_only_what_is_to_be_done_is_claimed(ledger, stop, drive, to):
    drive(stop, to)
    assert ledger.claim(stop.id, "x", 60) is None


def test_what_was_declined_is_not_claimed(ledger, register):
    step = register(to=State.DECLINED).steps[0]
    assert ledger.claim(step.id, "x", 60) is None


@pytest.mark.parametrize("state", [State.CLAIMED, State.INTENDED, State.AMBIGUOUS])
def test_taking_over_only_after_the_lease_expired(ledger, stop, clock, state):
    first = ledger.claim(stop.id, "first", 60)
    if state is not State.CLAIMED:
        ledger.intend(first, fingerprint="f1")
    if state is State.AMBIGUOUS:
        ledger.move(stop.id, state, who="first", why="timeout", claim=first)
    clock.pass_seconds(59.9)
    assert ledger.claim(stop.id, "second", 60) is None
    clock.pass_seconds(0.1)
    second = ledger.claim(stop.id, "second", 60)
    assert (second.state, second.taken_over, second.owner) == (state, True, "second")
    assert second.token != first.token
    assert ledger.step(stop.id).state is state, "taking over is no move"
    assert ledger.claim(stop.id, "third", 60) is None


def test_a_question_is_taken_over_by_its_own_asker_only(ledger, stop, clock):
    """No process holds it: a retry of the same task asks again, and nobody else does."""
    first = ledger.claim(stop.id, "reconcile/run-1/stop[0]", 60)
    ledger.intend(first, fingerprint="f1")
    ledger.renew(first, 3600)
    assert ledger.holder(stop.id) == ("reconcile/run-1/stop[0]", clock() + timedelta(hours=1))
    assert ledger.claim(stop.id, "reconcile/run-2/stop[0]", 60, also_own=True) is None
    assert ledger.claim(stop.id, "reconcile/run-1/stop[0]", 60) is None, "it has to be asked for"
    again = ledger.claim(stop.id, "reconcile/run-1/stop[0]", 60, also_own=True)
    assert (again.state, again.taken_over) == (State.INTENDED, True)
    with pytest.raises(LedgerError, match="lease lost"):
        ledger.move(stop.id, State.DONE, who="the first process", why="late", claim=first)
    clock.pass_seconds(60)
    assert ledger.holder(stop.id) is None


def test_who_takes_over_after_the_intent_cannot_intend_again(ledger, stop, clock):
    ledger.intend(ledger.claim(stop.id, "first", 60), fingerprint="f1")
    clock.pass_seconds(61)
    second = ledger.claim(stop.id, "second", 60)
    with pytest.raises(LedgerError, match="is intended and cannot become intended"):
        ledger.intend(second, fingerprint="f1")
    ledger.move(stop.id, State.DONE, who="second", why="read: status 4", claim=second)


def test_an_expired_lease_moves_nothing(ledger, stop, clock):
    claim = ledger.claim(stop.id, "slow", 60)
    clock.pass_seconds(60)
    for attempt in (
        lambda: ledger.check(claim),
        lambda: ledger.intend(claim, fingerprint="f1"),
        lambda: ledger.move(stop.id, State.STALE, who="slow", why="x", claim=claim),
        lambda: ledger.renew(claim, 60),
    ):
        with pytest.raises(LedgerError, match="lease lost on step"):
            attempt()
    assert ledger.step(stop.id).state is State.CLAIMED


def test_a_worker_who_was_replaced_moves_nothing(ledger, stop, clock):
    slow = ledger.claim(stop.id, "slow", 60)
    ledger.intend(slow, fingerprint="f1")
    clock.pass_seconds(61)
    assert ledger.claim(stop.id, "second", 600)
    with pytest.raises(LedgerError, match="slow no longer holds it, second holds it now"):
        ledger.move(stop.id, State.DONE, who="slow", why="it answered after all", claim=slow)
    with pytest.raises(LedgerError, match="lease lost"):
        ledger.check(replace(slow, expires_at=clock.time))
    ledger.release(slow)
    assert ledger.claim(stop.id, "third", 60) is None, "releasing a lost lease does not end the new one"


def test_held_states_are_left_by_the_holder_only(ledger, stop):
    claim = ledger.claim(stop.id, "first", 60)
    with pytest.raises(LedgerError, match="only who holds its lease"):
        ledger.move(stop.id, State.STALE, who="x", why="x")
    ledger.intend(claim, fingerprint="f1")
    with pytest.raises(LedgerError, match="only who holds its lease"):
        ledger.move(stop.id, State.DONE, who="x", why="x")


def test_a_claim_is_on_its_own_step_only(ledger, register):
    stop, copy, _ = register().steps
    claim = ledger.claim(stop.id, "x", 60)
    with pytest.raises(LedgerError, match="The claim is one on step"):
        ledger.move(copy.id, State.STALE, who="x", why="x", claim=claim)


def test_check_asks_for_a_margin(ledger, stop, clock):
    claim = ledger.claim(stop.id, "x", 60)
    ledger.check(claim, margin=59)
    with pytest.raises(LedgerError, match="lease lost"):
        ledger.check(claim, margin=60)
    longer = ledger.renew(claim, 120)
    ledger.check(longer, margin=60)
    assert longer.token == claim.token


def test_a_released_step_can_be_taken_over_at_once(ledger, stop):
    claim = ledger.claim(stop.id, "first", 600)
    ledger.release(claim)
    second = ledger.claim(stop.id, "second", 60)
    assert second.taken_over
    with pytest.raises(LedgerError, match="lease lost"):
        ledger.intend(claim, fingerprint="f1")
    ledger.intend(second, fingerprint="f1")


def test_another_fingerprint_stops_the_step_before_anything_is_sent(ledger, stop):
    claim = ledger.claim(stop.id, "x", 60)
    with pytest.raises(LedgerError, match=r"decided on other facts \(fingerprint f1, now f9\)"):
        ledger.intend(claim, fingerprint="f9")
    assert ledger.step(stop.id).state is State.CLAIMED
    ledger.move(stop.id, State.STALE, who="x", why="the subject line changed", claim=claim)
    assert not ledger.step(stop.id).had_effect


def test_what_was_intended_is_on_record(ledger, stop, clock):
    claim = ledger.claim(stop.id, "x", 60)
    step = ledger.intend(claim, fingerprint="f1", details={"campaign": "103", "at": clock.time})
    intent = step.move_to(State.INTENDED)
    assert intent.details == {"campaign": "103", "at": "2026-11-24T21:05:00+00:00"}
    assert intent.at == clock.time == step.when(State.INTENDED)
    assert intent.at.utcoffset().total_seconds() == 0


class TestAnotherAttempt:
    def test_after_not_done(self, ledger, stop, drive):
        drive(stop, State.NOT_DONE)
        again = ledger.retry_step(stop.id, "task", "never sent")
        assert (again.attempt, again.state, again.ordinal) == (2, State.CLEARED, stop.ordinal)
        assert ledger.action(stop.action_id).step(Verb.STOP_CAMPAIGN).id == again.id
        assert drive(again, State.DONE).state is State.DONE

    def test_only_once(self, ledger, stop, drive):
        drive(stop, State.NOT_DONE)
        ledger.retry_step(stop.id, "task", "never sent")
        with pytest.raises(LedgerError, match="tried again already, as attempt 2"):
            ledger.retry_step(stop.id, "task", "never sent")

    @pytest.mark.parametrize("state", [State.FAILED, State.STALE])
    def test_after_a_failure_only_for_a_person(self, ledger, stop, drive, state):
        drive(stop, state)
        with pytest.raises(LedgerError, match="when a person asks"):
            ledger.retry_step(stop.id, "task", "x")
        assert ledger.retry_step(stop.id, "Ada", "looked", by_person=True).attempt == 2

    @pytest.mark.parametrize("state", [State.DONE, State.AMBIGUOUS, State.NEEDS_HUMAN])
    def test_never_while_it_may_have_landed(self, ledger, stop, drive, state):
        drive(stop, state)
        with pytest.raises(LedgerError, match=f"is {state}; trying again is allowed after not_done"):
            ledger.retry_step(stop.id, "Ada", "x", by_person=True)


def test_the_rest_of_an_action_ends_without_touching_what_ran(ledger, register, drive):
    action = register()
    drive(action.steps[0], State.DONE)
    ended = ledger.end_rest(action.id, State.STALE, who="x", why="x")
    assert [step.state for step in ended.steps] == [State.DONE, State.STALE, State.STALE]
    with pytest.raises(LedgerError, match="not as done"):
        ledger.end_rest(action.id, State.DONE, who="x", why="x")
    with pytest.raises(LedgerError, match="no action nothing"):
        ledger.end_rest("nothing", State.STALE, who="x", why="x")
