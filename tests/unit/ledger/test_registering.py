"""An action is registered once for its key; a new generation begins only if nothing came of the last."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.claims import every_action

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger import RUNNING, ActionKey, State

ROOT = ("playhouse", "campaign:103", Remedy.RESEND)


def test_an_action_is_written_with_its_steps_in_order(ledger, register, clock):
    action = register()
    assert action.id == "playhouse/campaign:103/resend/1"
    assert [step.verb for step in action.steps] == [
        Verb.STOP_CAMPAIGN,
        Verb.COPY_CAMPAIGN,
        Verb.SEND_CAMPAIGN,
    ]
    assert [move.to_state for move in action.steps[2].moves] == [State.PLANNED, State.CLEARED]
    assert (action.created_at, action.requested_by, action.item_key) == (clock.time, "clear", "campaign:103")
    assert not action.joined
    assert ledger.action(action.id) == action
    assert ledger.action("playhouse/campaign:103/resend/2") is None


def test_the_same_key_and_fingerprint_joins_what_exists(ledger, register, drive):
    first = register()
    drive(first.steps[0], State.DONE)
    again = register(plan_hash="p2", to=State.DECLINED)
    assert again.joined
    assert again.steps[0].state is State.DONE
    assert again.plan_hash == "p1"
    assert len(every_action(ledger)) == 1


@pytest.mark.parametrize("to", [State.PLANNED, State.CLAIMED, State.DONE])
def test_an_action_cannot_begin_half_way(register, to):
    with pytest.raises(LedgerError, match="give cleared, declined or skipped"):
        register(to=to)


@pytest.mark.parametrize("verbs", [(), (Verb.SEND_CAMPAIGN, Verb.SEND_CAMPAIGN)])
def test_an_action_has_every_verb_once(register, verbs):
    with pytest.raises(LedgerError, match="every verb once"):
        register(verbs=verbs)


def test_another_fingerprint_is_refused_once_something_was_sent(ledger, register, drive):
    drive(register().steps[0], State.FAILED)
    with pytest.raises(LedgerError, match=r"decided on other facts \(fingerprint f1, now f2\) and is failed"):
        register(fingerprint="f2")
    assert len(every_action(ledger)) == 1


def test_another_fingerprint_replaces_a_consent_on_which_nothing_was_done(ledger, register):
    register()
    new = register(fingerprint="f2", plan_hash="p2")
    assert (new.generation, new.state, new.fingerprint) == (2, RUNNING, "f2")
    old = ledger.action("playhouse/campaign:103/resend/1")
    assert {step.state for step in old.steps} == {State.STALE}
    again = register(fingerprint="f2", plan_hash="p2")
    assert again.joined
    assert again.id == new.id


def test_another_fingerprint_does_not_push_a_living_worker_aside(ledger, register, clock):
    action = register()
    assert ledger.claim(action.steps[0].id, "worker 1", 60)
    with pytest.raises(LedgerError, match="being done by worker 1"):
        register(fingerprint="f2")
    assert ledger.action(action.id).steps[1].state is State.CLEARED
    clock.pass_seconds(60)
    assert register(fingerprint="f2").generation == 2


def test_generations(ledger, register, drive):
    assert ledger.next_generation(*ROOT) == 1
    first = register()
    assert ledger.next_generation(*ROOT) == 1, "live"
    ledger.end_rest(first.id, State.STALE, who="x", why="original woke")
    assert ledger.next_generation(*ROOT) == 2, "ended stale, nothing sent"
    register(generation=2, to=State.DECLINED)
    assert ledger.next_generation(*ROOT) == 3, "ended declined"
    register(generation=3, to=State.SKIPPED)
    fourth = register(generation=4)
    drive(fourth.steps[0], State.NOT_DONE)
    ledger.end_rest(fourth.id, State.SKIPPED, who="x", why="x")
    assert ledger.next_generation(*ROOT) == 4, "had an effect, though nothing of it is live"
    assert ledger.next_generation("playhouse", "campaign:103", Remedy.HOLD_BACK) == 1
    assert ledger.next_generation("opera", "campaign:103", Remedy.RESEND) == 1


@pytest.mark.parametrize("generation", [2, 3])
def test_a_generation_out_of_turn_is_refused(ledger, register, generation):
    with pytest.raises(LedgerError, match="out of turn: the newest is none"):
        register(generation=generation)
    register()
    with pytest.raises(LedgerError, match="out of turn: the newest is playhouse/campaign:103/resend/1"):
        register(generation=generation)


def test_a_generation_after_an_effect_is_refused(register, drive):
    drive(register(verbs=(Verb.SEND_CAMPAIGN,)).steps[0], State.NEEDS_HUMAN, State.CLOSED)
    with pytest.raises(LedgerError, match="out of turn"):
        register(generation=2, verbs=(Verb.SEND_CAMPAIGN,))


@pytest.mark.parametrize(
    ("organization", "root", "generation"), [("a/b", "c", 1), ("", "c", 1), ("a", "", 1), ("a", "c", 0)]
)
def test_a_key_that_would_be_ambiguous_is_refused(organization, root, generation):
    with pytest.raises(LedgerError):
        ActionKey(organization, root, Remedy.RESEND, generation)


def test_finding_actions(ledger, register, clock):
    first = register()
    start = clock.time
    clock.pass_seconds(60)
    second = register(root="campaign:104", plan_hash="p2")
    register(organization="opera")
    assert [action.id for action in every_action(ledger)] == [first.id, second.id]
    assert ledger.actions_since("playhouse", start + timedelta(seconds=1)) == [second]
    assert ledger.actions_of("playhouse", "campaign:103") == [first]
    assert ledger.actions_of_plan("p2") == [second]


def test_copies_prove_lineage_only_once_they_are_done(ledger, register, drive):
    action = register()
    copy = action.step(Verb.COPY_CAMPAIGN)
    drive(copy, State.AMBIGUOUS, remote_id="207")
    assert ledger.copies_among("playhouse", ["207", "208"]) == {}
    assert ledger.root_of("playhouse", "207") == "campaign:207"
    other = register(root="campaign:104").step(Verb.COPY_CAMPAIGN)
    drive(other, State.DONE, remote_id="208")
    assert ledger.copies_among("playhouse", ["207", "208"]) == {"208": "campaign:104"}
    assert ledger.root_of("playhouse", "208") == "campaign:104"
    assert ledger.copies_among("opera", ["208"]) == {}
    assert ledger.step(other.id).remote_id == "208"


def test_guarded_are_actions_with_an_effect(ledger, register, drive, clock):
    drive(register().steps[0], State.DONE)
    register(root="campaign:104")
    drive(register(root="tag:5", remedy=Remedy.ADD_TAG, verbs=(Verb.ADD_TAG,)).steps[0], State.DONE)
    assert [action.root for action in ledger.guarded("playhouse", clock.time)] == ["campaign:103"]
    assert ledger.guarded("playhouse", clock.time + timedelta(seconds=1)) == []


class TestStateOfAnAction:
    @pytest.mark.parametrize("to", [State.DECLINED, State.SKIPPED])
    def test_one_that_never_ran(self, register, to):
        assert register(to=to).state is to

    def test_confirmed_only_with_its_last_step(self, ledger, register, drive):
        action = register(verbs=(Verb.STOP_RUN, Verb.RUN_NOW))
        drive(action.steps[0], State.DONE, State.CONFIRMED)
        assert ledger.action(action.id).state == RUNNING
        drive(action.steps[1], State.DONE, State.CONFIRMED)
        assert ledger.action(action.id).state is State.CONFIRMED

    def test_a_skipped_stop_does_not_hinder(self, ledger, register, drive):
        action = register(verbs=(Verb.STOP_RUN, Verb.RUN_NOW))
        ledger.move(action.steps[0].id, State.SKIPPED, who="x", why="nothing to stop")
        drive(action.steps[1], State.DONE, State.CONFIRMED)
        assert ledger.action(action.id).state is State.CONFIRMED

    def test_a_dropped_send_is_never_confirmed(self, ledger, register, drive):
        action = register()
        drive(action.steps[0], State.DONE, State.CONFIRMED)
        assert (
            ledger.end_rest(action.id, State.SKIPPED, who="guard", why="original woke").state is State.SKIPPED
        )

    @pytest.mark.parametrize("bad", [State.NEEDS_HUMAN, State.FAILED, State.STALE])
    def test_the_worst_is_not_hidden(self, ledger, register, drive, bad):
        action = register()
        drive(action.steps[0], bad)
        assert ledger.action(action.id).state is bad
        ledger.end_rest(action.id, State.SKIPPED, who="x", why="x")
        ledger.move(action.steps[0].id, State.CLOSED, who="Ada", why="looked")
        assert ledger.action(action.id).state is State.CLOSED

    def test_not_done_goes_on(self, ledger, register, drive):
        action = register(verbs=(Verb.STOP_CAMPAIGN,))
        drive(action.steps[0], State.NOT_DONE)
        assert ledger.action(action.id).state == RUNNING
        assert ledger.action(action.id).had_effect
