"""Accounts that lie, forget and wake: stops and sends that are not what they say, stale reads, requests that are late.

One campaign is repaired while the sandbox misbehaves; the oracle is the sandbox's own book of who was mailed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.faulty import CAMPAIGN, MUTATIONS, V1, Faulty
from tests.claims import every_action

from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair.report import End
from pro2_sandbox.faults import Fault, Match

A_PERSON = {End.NEEDS_HUMAN, End.FAILED, End.STALE}
ITS_OWN_READS = Match(path_regex=r"^/(api/3/campaigns|admin/)")


@pytest.fixture
def evening(tmp_path: Path) -> Faulty:
    return Faulty(tmp_path)


def played(evening: Faulty, *faults: Fault, afterwards: float = 300) -> Any:
    """The row of the campaign; then the guard watches on for a while."""
    for fault in faults:
        evening.spoil(fault)
    evening.run(CAMPAIGN)
    for _ in range(int(afterwards // 30)):
        evening.clock.sleep(30)
    return evening.rows()[CAMPAIGN]


def patrons(evening: Faulty) -> int:
    """How many got the mail, from whichever campaign."""
    return len(evening.world.effects.reached("103"))


def twice(evening: Faulty) -> int:
    return sum(one["patron_count"] for one in evening.truth()["mailed_twice"])


def alarms(evening: Faulty) -> list[str]:
    found = evening.ledger().alarms("playhouse", evening.window().start)
    return [str(alarm.body.get("text", alarm.kind)) for alarm in found]


def adopted(evening: Faulty) -> bool:
    """The send was answered with a no, and was found to go out."""
    step = every_action(evening.ledger())[0].step(Verb.SEND_CAMPAIGN)
    assert step is not None
    ends = [move.to_state for move in step.moves][-3:]
    return ends == [State.INTENDED, State.DONE, State.CONFIRMED] and any(
        "although the answer was" in move.why for move in step.moves
    )


def before(evening: Faulty, verb: Verb, then: Callable[[], object], after: int = 0) -> None:
    """Let something happen right before the request of a step leaves, after its last look; ``after`` so many."""
    match, carry, left = MUTATIONS[verb].match, evening.pro2.carry, [MUTATIONS[verb].skip + after]

    def carried(request: Any) -> Any:
        action = (request.form or {}).get("api_action")
        path_fits = match.path_regex is None or request.path.endswith(match.path_regex.rstrip("$"))
        if request.mutating and path_fits and match.action in (None, action):
            if left[0] == 0:
                then()
            left[0] -= 1
        return carry(request)

    evening.pro2.carry = carried  # type: ignore[method-assign]


class TestAStop:
    def test_that_does_nothing_once_is_seen_and_no_copy_is_made(self, evening: Faulty) -> None:
        row = played(evening, Fault(kind="stop_ignored", times=1))
        assert row.outcome is End.NEEDS_HUMAN
        assert "C13" in row.detail or row.rule == "C13"
        assert (patrons(evening), evening.effects()[-1]["kind"]) == (0, "campaign_stop_ignored")

    def test_that_disables_counts_as_stopped(self, evening: Faulty) -> None:
        assert played(evening, Fault(kind="stop_disables")).outcome is End.VERIFIED
        assert (patrons(evening), twice(evening)) == (120, 0)

    def test_that_is_forgotten_before_the_copy_was_sent_drops_the_resend(self, evening: Faulty) -> None:
        row = played(evening, Fault(kind="stop_forgotten", seconds=3))
        assert row.outcome in A_PERSON
        assert row.detail
        assert (patrons(evening), twice(evening)) == (120, 0)
        assert not [one for one in evening.effects() if one["kind"] == "campaign_sent"]

    def test_that_is_forgotten_afterwards_raises_the_alarm_with_both_ids(self, evening: Faulty) -> None:
        """The vendor mails twice there; the guard stops it again and says so, and nothing of ours adds to it."""
        played(evening, Fault(kind="stop_forgotten", seconds=240), afterwards=600)
        assert [one["kind"] for one in evening.effects()].count("campaign_sent") == 1
        assert any("103" in text and "104" in text for text in alarms(evening)), alarms(evening)


class TestASend:
    @pytest.mark.parametrize("kind", ["counters_stuck", "completes_empty", "stays_pending", "review"])
    def test_that_cannot_be_proven_is_left_to_a_person_and_never_repeated(
        self, evening: Faulty, kind: Any
    ) -> None:
        row = played(evening, Fault(kind=kind))
        assert row.outcome is End.NEEDS_HUMAN
        assert row.detail
        assert [one["kind"] for one in evening.effects()].count("campaign_sent") == 1
        assert (patrons(evening), twice(evening)) == (120 if kind == "counters_stuck" else 0, 0)

    def test_that_is_late_beyond_the_quiet_time_is_not_told_as_failed(self, evening: Faulty) -> None:
        """It lands after the looks that found a draft, and right before the second request."""

        def on_its_way() -> None:
            evening.clock.at += timedelta(seconds=30)

        before(evening, Verb.SEND_CAMPAIGN, on_its_way, after=1)
        row = played(evening, Fault(kind="late", match=V1, skip=1, seconds=80))
        assert adopted(evening)
        assert (row.outcome, patrons(evening), twice(evening)) == (End.VERIFIED, 120, 0)

    def test_that_is_late_by_an_hour_finds_that_it_was_sent(self, evening: Faulty) -> None:
        row = played(evening, Fault(kind="late", match=V1, skip=1, seconds=3600), afterwards=3900)
        assert (row.outcome, patrons(evening), twice(evening)) == (End.VERIFIED, 120, 0)
        assert [one["kind"] for one in evening.effects()].count("campaign_sent") == 1

    def test_that_never_came_is_sent_again_only_after_the_quiet_time_and_two_looks_at_a_draft(
        self, evening: Faulty
    ) -> None:
        row = played(evening, Fault(kind="timeout_before", match=V1, skip=1))
        assert (row.outcome, patrons(evening), twice(evening)) == (End.VERIFIED, 120, 0)
        lost = next(s for s in every_action(evening.ledger())[0].steps if s.verb is Verb.SEND_CAMPAIGN)
        unknown, absent = lost.when(State.AMBIGUOUS), lost.when(State.NOT_DONE)
        assert unknown
        assert absent
        policy = evening.site.policy
        assert absent - unknown >= timedelta(seconds=policy.quiet_seconds + policy.read_gap_seconds)

    def test_whose_answer_is_no_although_it_goes_out_is_done(self, evening: Faulty) -> None:
        row = played(evening, Fault(kind="twice", match=V1, skip=1))
        assert (row.outcome, patrons(evening), twice(evening)) == (End.VERIFIED, 120, 0)
        assert adopted(evening)


class TestTheOriginalWakes:
    @pytest.mark.parametrize("verb", [Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN])
    @pytest.mark.parametrize("lag", [0, 1, 5])
    def test_while_a_request_is_on_its_way(self, evening: Faulty, verb: Verb, lag: float) -> None:
        """A stopped one does not wake. One that goes before its stop has arrived may go: nothing is sent by us."""
        woken: list[bool] = []

        def wake() -> None:
            if not woken:
                woken.append(True)
                evening.spoil(Fault(kind="wakes", item="103"))
                evening.clock.at += timedelta(seconds=lag)

        before(evening, verb, wake)
        row = played(evening)
        assert woken
        assert twice(evening) == 0
        if verb is Verb.STOP_CAMPAIGN and lag:
            assert row.outcome in A_PERSON
            assert "campaign_sent" not in {one["kind"] for one in evening.effects()}
            assert patrons(evening) == (60 if lag == 1 else 120)
        else:
            assert (row.outcome, patrons(evening)) == (End.VERIFIED, 120)

    @pytest.mark.parametrize("counters", ["as ever", "switched off"])
    def test_although_it_was_stopped_and_before_the_copy_is_sent_nothing_is_sent(
        self, evening: Faulty, counters: str
    ) -> None:
        """The vendor forgets a stop that was proven; the look before the send sees it, by its status if need be."""
        evening.spoil(Fault(kind="stop_forgotten", seconds=86_400))
        if counters == "switched off":
            evening.spoil(Fault(kind="counters_stuck", item="103"))

        def wake() -> None:
            evening.spoil(Fault(kind="wakes", item="103"))
            evening.clock.at += timedelta(seconds=1)

        before(evening, Verb.COPY_CAMPAIGN, wake)
        row = played(evening)
        assert (row.outcome, twice(evening)) == (End.STALE, 0)
        assert "campaign_sent" not in {one["kind"] for one in evening.effects()}


class TestYesterdayComesBack:
    @pytest.mark.parametrize("verb", [Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN])
    def test_at_any_step_nobody_is_mailed_twice(self, evening: Faulty, verb: Verb) -> None:
        restored: list[bool] = []

        def restore() -> None:
            if not restored:
                restored.append(True)
                evening.world.advance()
                evening.spoil(Fault(kind="restore"))

        before(evening, verb, restore)
        row = played(evening)
        assert twice(evening) == 0
        assert row.outcome is End.VERIFIED if verb is Verb.STOP_CAMPAIGN else row.outcome in A_PERSON
        assert row.detail

    def test_after_the_resend_the_pending_original_is_known_and_not_sent_again(self, evening: Faulty) -> None:
        assert played(evening).outcome is End.VERIFIED
        evening.spoil(Fault(kind="restore"))
        evening.dag_run("manual__2", only=(CAMPAIGN,))
        assert (patrons(evening), twice(evening)) == (120, 0)
        assert evening.reports[-1].rows[0].rule == "C0"


class TestStaleReads:
    @pytest.mark.parametrize("seconds", [5, 30, 90])
    @pytest.mark.parametrize("skip", [0, 6, 12, 18])
    @pytest.mark.parametrize("lost", [None, "timeout_after"])
    def test_for_a_while_lead_to_no_second_mail(
        self, evening: Faulty, seconds: float, skip: int, lost: Any
    ) -> None:
        """Also where the answer of the send got lost, and the read that should find it shows the draft."""
        faults = [Fault(kind="stale", match=ITS_OWN_READS, seconds=seconds, skip=skip, times=12)]
        if lost is not None:
            faults.append(Fault(kind=lost, match=V1, skip=1))
        row = played(evening, *faults)
        assert twice(evening) == 0
        assert row.outcome in (End.VERIFIED, *A_PERSON)
        assert row.detail
        if row.outcome is End.VERIFIED:
            assert patrons(evening) == 120

    def test_for_ever_end_with_a_person(self, evening: Faulty) -> None:
        row = played(evening, Fault(kind="stale", match=ITS_OWN_READS, seconds=3000, times=9999))
        assert row.outcome in A_PERSON
        assert (patrons(evening), twice(evening)) == (0, 0)
