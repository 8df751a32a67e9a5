"""Colleagues act while we do, and our own copies get into the next outage: nobody is mailed twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.claims import every_action
from tests.incident.harness import INCIDENTS, Evening, approve_all

from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Verb
from pro2_reconciliation.ledger import Ledger, State
from pro2_reconciliation.repair.report import End, Report
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_sandbox import load_incident


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path, INCIDENTS / "worked-example.yaml")
    found.end_outage()
    return found


def outcome(report: Report, item_id: str) -> tuple[str, End, str]:
    row = next(row for row in report.rows if row.item_id == item_id)
    return row.rule, row.outcome, row.detail


def by_a_colleague(evening: Evening, copy: bool = True, send: bool = True, campaign: str = "103") -> None:
    """A colleague presses Duplicate and Send in Pro2 (through the same API, on the sandbox's books as ours)."""
    port = evening.account("colleague").campaigns
    made = port.copy(campaign) if copy else campaign
    if send:
        port.send(made)


def when_moved(evening: Evening, verb: Verb, state: str, then: Callable[[], None]) -> None:
    """Call ``then`` once, the first time that a step of this verb gets into this state."""
    seen: list[bool] = []
    sleep = evening.clock.sleep

    def watched(seconds: float) -> None:
        sleep(seconds)
        ledger: Ledger = evening.ledger()
        for action in every_action(ledger):
            step = action.step(verb)
            if step and step.state.value == state and not seen:
                seen.append(True)
                then()

    evening.clock.sleep = watched  # type: ignore[method-assign]


@pytest.mark.parametrize("send", [True, False])
def test_a_copy_that_a_colleague_made_between_the_question_and_the_stop_drops_ours(
    evening: Evening, send: bool
) -> None:
    def answer(plan: Plan) -> dict[str, Choice]:
        by_a_colleague(evening, send=send)
        return approve_all(plan)

    _, report = evening.reconcile(answer=answer)

    rule, end, detail = outcome(report, "103")
    assert (rule, end) == ("C11", End.STALE)
    assert "somebody made a copy" in detail
    assert evening.truth()["mailed_twice"] == []


def test_a_copy_that_a_colleague_made_while_the_stop_settled_drops_ours(evening: Evening) -> None:
    when_moved(evening, Verb.STOP_CAMPAIGN, "done", lambda: by_a_colleague(evening))

    _, report = evening.reconcile()

    assert outcome(report, "103")[1] is End.STALE
    assert evening.truth()["mailed_twice"] == []


def test_a_campaign_that_a_colleague_starts_again_while_the_stop_settles_is_not_copied(
    evening: Evening,
) -> None:
    when_moved(evening, Verb.STOP_CAMPAIGN, "done", lambda: by_a_colleague(evening, copy=False))

    _, report = evening.reconcile()

    assert outcome(report, "103")[1] in (End.STALE, End.NEEDS_HUMAN)
    assert evening.truth()["mailed_twice"] == []


def test_a_changed_subject_line_makes_the_consent_stale(evening: Evening) -> None:
    def answer(plan: Plan) -> dict[str, Choice]:
        evening.edit("103", subject="Something else")
        return approve_all(plan)

    _, report = evening.reconcile(answer=answer)

    assert outcome(report, "103")[1] is End.STALE
    assert not [e for e in evening.effects() if e["kind"].startswith("campaign_")]


def test_a_copy_that_a_colleague_rewrote_before_it_was_sent_is_not_sent(evening: Evening) -> None:
    """The consent is to the original's words; the stop is proven, and only the draft is another one."""
    carry = evening.pro2.carry

    def rewritten(request: Request) -> Reply:
        answer = carry(request)
        if request.mutating and request.path.endswith("/copy"):
            evening.edit(max(evening.world.campaigns.all), subject="Something else")
        return answer

    evening.pro2.carry = rewritten  # type: ignore[method-assign]
    _, report = evening.reconcile()

    assert outcome(report, "103")[1] is End.STALE
    assert "has another subject line than the original" in outcome(report, "103")[2]
    assert "campaign_sent" not in {e["kind"] for e in evening.effects()}


def test_our_own_copy_in_a_second_outage_is_never_copied(tmp_path: Path) -> None:
    """The copy is held by the vendor; the next outage finds it and leaves it to a person (rule C3)."""
    incident = load_incident(INCIDENTS / "worked-example.yaml")
    held = incident.account.model_copy(update={"sends": "held_for_review"})
    evening = Evening(tmp_path, incident.model_copy(update={"account": held}))
    evening.end_outage()
    first, report = evening.reconcile()
    assert outcome(report, "103")[1] is End.NEEDS_HUMAN
    sent = [e for e in evening.effects() if e["kind"] in ("campaign_copied", "campaign_sent")]

    now = evening.clock.now()
    second = Window(start=now - timedelta(hours=2), end=now, source="second outage", outage_known=True)
    plan, _ = evening.reconcile(window=second, dag_run="outage__2__g1")

    copies = [d for d in plan.decisions if d.rule == "C3"]
    assert [d.root for d in copies] == ["campaign:103"]
    assert [e for e in evening.effects() if e["kind"] in ("campaign_copied", "campaign_sent")] == sent
    assert first.hash != plan.hash


def test_an_original_that_wakes_after_its_copy_was_sent_is_stopped_again_and_told_once(
    tmp_path: Path,
) -> None:
    incident = load_incident(INCIDENTS / "worked-example.yaml")
    campaigns = tuple(
        c.model_copy(update={"sends_itself": timedelta(hours=3), "stop": "forgotten"}) if c.id == "103" else c
        for c in incident.campaigns
    )
    evening = Evening(tmp_path, incident.model_copy(update={"campaigns": campaigns}))
    evening.end_outage()
    _, report = evening.reconcile()
    assert outcome(report, "103")[1] is End.VERIFIED
    assert evening.guard().alarms == ()

    evening.clock.at = evening.world.t0 + timedelta(hours=3, seconds=1)
    told = evening.guard()
    again = evening.guard()

    assert len(told.alarms) == 1
    assert "woke up" in told.alarms[0]
    assert again.alarms == ()


def test_the_worked_example_runs_in_its_own_times(evening: Evening) -> None:
    """Outage until 21:05, settled 21:15, wait waived, stopped, copy sent and verified within half an hour."""
    end = evening.window().end
    sleep = evening.clock.sleep

    def waive_at_21_16(seconds: float) -> None:
        sleep(seconds)
        if evening.clock.now() >= end + timedelta(minutes=11):
            evening.ledger().waive("playhouse", "campaign:103", "ops", "we know")

    evening.clock.sleep = waive_at_21_16  # type: ignore[method-assign]
    _, report = evening.reconcile()

    assert outcome(report, "103")[:2] == ("C11", End.VERIFIED)
    took = evening.clock.now() - end
    assert timedelta(minutes=16) <= took <= timedelta(minutes=45)
    assert evening.truth()["mailed_twice"] == []
    assert evening.truth()["missing"] == []
    stop = every_action(evening.ledger())[0].step(Verb.STOP_CAMPAIGN)
    asked, proven = (stop.when(state) for state in (State.DONE, State.CONFIRMED)) if stop else (None, None)
    assert asked
    assert proven
    assert proven - asked >= timedelta(minutes=5), "two reads, five minutes apart"


def test_a_mail_that_a_colleague_wrote_again_blocks_even_if_the_outage_was_seen_too_late(
    tmp_path: Path,
) -> None:
    """Only our own probe saw the outage, in its last seconds; the colleague had acted twelve minutes before."""
    evening = Evening(tmp_path)
    evening.end_outage()
    whole = evening.window()
    seen = whole.model_copy(update={"start": whole.end - timedelta(seconds=9)})

    _, report = evening.reconcile(window=seen)

    row = next(row for row in report.rows if row.item_id == "124")
    assert (row.rule, row.outcome) == ("C6", End.NEEDS_HUMAN)
    assert evening.truth()["mailed_twice"] == []
