"""Requests that get lost on the way, and gates that close between two steps: never a second mail, never silence."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.incident.harness import INCIDENTS, Evening, approve_all

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode, Verb
from pro2_reconciliation.ledger import ActionKey, Ledger, Stage, State
from pro2_reconciliation.repair.clearing import clear
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_sandbox import Fault
from pro2_sandbox.faults import Match

KINDS = ("refuse", "timeout_before", "timeout_after", "error_after", "html", "truncated", "429", "403")
STOP, COPY, SEND = (
    Match(method="POST", action="campaign_status"),
    Match(method="POST", path_regex=r"/copy$"),
    Match(method="POST", action="campaign_status"),
)


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path, INCIDENTS / "worked-example.yaml")
    found.end_outage()
    return found


def row_of(report: Report, item_id: str = "103") -> Row:
    return next(row for row in report.rows if row.item_id == item_id)


@pytest.mark.parametrize(
    ("step", "kind"), list(itertools.product(("stop", "copy", "send"), KINDS)), ids=lambda value: str(value)
)
def test_a_lost_request_never_mails_twice_and_ends_proven_or_with_a_person(
    evening: Evening, step: str, kind: Any
) -> None:
    match, skip = {"stop": (STOP, 0), "copy": (COPY, 0), "send": (SEND, 1)}[step]
    evening.world.faults.add(Fault(match=match, kind=kind, times=1, skip=skip))

    _, report = evening.reconcile()

    truth = evening.truth()
    assert truth["mailed_twice"] == []
    row = row_of(report)
    assert row.outcome in (End.VERIFIED, End.NEEDS_HUMAN, End.STALE, End.FAILED)
    assert row.detail
    # only an explicit no (403) or an answer that proves nothing may leave the mail unsent
    if kind in ("refuse", "timeout_before", "timeout_after", "error_after", "html", "truncated", "429"):
        assert row.outcome is End.VERIFIED, row.detail
        assert truth["missing"] == []


def test_a_send_that_landed_although_its_answer_was_lost_is_found_and_not_repeated(evening: Evening) -> None:
    evening.world.faults.add(Fault(match=SEND, kind="timeout_after", times=1, skip=1))

    evening.reconcile()

    action = every_action(evening.ledger())[0]
    send = action.step(Verb.SEND_CAMPAIGN)
    assert send is not None
    assert send.attempt == 1
    assert [move.to_state for move in send.moves][-3:] == [State.AMBIGUOUS, State.DONE, State.CONFIRMED]
    assert len([e for e in evening.effects() if e["kind"] == "campaign_sent"]) == 1


def between_stop_and_send(evening: Evening, then: Any) -> None:
    """Call ``then`` once as soon as the copy stands and before it is sent."""
    carry, done = evening.pro2.carry, []

    def carried(request: Any) -> Any:
        reply = carry(request)
        if request.path.endswith("/copy") and not done:
            done.append(True)
            then()
        return reply

    evening.pro2.carry = carried  # type: ignore[method-assign]


def test_the_kill_switch_stops_before_the_send_and_the_report_says_how_to_go_on(evening: Evening) -> None:
    between_stop_and_send(
        evening, lambda: evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "kim", "odd mails")
    )
    _, report = evening.reconcile()

    row = row_of(report)
    assert row.outcome is End.NOT_NOW
    assert "kill switch is on (kim: odd mails)" in row.detail
    assert not [e for e in evening.effects() if e["kind"] == "campaign_sent"]


def test_what_a_closed_gate_left_half_done_is_resumed_by_the_next_dag_run(evening: Evening) -> None:
    ledger = evening.ledger()
    between_stop_and_send(
        evening, lambda: ledger.set_switch("playhouse", Stage.EVERYTHING, "kim", "odd mails")
    )
    evening.reconcile()
    ledger.set_switch("playhouse", Stage.OFF, "kim", "it was nothing")

    _, report = evening.reconcile(dag_run="ask__2")

    assert (row_of(report).rule, row_of(report).outcome) == ("C0", End.VERIFIED)
    assert len([e for e in evening.effects() if e["kind"] == "campaign_copied"]) == 1
    assert evening.truth()["mailed_twice"] == []
    assert evening.truth()["missing"] == []


def test_an_item_that_a_person_took_over_is_not_touched_any_more(evening: Evening) -> None:
    between_stop_and_send(evening, lambda: evening.ledger().hold("playhouse", "campaign:103", "kim", "mine"))
    _, report = evening.reconcile()

    assert row_of(report).outcome is End.NOT_NOW
    assert "kim does this one by hand" in row_of(report).detail


def test_an_answered_plan_still_clears_nothing_in_mode_plan(evening: Evening) -> None:
    plan, _ = evening.reconcile(Mode.PLAN)
    account = evening.account("run-2")
    account.ledger.save_answers(plan.hash, approve_all(plan), "kim")

    assert clear(account, plan, Mode.PLAN, who="kim").steps == ()
    assert every_action(account.ledger) == []
    assert clear(account, plan, Mode.ASK, who="kim").steps != ()


def test_a_campaign_whose_send_by_passes_while_its_stop_settles_is_neither_copied_nor_sent(
    evening: Evening,
) -> None:
    def answered_late(plan: Plan) -> dict[str, Choice]:
        decision = plan.decision("campaign:103")
        assert decision is not None
        assert decision.send_by is not None
        evening.clock.at = decision.send_by - timedelta(minutes=1)
        evening.guard()
        return approve_all(plan)

    _, report = evening.reconcile(answer=answered_late)

    assert row_of(report).outcome is End.STALE
    assert row_of(report).detail.startswith(
        "copy campaign: it is too late to send; in Pro2 at Fri 20 Nov 04:09 CST"
    )
    assert {e["kind"] for e in evening.effects()} == {"campaign_stopped"}


def test_without_a_guard_nothing_is_sent(evening: Evening) -> None:
    account = evening.account("run")
    evening.clock.every_minute = None
    evening.guard = lambda: None  # type: ignore[method-assign]
    evening.ledger().beat("somebody else")
    beat = account.ledger.beat
    account.ledger.beat = lambda name: None if name == "guard_repairs" else beat(name)  # type: ignore[method-assign, assignment, return-value]

    _, report = evening.reconcile(account=account)

    assert row_of(report).outcome is End.NOT_NOW
    assert "guard_repairs has never passed" in row_of(report).detail
    assert not [e for e in evening.effects() if e["kind"] == "campaign_sent"]


def test_an_item_whose_action_cannot_be_registered_leaves_the_other_choices_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    register = Ledger.register

    def refusing(self: Ledger, key: ActionKey, **given: Any) -> Any:
        if key.root == "campaign:103":
            raise LedgerError("it was decided on other facts")
        return register(self, key, **given)

    monkeypatch.setattr(Ledger, "register", refusing)
    _, report = evening.reconcile()
    ends = {row.item_id: (row.outcome, row.detail) for row in report.rows}
    assert ends["103"] == (End.NOT_NOW, "it was decided on other facts")
    assert ends["104"][0] is End.VERIFIED
