"""What a person closes, and what a person asks to be done once more."""

from __future__ import annotations

import pytest
from tests.claims import every_action

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger import ActionKey, State

HOLD = {"remedy": Remedy.HOLD_BACK, "verbs": (Verb.STOP_CAMPAIGN,)}


def repeat(ledger):
    return ledger.repeat("playhouse", "campaign:103", "Ada", "the stop did not take")


class TestARepeat:
    def test_raises_the_generation_and_says_who_asked(self, ledger, register, drive, clock):
        drive(register(**HOLD).steps[0], State.FAILED)
        asked = repeat(ledger)
        assert (asked.remedy, asked.generation, asked.who, asked.why, asked.at) == (
            Remedy.HOLD_BACK,
            2,
            "Ada",
            "the stop did not take",
            clock.time,
        )
        assert ledger.next_generation("playhouse", "campaign:103", Remedy.HOLD_BACK) == 2
        assert [one.repeated for one in every_action(ledger)] == [True]

        again = register(**HOLD, generation=2, fingerprint="f2")

        assert (again.generation, again.joined, again.repeated) == (2, False, False)
        assert again.key == ActionKey("playhouse", "campaign:103", Remedy.HOLD_BACK, 2)

    def test_is_good_for_one_generation_only(self, ledger, register, drive):
        drive(register(**HOLD).steps[0], State.FAILED)
        repeat(ledger)
        drive(register(**HOLD, generation=2).steps[0], State.FAILED)
        assert ledger.next_generation("playhouse", "campaign:103", Remedy.HOLD_BACK) == 2
        with pytest.raises(LedgerError, match="out of turn"):
            register(**HOLD, generation=3)

    def test_asked_for_twice_is_one_and_the_first_who_asked_stands(self, ledger, register, drive):
        drive(register(**HOLD).steps[0], State.FAILED)
        first = repeat(ledger)
        assert ledger.repeat("playhouse", "campaign:103", "Bo", "me too") == first
        assert ledger.repeats("playhouse") == [first]

    def test_without_being_asked_for_there_is_none(self, ledger, register, drive):
        drive(register(**HOLD).steps[0], State.FAILED)
        with pytest.raises(LedgerError, match="out of turn"):
            register(**HOLD, generation=2)

    @pytest.mark.parametrize("state", [State.AMBIGUOUS, State.DONE])
    def test_is_refused_while_the_old_one_lives(self, ledger, register, drive, state):
        drive(register(**HOLD).steps[0], state)
        with pytest.raises(LedgerError, match=rf"hold_back/1 has not ended \({state}\)"):
            repeat(ledger)
        assert ledger.repeats("playhouse") == []

    def test_is_refused_while_another_action_on_the_item_lives(self, ledger, register, drive):
        drive(register(**HOLD).steps[0], State.FAILED)
        register()
        with pytest.raises(LedgerError, match="resend/1 has not ended"):
            repeat(ledger)

    def test_waits_until_a_person_closed_what_only_a_person_can_tell(self, ledger, register, drive):
        drive(register(**HOLD).steps[0], State.NEEDS_HUMAN)
        with pytest.raises(LedgerError, match=r'needs a person .*then: close campaign:103 --why "..."'):
            repeat(ledger)
        assert ledger.close_steps("playhouse", "campaign:103", "Ada", "it did not stop") == 1
        assert repeat(ledger).generation == 2

    @pytest.mark.parametrize("ends", [(State.DONE, State.CONFIRMED), (State.AMBIGUOUS, State.NEEDS_HUMAN)])
    def test_never_repeats_what_may_have_mailed_somebody(self, ledger, register, drive, ends):
        stop, copy, send = register().steps
        drive(stop, State.DONE, State.CONFIRMED)
        drive(copy, State.DONE, State.CONFIRMED, remote_id="108")
        drive(send, *ends)
        ledger.close_steps("playhouse", "campaign:103", "Ada", "it did not go out")
        with pytest.raises(LedgerError, match=r"send campaign of .* may have mailed its patrons.*by hand"):
            repeat(ledger)

    def test_of_an_import_whose_reach_is_not_known_is_refused(self, ledger, register, drive):
        action = register(remedy=Remedy.REPEAT_IMPORT, verbs=(Verb.REPEAT_IMPORT,))
        drive(action.steps[0], State.DONE, State.CONFIRMED)
        with pytest.raises(LedgerError, match="may have started mail"):
            repeat(ledger)

    def test_of_nothing_is_refused(self, ledger):
        with pytest.raises(LedgerError, match="Nothing was ever done to campaign:103"):
            repeat(ledger)
        with pytest.raises(LedgerError, match="'103' is no item; give a key such as campaign:103"):
            ledger.repeat("playhouse", "103", "Ada", "x")


def test_closing_an_item_ends_what_only_a_person_can_end_and_nothing_else(ledger, register, drive):
    stop, copy, _ = register().steps
    drive(stop, State.DONE, State.CONFIRMED)
    drive(copy, State.NEEDS_HUMAN)
    assert ledger.close_steps("playhouse", "campaign:103", "Ada", "I sent it") == 1
    action = ledger.action(stop.action_id)
    assert [step.state for step in action.latest] == [State.CONFIRMED, State.CLOSED, State.CLEARED]
    assert (action.latest[1].moves[-1].who, action.latest[1].moves[-1].why) == ("Ada", "I sent it")
    assert ledger.close_steps("playhouse", "campaign:103", "Bo", "again") == 0
