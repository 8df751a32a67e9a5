"""The guard by force: originals that wake again and again, deaths at every boundary, two guards, a blind one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.incident.harness import INCIDENTS, Evening
from tests.incident.test_faults_and_gates import between_stop_and_send

from pro2_reconciliation.domain.errors import NeverSent, Unreadable
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import Ledger, Stage, State
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.guard_looks import may_have_left
from pro2_reconciliation.repair.guard_stops import MOST_STOPS
from pro2_reconciliation.repair.report import End
from pro2_sandbox.campaign import STOPPED

ORIGINAL = 103


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, no handler and no record."""


@pytest.fixture
def sent(tmp_path: Path) -> Evening:
    """The original was stopped and its copy sent and proven."""
    evening = Evening(tmp_path, INCIDENTS / "worked-example.yaml")
    evening.end_outage()
    _, report = evening.reconcile()
    assert next(row for row in report.rows if row.item_id == "103").outcome is End.VERIFIED
    evening.clock.every_minute = None
    return evening


def wake(evening: Evening) -> None:
    """The vendor gets round to the stopped original."""
    at, original = evening.world.advance(), evening.world.campaigns.all[ORIGINAL]
    original.seconds = 3600  # it is still going when the next pass looks
    evening.world.campaigns._start(original, at, "vendor")


def minute(evening: Evening, account: Any = None) -> Any:
    evening.clock.at += timedelta(minutes=1)
    return guard_pass(account or evening.account("guard"))


def stops(evening: Evening) -> int:
    return sum(1 for e in evening.effects() if e["kind"] == "campaign_stopped") - 1  # the resend's own


def test_an_original_is_stopped_again_each_time_it_wakes_and_then_a_person_is_asked(sent: Evening) -> None:
    for number in range(1, MOST_STOPS + 1):
        wake(sent)
        (told,) = guard_pass(sent.account("guard")).alarms
        assert "it was stopped again" in told
        assert (f"wake {number}" in told) == (number > 1)
        assert sent.world.campaigns.all[ORIGINAL].status == STOPPED
        assert minute(sent).alarms == ()
    assert stops(sent) == MOST_STOPS

    wake(sent)
    (told,) = guard_pass(sent.account("guard")).alarms
    assert f"stopped again {MOST_STOPS} times" in told
    assert "by hand, NOW" in told
    assert minute(sent).alarms == (), "a person was told; once is enough"
    assert stops(sent) == MOST_STOPS


def test_a_send_that_a_person_closed_may_have_left_all_the_same(sent: Evening) -> None:
    """Its proof ran out, she looked, and closed it: the original must not go now."""
    action = every_action(sent.ledger())[0]
    send = action.step(Verb.SEND_CAMPAIGN)
    assert send is not None
    assert send.had_effect
    closed = replace(send.moves[-1], from_state=send.state, to_state=State.CLOSED, why="it went out")
    assert may_have_left(replace(send, moves=(*send.moves, closed)))
    refused = replace(send.moves[-1], from_state=State.INTENDED, to_state=State.FAILED, why="403")
    assert not may_have_left(replace(send, moves=(*send.moves[:4], refused)))


def test_an_original_that_we_may_not_stop_is_told_again_while_it_goes(sent: Evening) -> None:
    wake(sent)
    (first,) = guard_pass(sent.account("guard")).alarms
    assert "it was stopped again" in first
    sent.ledger().set_switch("playhouse", Stage.EVERYTHING, "kim", "odd mails")
    sent.clock.at += timedelta(minutes=11)
    wake(sent)
    (second,) = guard_pass(sent.account("guard")).alarms
    assert "NOT stopped again" in second
    assert minute(sent).alarms == ()
    sent.clock.at += timedelta(minutes=9)
    (third,) = guard_pass(sent.account("guard")).alarms
    assert "kim: odd mails" in third


def test_the_alarm_bounds_the_patrons_who_had_it_twice(sent: Evening) -> None:
    wake(sent)
    sent.clock.at += timedelta(seconds=20)
    guard_pass(sent.account("guard"))
    (alarm,) = sent.ledger().alarms("playhouse")
    twice = sum(found["patron_count"] for found in sent.truth()["mailed_twice"])
    assert twice > 0, "mail left before the guard could know"
    assert alarm.body["twice_at_least"] <= twice <= alarm.body["twice_at_most"]
    assert alarm.body["original_sent"] == twice


