"""A dag run that dies after its last request: the next one, even one that only reports, proves what it had done.

And an Airflow that was away while items were watched: it looks twice again before it judges.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.incident.harness import Evening, approve_none
from tests.incident.one_campaign import RESEND, OneCampaign, row

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Verb
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair import reconcile as playing
from pro2_reconciliation.repair.report import End


class Died(BaseException):
    """No ``except`` of ours sees it, as none sees a SIGKILL."""


@pytest.fixture
def evening(tmp_path: Path) -> OneCampaign:
    return OneCampaign(tmp_path, poll_seconds=60)


def dies(evening: Evening, monkeypatch: pytest.MonkeyPatch, when: str, item: str = RESEND) -> None:
    """Play a dag run that dies ``before its proof``, or ``before its record``: the request was answered then."""

    def answer(plan: Plan) -> dict[str, Choice]:
        return {item: next(c for c in (Choice.RESEND, Choice.REPROCESS) if c in _of(plan, item).choices)}

    last = (Verb.SEND_CAMPAIGN, Verb.REPEAT_IMPORT)
    with monkeypatch.context() as patch:
        if when == "before its proof":

            class Dying(playing.Proof):
                def look(self) -> Any:
                    if self.verb in last:
                        raise Died
                    return super().look()

            patch.setattr(playing, "Proof", Dying)
        else:
            ledger = evening.ledger()
            move = ledger.move

            def moving(step_id: int, to: State, **how: Any) -> Any:
                if to is State.DONE and ledger.step(step_id).verb in last:
                    raise Died
                return move(step_id, to, **how)

            patch.setattr(ledger, "move", moving)
            patch.setattr(ledger, "release", lambda claim: None)
        with pytest.raises(Died):
            evening.reconcile(answer=answer)


def _of(plan: Plan, item: str) -> Any:
    found = plan.decision(item)
    assert found is not None
    return found


@pytest.mark.parametrize("when", ["before its proof", "before its record"])
@pytest.mark.parametrize("mode", [Mode.PLAN, Mode.ASK])
def test_a_copy_that_a_dead_dag_run_sent_is_proven_by_the_next_and_nobody_is_asked(
    evening: OneCampaign, monkeypatch: pytest.MonkeyPatch, when: str, mode: Mode
) -> None:
    dies(evening, monkeypatch, when)
    evening.clock.sleep(600)
    plan, report = evening.reconcile(mode, answer=approve_none, dag_run="run-2")
    decision = _of(plan, RESEND)
    assert (decision.rule, decision.remedy, decision.asks) == ("C0", Remedy.NONE, False)
    assert (row(report).outcome, row(report).reason) == (
        End.NONE,
        "repaired by us already (resend, confirmed)",
    )
    assert [e["kind"] for e in evening.effects()].count("campaign_sent") == 1
    assert (evening.truth()["mailed_twice"], evening.truth()["missing"]) == ([], [])


def test_nor_is_it_called_too_late_to_send(evening: OneCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    dies(evening, monkeypatch, "before its proof")
    evening.clock.sleep(14 * 3600)
    assert row(evening.reconcile(Mode.PLAN, dag_run="run-2")[1]).outcome is End.NONE


def test_a_send_whose_worker_may_be_alive_is_left_to_it(
    evening: OneCampaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    dies(evening, monkeypatch, "before its record")
    action = every_action(evening.ledger())[0]
    send = action.step(Verb.SEND_CAMPAIGN)
    assert send is not None
    evening.reconcile(Mode.PLAN, dag_run="run-2")
    assert evening.ledger().step(send.id).state is State.INTENDED, "its lease is alive"


def test_an_import_that_a_dead_dag_run_asked_for_is_proven_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    plan, _ = evening.reconcile(Mode.PLAN, dag_run="run-0")
    item = next(d.key for d in plan.decisions if d.remedy is Remedy.REPEAT_IMPORT)
    dies(evening, monkeypatch, "before its record", item)
    evening.clock.sleep(600)
    _, report = evening.reconcile(Mode.PLAN, dag_run="run-2")
    assert (row(report, item).rule, row(report, item).outcome) == ("R0", End.NONE)


def test_an_airflow_that_was_away_while_items_were_watched_looks_twice_again_and_asks(
    evening: OneCampaign,
) -> None:
    """Its time was up meanwhile; it is judged by two looks, and it is neither lost nor left to a person."""
    policy = evening.site.policy
    sleep, slept = evening.clock.sleep, 0

    def away(seconds: float) -> None:
        nonlocal slept
        slept += 1
        sleep(3600 if slept == 3 else seconds)

    evening.clock.sleep = away  # type: ignore[method-assign]
    began = evening.clock.now()
    plan, _ = evening.reconcile(Mode.PLAN)
    decision = _of(plan, RESEND)
    assert decision.rule == "C11"
    seen = decision.observation
    assert seen is not None
    assert seen.after_gap is not None
    assert began + timedelta(seconds=3600) < seen.after_gap
    assert seen.seen_at - seen.after_gap >= timedelta(seconds=policy.read_gap_seconds)
