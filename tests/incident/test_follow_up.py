"""What one more question is asked about: drift of a data sync, and what a closed gate left."""

from __future__ import annotations

from pathlib import Path

from tests.incident.harness import Evening, approve_all

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.repair.clearing import clear
from pro2_reconciliation.repair.handover import follow_up_keys
from pro2_reconciliation.repair.report import End


def keys_after(evening: Evening, plan: Plan) -> list[str]:
    account = evening.account("follow-up")
    return follow_up_keys(account, plan, Mode.ASK, clear(account, plan, Mode.ASK, who="test").not_now)


def test_the_drift_of_a_confirmed_import_is_asked_about_and_applied_once(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    first, _ = evening.reconcile(dag_run="outage__1__g1")
    keys = keys_after(evening, first)
    assert {key.partition("@")[0] for key in keys} == {"occurrence:j-204", "occurrence:j-217"}

    second, report = evening.reconcile(dag_run="ask__1", only=tuple(keys), parent=first.hash)

    ends = {row.item_id.rpartition("+")[2]: row.outcome for row in report.rows if "+" in row.item_id}
    assert ends == {"add": End.VERIFIED, "remove": End.VERIFIED}
    assert keys_after(evening, second) == []
    assert evening.truth()["missing"] == []


def test_a_drift_that_a_closed_gate_held_up_is_asked_about_again(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    first, _ = evening.reconcile(dag_run="outage__1__g1")
    keys = tuple(keys_after(evening, first))
    ledger = evening.ledger()

    def answered_and_switched(plan: Plan) -> dict[str, Choice]:
        ledger.set_switch("playhouse", Stage.EVERYTHING, "kim", "a moment")
        return approve_all(plan)

    second, held = evening.reconcile(
        dag_run="ask__1", only=keys, parent=first.hash, answer=answered_and_switched
    )
    assert {row.outcome for row in held.rows if "+" in row.item_id} == {End.NOT_NOW}

    again = tuple(keys_after(evening, second))
    ledger.set_switch("playhouse", Stage.OFF, "kim", "go on")
    _, report = evening.reconcile(dag_run="ask__2", only=again, parent=second.hash)

    assert set(again) == set(keys)
    assert {row.outcome for row in report.rows if "+" in row.item_id} == {End.VERIFIED}
