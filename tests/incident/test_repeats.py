"""A person asks for an ended action once more; an item that nobody closes is closed in words after 30 days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.claims import every_action
from tests.incident.harness import INCIDENTS, Evening, approve_none
from tests.incident.test_faults_and_gates import STOP, row_of

from pro2_reconciliation.__main__ import main
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair.plain import render_text
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.repair.report_page import render
from pro2_sandbox import Fault


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path, INCIDENTS / "worked-example.yaml")
    found.end_outage()
    return found


def desk(evening: Evening, *words: str) -> int:
    ledger, config = f"sqlite:///{evening.folder}/ledger.db", str(evening.folder / "config")
    return main(["--ledger", ledger, "--config", config, "--who", "kim", *words])


def test_a_stop_that_was_refused_is_tried_again_only_when_a_person_asks_and_is_asked_about(
    evening: Evening, capsys: pytest.CaptureFixture[str]
) -> None:
    evening.world.faults.add(Fault(match=STOP, kind="403", times=1))
    evening.reconcile()
    assert row_of(evening.reconcile(dag_run="nightly__1", mode=Mode.PLAN)[1]).rule == "C0"

    assert desk(evening, "repeat", "campaign:103", "--why", "the vendor mended the right") == 0
    assert "as generation 2, for kim: the vendor mended the right" in capsys.readouterr().out

    plan, report = evening.reconcile(dag_run="manual__2", answer=approve_none)
    assert plan.decision("campaign:103").rule == "C11"  # type: ignore[union-attr]
    assert row_of(report).outcome is End.NOT_CHOSEN
    assert [effect for effect in evening.effects() if effect["kind"] == "campaign_copied"] == []

    _, report = evening.reconcile(dag_run="manual__3")
    assert row_of(report).outcome is End.VERIFIED, row_of(report).detail
    assert evening.truth()["mailed_twice"] == []
    assert evening.truth()["missing"] == []
    generations = {a.generation: a.state for a in every_action(evening.ledger())}
    assert generations == {1: State.FAILED, 2: State.CONFIRMED}


def test_a_resend_that_was_sent_is_never_repeated(
    evening: Evening, capsys: pytest.CaptureFixture[str]
) -> None:
    evening.reconcile()
    assert desk(evening, "repeat", "campaign:103", "--why", "once more") == 2
    assert "may have mailed its patrons" in capsys.readouterr().err
    _, report = evening.reconcile(dag_run="manual__2")
    assert row_of(report).rule == "C0"
    assert len([e for e in evening.effects() if e["kind"] == "campaign_sent"]) == 1


def test_an_item_that_nobody_closes_is_closed_after_30_days_and_named_that_night(evening: Evening) -> None:
    evening.world.faults.add(Fault(match=STOP, kind="403", times=1))
    evening.reconcile()
    ledger = evening.ledger()
    (item,) = ledger.open_items("playhouse")

    evening.clock.at = item.opened_at + timedelta(days=29)
    assert evening.reconcile(dag_run="nightly__29", mode=Mode.PLAN)[1].expired == ()
    evening.clock.at = item.opened_at + timedelta(days=30)
    _, report = evening.reconcile(dag_run="nightly__30", mode=Mode.PLAN)

    (sentence,) = report.expired
    assert sentence.startswith("«Opening night invitation» (campaign:103) is closed: open since Thu 19 Nov")
    assert "CST, for 30 days: nobody closed it and nothing settled it" in sentence
    assert sentence in render_text(report)
    assert "for 30 days" in render(report)
    assert ledger.open_items("playhouse") == []
    action = every_action(ledger)[0]
    assert action.latest[0].state is State.CLOSED
    assert evening.reconcile(dag_run="nightly__31", mode=Mode.PLAN)[1].expired == ()
