"""Counters that lie while the original goes out by itself: at each place of the lane, nobody is mailed twice by us.

Three vendors: one counts as ever, one has analytics off (mail leaves, every counter stays 0), one marks as complete
what it does not send. The original goes at each named place of the lane; ``CHAOS=long`` tries it before every request
of ours. ``test_misbehaviours.py`` has the places within a request, and sends that lie. The judge is the sandbox's own
book of who was mailed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.faulty import CAMPAIGN, Faulty
from tests.claims import every_action

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Verb
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair.clearing import ClearedStep
from pro2_reconciliation.repair.report import End
from pro2_sandbox.faults import Fault, Kind

LONG = os.environ.get("CHAOS") == "long"
LIES: Mapping[str, Kind | None] = {
    "counts as ever": None,
    "analytics off": "counters_stuck",
    "complete without sending": "completes_empty",
}
PATRONS = 120
FOR_EVER = 86_400
"""A stop that the vendor has forgotten until the test says when: an ordinary one does not wake."""


class Waking(Faulty):
    """The evening of one resend on which the original goes out once, where ``wake`` is called."""

    def __init__(self, folder: Path, lie: Kind | None) -> None:
        super().__init__(folder)
        self.before: Callable[[ClearedStep], object] = lambda step: None
        self.awake, self.requests = False, 0
        self.sending = False
        """Whether our send was leaving, or had left, when it woke."""
        self.spoil(Fault(kind="stop_forgotten", seconds=FOR_EVER))
        if lie is not None:
            self.spoil(Fault(kind=lie, item="103"))

    def wake(self, seconds: float = 1) -> None:
        """The vendor sends it at this moment, and ``seconds`` pass."""
        if not self.awake:
            self.awake = True
            self.spoil(Fault(kind="wakes", item="103"))
            self.clock.at += timedelta(seconds=seconds)

    def step(self, account: Any, plan: Plan, step: ClearedStep) -> None:
        self.before(step)
        super().step(account, plan, step)

    def before_request(self, number: int) -> None:
        """Wake it before our request ``number``, counted from the answer of the person."""
        answer, carry = self.answer, self.pro2.carry
        counting: list[bool] = []

        def answered(plan: Plan) -> Mapping[str, Choice]:
            counting.append(True)
            return answer(plan)

        def carried(request: Any) -> Any:
            if counting:
                if self.requests <= number:
                    told = {**dict(request.params), **dict(request.form or {})}
                    self.sending |= (told.get("api_action"), told.get("status")) == ("campaign_status", "1")
                if self.requests == number:
                    self.wake()
                self.requests += 1
            return carry(request)

        self.answer, self.pro2.carry = answered, carried  # type: ignore[method-assign]

    def after_the_stop(self, reads: int) -> None:
        """Wake it while the stop settles, after so many of the reads that prove it."""
        carry, left = self.pro2.carry, [-1]

        def carried(request: Any) -> Any:
            if left[0] == 0:
                self.wake()
            left[0] -= 1
            answer = carry(request)
            if request.mutating and left[0] < 0 and not self.awake:
                left[0] = reads
            return answer

        self.pro2.carry = carried  # type: ignore[method-assign]

    def before_step(self, verb: Verb) -> None:
        self.before = lambda step: self.wake() if step.verb is verb else None

    def played(self) -> Any:
        """The row of the campaign, after the guard has watched on for ten minutes."""
        self.run(CAMPAIGN)
        for _ in range(20):
            self.clock.sleep(30)
        return self.rows()[CAMPAIGN]

    def kinds(self) -> list[str]:
        return [one["kind"] for one in self.effects()]

    def patrons(self) -> int:
        return len(self.world.effects.reached("103"))


PLACES: Mapping[str, Callable[[Waking], object]] = {
    "between tick and stop": lambda evening: evening.before_step(Verb.STOP_CAMPAIGN),
    "while the stop settles, before it was read": lambda evening: evening.after_the_stop(0),
    "while the stop settles, between its reads": lambda evening: evening.after_the_stop(2),
    "between stop and copy": lambda evening: evening.before_step(Verb.COPY_CAMPAIGN),
    "between copy and send": lambda evening: evening.before_step(Verb.SEND_CAMPAIGN),
}


def require_sound(evening: Waking, row: Any) -> None:
    """Whoever was mailed was mailed once; the item has an end and a reason, and is open unless everybody was mailed."""
    assert evening.awake, "the evening never came to this place"
    assert evening.truth()["mailed_twice"] == []
    assert row.detail
    assert row.outcome in (End.STALE, End.NEEDS_HUMAN, End.FAILED, End.VERIFIED)
    if evening.patrons() < PATRONS:
        assert row.outcome is not End.VERIFIED
        assert CAMPAIGN in {item.item_key for item in evening.ledger().open_items("playhouse")}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("place", PLACES)
def test_an_original_that_goes_in_the_middle_of_the_lane_is_not_sent_a_second_time(
    tmp_path: Path, place: str, lie: str
) -> None:
    evening = Waking(tmp_path, LIES[lie])
    PLACES[place](evening)
    row = evening.played()
    require_sound(evening, row)
    assert evening.patrons() == (0 if lie == "complete without sending" else PATRONS)
    assert row.outcome is not End.VERIFIED, "it went, so nothing of ours does"
    assert "campaign_sent" not in evening.kinds()
    assert evening.kinds().count("campaign_copied") == (1 if place == "between copy and send" else 0)
    if place == "between tick and stop":
        assert evening.kinds() == [], "nor is it stopped in the middle"


@pytest.mark.skipif(
    not LONG, reason="the wake before every request: CHAOS=long; the places of the lane are above"
)
@pytest.mark.parametrize("lie", LIES)
def test_an_original_that_goes_before_any_request_of_ours(tmp_path: Path, lie: str) -> None:
    """Only from our send on can nobody prevent it; then both went, and the alarm tells it."""
    number = after = 0
    while after < 5:
        folder = tmp_path / str(number)
        folder.mkdir()
        evening = Waking(folder, LIES[lie])
        evening.before_request(number)
        row = evening.played()
        if not evening.awake:
            break
        if evening.truth()["mailed_twice"]:
            assert evening.sending, f"it went before our request {number}, which was not the send yet"
            assert evening.ledger().alarms("playhouse"), "and nobody was told"
        else:
            require_sound(evening, row)
        after += evening.sending
        number += 1
    assert number > 20


class TestAnalyticsOffAtTheStop:
    """Every counter stays 0, so only the status, and the time of the last sending, tell what became of it."""

    @pytest.mark.parametrize(
        ("verb", "says", "done"),
        [
            (Verb.STOP_CAMPAIGN, "it began to go out since the question was asked", []),
            (Verb.COPY_CAMPAIGN, "the original is sending, not stopped", ["campaign_stopped"]),
        ],
    )
    def test_one_of_which_no_mail_has_left_yet_is_left_to_go(
        self, tmp_path: Path, verb: Verb, says: str, done: list[str]
    ) -> None:
        evening = Waking(tmp_path, "counters_stuck")
        evening.before = lambda step: evening.wake(0) if step.verb is verb else None
        row = evening.played()
        assert says in row.detail
        assert (evening.kinds(), evening.patrons()) == (done, PATRONS)

    def test_one_that_goes_between_our_last_look_and_the_stop_is_not_copied(self, tmp_path: Path) -> None:
        """The stop lands in the middle; who got it is not known, so a person goes on."""
        evening = Waking(tmp_path, "counters_stuck")
        carry = evening.pro2.carry

        def carried(request: Any) -> Any:
            if request.mutating:
                evening.wake()
            return carry(request)

        evening.pro2.carry = carried  # type: ignore[method-assign]
        row = evening.played()
        require_sound(evening, row)
        assert row.outcome is End.NEEDS_HUMAN
        assert (evening.kinds(), evening.patrons()) == (["campaign_stopped"], PATRONS // 2)


@pytest.mark.parametrize("lie", ["counts as ever", "analytics off"])
def test_one_that_goes_while_its_copy_waits_at_a_gate_is_left_to_go_by_the_guard(
    tmp_path: Path, lie: str
) -> None:
    evening = Waking(tmp_path, LIES[lie])

    def held(step: ClearedStep) -> None:
        if step.verb is Verb.SEND_CAMPAIGN:
            evening.ledger().hold("playhouse", CAMPAIGN, "kim", "a moment")
            evening.wake()

    evening.before = held
    evening.played()
    send = every_action(evening.ledger())[0].step(Verb.SEND_CAMPAIGN)
    assert send is not None
    assert (send.state, send.moves[-1].why) == (State.STALE, "the original woke up; it may go")
    assert evening.kinds() == ["campaign_stopped", "campaign_copied"], "it is not stopped a second time"
    assert (evening.patrons(), evening.truth()["mailed_twice"]) == (PATRONS, [])


class TestAnalyticsOffWhileItIsWatched:
    """The original goes before anybody is asked, and every counter of it stays 0."""

    def test_a_time_at_which_it_was_sent_is_a_sign_of_mail(self, tmp_path: Path) -> None:
        evening = Waking(tmp_path, "counters_stuck")
        evening.wake()
        evening.run(CAMPAIGN)
        row = evening.rows()[CAMPAIGN]
        assert row.rule in ("C7", "C9", "C10")
        assert not every_action(evening.ledger())
        assert (evening.kinds(), evening.patrons()) == ([], PATRONS)

    def test_of_everybody_the_resend_is_left_to_a_person_and_never_repeated(self, tmp_path: Path) -> None:
        """Nothing wakes; the account counts nothing at all, so the send of the copy cannot be proven."""
        evening = Faulty(tmp_path)
        evening.spoil(Fault(kind="counters_stuck"))
        evening.run(CAMPAIGN)
        row = evening.rows()[CAMPAIGN]
        assert row.outcome is End.NEEDS_HUMAN
        step = every_action(evening.ledger())[0].step(Verb.SEND_CAMPAIGN)
        assert step is not None
        assert step.state is State.NEEDS_HUMAN
        evening.dag_run("manual__2", only=(CAMPAIGN,))
        assert [one["kind"] for one in evening.effects()].count("campaign_sent") == 1
        assert evening.truth()["mailed_twice"] == []