BOUNDARIES: dict[str, tuple[type | None, str, bool]] = {
    "before the claim": (Ledger, "claim", False),
    "after the claim": (Ledger, "claim", True),
    "after the intent": (Ledger, "intend", True),
    "after the request": (None, "stop", True),
    "before the record": (Ledger, "move", False),
    "after the record": (Ledger, "move", True),
    "before the alarm": (Ledger, "alarm", False),
}


def dying(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: bool) -> None:
    whole: Callable[..., Any] = getattr(owner, name)
    left = [1]

    def dies(*given: Any, **named: Any) -> Any:
        found = whole(*given, **named) if after or not left else None
        if left:
            left.pop()
            raise Killed(name)
        return found

    monkeypatch.setattr(owner, name, dies)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_guard_that_dies_anywhere_is_followed_by_one_that_goes_on(
    sent: Evening, boundary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, name, after = BOUNDARIES[boundary]
    account = sent.account("guard that dies")
    wake(sent)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "release", lambda self, claim: None)  # a dead process gives nothing back
        dying(patched, owner or account.campaigns, name, after)
        with pytest.raises(Killed):
            guard_pass(account)

    told = [text for _ in range(2) for text in minute(sent).alarms]

    assert len(told) == 1
    assert "woke up" in told[0]
    assert sent.world.campaigns.all[ORIGINAL].status == STOPPED
    assert stops(sent) == 1
    last = [a for a in every_action(sent.ledger()) if a.by_guard]
    assert [str(a.state) for a in last] == ["confirmed"]


def test_two_guards_at_once_stop_once_and_tell_once(sent: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    wake(sent)
    first, second = sent.account("one guard"), sent.account("another guard")
    stop, others = first.campaigns.stop, []

    def in_the_middle(campaign_id: str) -> None:
        others.append(guard_pass(second).alarms)
        stop(campaign_id)

    monkeypatch.setattr(first.campaigns, "stop", in_the_middle)
    told = guard_pass(first).alarms
    assert (len(told), others, stops(sent)) == (1, [()], 1)


def test_a_stop_that_is_refused_is_asked_for_again_by_the_next_pass(
    sent: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake(sent)
    account = sent.account("guard")

    def refused(campaign_id: str) -> None:
        raise NeverSent("no route")

    monkeypatch.setattr(account.campaigns, "stop", refused)
    assert "could NOT be stopped again yet" in guard_pass(account).alarms[0]
    minute(sent)
    assert stops(sent) == 1


def test_a_guard_that_cannot_read_does_not_beat(sent: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    account, before = sent.account("guard"), sent.ledger().heartbeat("guard_repairs")

    def unread(*_: Any) -> Any:
        raise Unreadable("HTML")

    monkeypatch.setattr(account.campaigns, "detailed", unread)
    monkeypatch.setattr(account.campaigns, "get", unread)
    assert len(minute(sent, account).unread) == 1
    assert sent.ledger().heartbeat("guard_repairs") == before


@pytest.mark.parametrize("hours", [0, 3], ids=["just stopped", "hours ago"])
def test_a_guard_that_is_blind_for_the_one_whose_copy_waits_does_not_beat(
    tmp_path: Path, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also long after the stop, in a minute in which the originals at rest are left alone."""
    evening = Evening(tmp_path, INCIDENTS / "worked-example.yaml")
    evening.end_outage()
    between_stop_and_send(
        evening, lambda: evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "kim", "odd mails")
    )
    evening.reconcile()
    evening.clock.every_minute = None
    evening.clock.at = evening.clock.at.replace(minute=31) + timedelta(hours=hours + 1)
    account, before = evening.account("guard"), evening.ledger().heartbeat("guard_repairs")
    with monkeypatch.context() as patched:

        def unread(*_: Any) -> Any:
            raise Unreadable("HTML")

        for name in ("detailed", "get"):
            patched.setattr(account.campaigns, name, unread)
        assert len(guard_pass(account).unread) == 1
        assert evening.ledger().heartbeat("guard_repairs") == before

    assert guard_pass(account).unread == ()
    assert evening.ledger().heartbeat("guard_repairs") == evening.clock.at


def test_the_kill_switch_is_named_and_obeyed(sent: Evening) -> None:
    wake(sent)
    sent.ledger().set_switch("playhouse", Stage.EVERYTHING, "kim", "odd mails")
    (told,) = guard_pass(sent.account("guard")).alarms
    assert "kill switch is on (kim: odd mails), so it was NOT stopped again" in told
    assert stops(sent) == 0
