"""A send waits for the jobs that make its audience, and a report only looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.incident.asking import asked
from tests.incident.harness import Evening
from tests.incident.test_manual import only

from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Verb
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair.actions import Lane
from pro2_reconciliation.repair.clearing import clear
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.manual import ManualAnswer, answer_manual
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.reconcile import watch
from pro2_reconciliation.repair.report import End, make_report
from pro2_reconciliation.repair.settling import settle_waiting
from pro2_reconciliation.repair.step_result import GATED
from pro2_reconciliation.repair.steps import carry_out


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


class TestACampaignThatAJobFeeds:
    def both(self, evening: Evening) -> Any:
        """j-202 makes the audience of campaign 103; both are approved."""
        jobs = tuple(
            job.model_copy(update={"feeds": ("103",)}) if job.id == "j-202" else job
            for job in evening.site.jobs
        )
        evening.site = evening.site.model_copy(update={"jobs": jobs})
        wanted = ("campaign:103", "occurrence:j-202@")
        return lambda plan: {
            d.key: d.choices[1] for d in plan.decisions if d.asks and d.key.startswith(wanted)
        }

    def row(self, report: Any) -> Any:
        return next(row for row in report.rows if row.key == "campaign:103")

    def test_is_held_and_not_given_up_while_the_job_still_waits_for_its_person(
        self, evening: Evening
    ) -> None:
        answer = self.both(evening)
        account = evening.account("run-1", manual=frozenset({Verb.REPEAT_IMPORT}))
        plan, first = evening.reconcile(account=account, answer=answer)
        held = self.row(first)
        assert (held.outcome, held.copy_id) == (End.NOT_NOW, None)
        assert "the repair of job j-202, which makes its audience, has not ended" in held.detail

        pressed = evening.sandbox.call(
            "POST", "/sandbox/people", json={"does": "repeat_import", "item": "j-202"}
        )
        assert pressed.status == 201
        root = next(d.root for d in plan.decisions if d.item_id.startswith("j-202@"))
        (action,) = account.ledger.actions_of("playhouse", root)
        answer_manual(account, plan, action.id, Verb.REPEAT_IMPORT, ManualAnswer.DONE, "Ada")
        evening.clock.sleep(60)
        _, second = evening.reconcile(dag_run="run-2", answer=answer)
        assert self.row(second).outcome is End.VERIFIED
        assert evening.truth()["mailed_twice"] == []


def test_a_copy_waits_until_the_stop_of_its_original_is_proven(evening: Evening) -> None:
    """Accepted is not proven: a copy task that comes too early, cleared or out of order, makes nothing."""
    account = evening.account("run-1")
    account.ledger.beat(GUARD)
    inventory = take_inventory(account, evening.window(), only=("campaign:103",))
    plan = build_plan(account, inventory, watch(account, inventory), run="run-1")
    account.ledger.save_plan(plan, "run-1")
    account.ledger.save_answers(plan.hash, {"campaign:103": Choice.RESEND}, "Ada")
    stop = clear(account, plan, Mode.ASK, who="Ada").of(Lane.STOP_CAMPAIGN)[0]
    assert carry_out(account, plan, stop.action_id, Verb.STOP_CAMPAIGN).state == State.DONE

    early = carry_out(account, plan, stop.action_id, Verb.COPY_CAMPAIGN)

    assert (early.state, early.why) == (GATED, "stop campaign is done: accepted")
    assert [one["kind"] for one in evening.effects()] == ["campaign_stopped"]


class TestAReport:
    def test_writes_nothing_and_what_the_world_shows_by_then_is_settled_before_it(
        self, evening: Evening
    ) -> None:
        """Its confirm task died: the step is done, proven by a row, and nobody has looked."""
        found = asked(evening, Remedy.REPEAT_IMPORT, answer=lambda plan: {})
        plan = found.plan
        evening.ledger().save_answers(plan.hash, only(Remedy.REPEAT_IMPORT)(plan), "Ada")
        account = evening.account("run-1")
        cleared = clear(account, plan, Mode.ASK, who="test")
        step = cleared.steps[0]
        assert carry_out(account, plan, step.action_id, step.verb).state == State.DONE
        evening.clock.sleep(account.policy.confirm_seconds + 1)

        report = make_report(account, plan, Mode.ASK, not_now=cleared.not_now)
        assert next(row for row in report.rows if row.key == step.item_key).outcome is End.FAILED
        assert account.ledger.action(step.action_id).step(step.verb).state is State.DONE

        settle_waiting(account)
        report = make_report(account, plan, Mode.ASK, not_now=cleared.not_now)
        assert next(row for row in report.rows if row.key == step.item_key).outcome is End.VERIFIED
