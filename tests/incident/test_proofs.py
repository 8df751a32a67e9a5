"""What proves that a job was done again: a row, and what the run did to tags and automations."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import Evening

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Remedy
from pro2_reconciliation.repair.proofs import Proof, Verdict
from pro2_reconciliation.repair.report import End, Row

IMPORT, TRIGGER = "j-202", "j-216"


class Pressing:
    """The dashboard, with something that happens in Pro2 just after a button was pressed."""

    def __init__(self, dashboard: Any, after: Any) -> None:
        self._dashboard, self._after = dashboard, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dashboard, name)

    def repeat_import(self, job_id: str) -> None:
        self._dashboard.repeat_import(job_id)
        self._after()

    def import_list(self, list_id: str, tag: str, name: str) -> None:
        self._dashboard.import_list(list_id, tag, name)
        self._after()


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


def done(evening: Evening, job_id: str, remedy: Remedy, after: Any = lambda: None) -> Row:
    """The row of a job of which alone the repair was chosen."""

    def answer(plan: Plan) -> dict[str, Choice]:
        chosen = [d for d in plan.decisions if d.item_id.startswith(f"{job_id}@") and d.remedy is remedy]
        return {d.key: Choice.REPROCESS for d in chosen}

    account = evening.account("run-1")
    account = evening.account("run-1", dashboard=Pressing(account.dashboard, after))
    _, report = evening.reconcile(account=account, answer=answer)
    return next(r for r in report.rows if r.item_id.startswith(f"{job_id}@") and r.decision == remedy.value)


def held(evening: Evening, tag: str) -> int:
    found = evening.world.contacts.tag_named(tag)
    return len(found.held) if found else 0


def test_a_repeated_import_says_how_many_hold_its_tag(evening: Evening) -> None:
    row = done(evening, IMPORT, Remedy.REPEAT_IMPORT)
    assert row.outcome is End.VERIFIED
    assert row.detail.endswith(f"240 contacts, {held(evening, 'Ticket buyers')} hold the tag")


def test_a_repeated_import_after_which_fewer_hold_its_tag_is_not_proven(evening: Evening) -> None:
    contacts = evening.world.contacts
    tag = contacts.tag_named("Ticket buyers")
    assert tag is not None
    before = len(tag.held)

    def nearly_everybody_loses_it() -> None:
        for relation in list(tag.held.values()):
            contacts.remove_relation(relation, evening.world.now, "vendor")
        contacts.tag_many = lambda members, tag: len(members)  # type: ignore[method-assign]

    row = done(evening, IMPORT, Remedy.REPEAT_IMPORT, nearly_everybody_loses_it)
    assert row.outcome is End.NEEDS_HUMAN
    assert f"0 hold the tag «Ticket buyers», before it were {before}" in row.detail


def test_an_import_under_a_unique_tag_is_proven_by_as_many_holders_as_its_row_counts(
    evening: Evening,
) -> None:
    contacts = evening.world.contacts
    whole = contacts.tag_many

    def all_but_one_arrive() -> None:
        contacts.tag_many = lambda members, tag: whole(members[1:], tag)  # type: ignore[method-assign]

    row = done(evening, "j-204", Remedy.DATA_SYNC, all_but_one_arrive)
    assert row.outcome is End.NEEDS_HUMAN
    assert "189 hold the tag, the row says 190" in row.detail


def test_a_run_now_that_nobody_enters_is_said_and_not_failed(evening: Evening) -> None:
    model = next(job for job in evening.incident.jobs if job.id == TRIGGER)
    everybody = list(evening.world.contacts.all)
    evening.world.automations.enter(
        str(model.automation),
        everybody,
        "before",
        evening.world.t0 - timedelta(days=30),
        "person",
    )
    row = done(evening, TRIGGER, Remedy.RUN_NOW)
    assert row.outcome is End.VERIFIED
    assert row.detail.endswith(f"0 entered automation {model.automation}")


def test_two_dag_runs_that_prove_the_same_at_the_same_moment_agree(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One action may have been chosen in both; whose verdict is second says what the first one wrote."""
    peek, others = Proof.peek, []

    def both_look(proof: Proof) -> Verdict:
        verdict = peek(proof)
        if verdict.decided and not others:
            others.append(Proof(proof.account, proof.plan, proof.action_id, proof.verb))
            assert others[0].look() == verdict
        return verdict

    monkeypatch.setattr(Proof, "peek", both_look)
    assert done(evening, IMPORT, Remedy.REPEAT_IMPORT).outcome is End.VERIFIED
    assert others
