"""Plans are frozen; the first answer stands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import Decision, Plan, Window
from pro2_reconciliation.domain.words import Choice, ItemKind, Remedy


@pytest.fixture
def plan(ledger, clock):
    identity = ledger.identity
    decision = Decision(
        kind=ItemKind.CAMPAIGN,
        item_id="103",
        name="Première",
        root="campaign:103",
        rule="C11",
        remedy=Remedy.RESEND,
        reason="pending",
        choices=(Choice.LEAVE, Choice.RESEND),
        due=clock.time,
    )
    return Plan(
        organization="playhouse",
        zone="America/Chicago",
        window=Window(start=clock.time - timedelta(hours=3), end=clock.time),
        created_at=clock.time,
        ledger_uuid=identity.uuid,
        ledger_epoch=identity.epoch,
        decisions=(decision,),
    )


def test_a_plan_comes_back_as_it_was_frozen(ledger, plan):
    plan_hash = ledger.save_plan(plan, "outage__3f2a__g1")
    assert plan_hash == plan.hash
    found = ledger.plan(plan_hash)
    assert found == plan
    assert found.hash == plan_hash
    assert ledger.dag_run_of(plan_hash) == "outage__3f2a__g1"
    assert ledger.plans("playhouse") == [plan]
    assert ledger.plan("nothing") is None
    assert ledger.dag_run_of("nothing") is None


def test_the_same_plan_again_changes_nothing(ledger, plan):
    ledger.save_plan(plan, "first")
    ledger.save_plan(plan.model_copy(update={"created_at": plan.created_at + timedelta(hours=1)}), "second")
    assert ledger.dag_run_of(plan.hash) == "first"
    assert ledger.plan(plan.hash).created_at == plan.created_at


def test_a_plan_of_another_ledger_is_refused(ledger, plan):
    with pytest.raises(LedgerError, match="make a new plan"):
        ledger.save_plan(plan.model_copy(update={"ledger_epoch": 7}), "x")
    with pytest.raises(LedgerError, match="make a new plan"):
        ledger.save_plan(plan.model_copy(update={"ledger_uuid": "other"}), "x")


def test_the_first_answer_stands_and_the_second_one_sees_it(ledger, plan, clock):
    ledger.save_plan(plan, "x")
    assert ledger.answers(plan.hash) == {}
    ledger.save_answers(plan.hash, {"campaign:103": Choice.RESEND}, "Ada")
    clock.pass_seconds(60)
    standing = ledger.save_answers(
        plan.hash, {"campaign:103": Choice.LEAVE, "campaign:104": Choice.LEAVE}, "Bo"
    )
    assert {key: (answer.choice, answer.who) for key, answer in standing.items()} == {
        "campaign:103": (Choice.RESEND, "Ada"),
        "campaign:104": (Choice.LEAVE, "Bo"),
    }
    assert ledger.answers(plan.hash) == standing
    assert standing["campaign:103"].at == clock.time - timedelta(seconds=60)


def test_an_answer_to_nothing_is_refused(ledger):
    with pytest.raises(LedgerError, match="no plan nothing"):
        ledger.save_answers("nothing", {"campaign:103": Choice.RESEND}, "Ada")
