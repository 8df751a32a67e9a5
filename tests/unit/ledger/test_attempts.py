"""Further attempts at a dag run are noted once, whoever notes them."""

from __future__ import annotations

from pro2_reconciliation.ledger import Attempt


def test_an_attempt_is_noted_once_and_keeps_its_time(ledger, clock):
    began = clock.time
    first = ledger.note_attempt("playhouse", "hours__1", "1", 2, "the first ended without a plan")
    clock.pass_seconds(60)
    again = ledger.note_attempt("playhouse", "hours__1", "1", 2, "another pass saw the same")
    assert first == again == Attempt(2, began, "the first ended without a plan")
    ledger.note_attempt("playhouse", "hours__1", "1", 3, "so did the second")
    assert [one.number for one in ledger.attempts("playhouse", "hours__1")] == [2, 3]


def test_each_dag_run_and_each_organization_has_its_own(ledger):
    ledger.note_attempt("playhouse", "hours__1", "1", 2, "it ended without a plan")
    assert ledger.attempts("playhouse", "ask__1") == []
    assert ledger.attempts("opera", "hours__1") == []


def test_what_was_noted_for_several_dag_runs_is_read_at_once(ledger):
    ledger.save_follow_up("1", ["campaign:104", "campaign:103"])
    ledger.save_follow_up("hours__2", ["campaign:105"])
    assert ledger.noted(["1", "hours__1", "hours__2"]) == {
        "1": ("campaign:103", "campaign:104"),
        "hours__2": ("campaign:105",),
    }
