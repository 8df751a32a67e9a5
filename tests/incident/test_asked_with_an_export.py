"""Steps that a person presses where the Activity Log comes as a file: what it does not show yet did not fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.incident.asking import Asked, asked
from tests.incident.harness import Evening
from tests.incident.test_manual import Colleague, by_hand, only

from pro2_reconciliation.domain.errors import NoConsole
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Console
from pro2_reconciliation.domain.ports import Dashboard
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Verb
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.clearing import clear
from pro2_reconciliation.repair.manual import ManualAnswer
from pro2_reconciliation.repair.proofs import OPEN, Proof
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.repair.step_result import ASKED
from pro2_reconciliation.repair.steps import carry_out


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


class OldExport:
    """The dashboard as the newest export shows it: until ``until``, without a Console."""

    def __init__(self, live: Dashboard, until: datetime, shifted: timedelta) -> None:
        self.live = live
        self.until = until
        self.shifted = shifted

    def activity(self, since: datetime, until: datetime) -> ActivityLog:
        rows = self.live.activity(since, min(until, self.until)).rows
        return ActivityLog(as_of=self.until, rows=tuple(replaced(row, self.shifted) for row in rows))

    def console(self) -> Console:
        raise NoConsole("an export has no Console")


def replaced(row: ActivityRow, shifted: timedelta) -> ActivityRow:
    """A run that a person started, as if it had begun earlier."""
    return row.model_copy(update={"started": row.started - shifted}) if row.manual else row


class TestAnExport:
    """Somebody exports the Activity Log now and then; what it does not show yet did not fail."""

    def pressed(self, evening: Evening, found: Asked) -> None:
        job = found.job(Verb.REPEAT_IMPORT)
        evening.clock.sleep(20)
        evening.world.jobs.repeat_import(job, evening.world.advance(), "person")
        assert found.answer(Verb.REPEAT_IMPORT, ManualAnswer.DONE).state is State.DONE

    def account(self, evening: Evening, until: datetime, shifted: float = 0) -> Account:
        live = by_hand(evening)
        export = OldExport(live.dashboard, until, timedelta(seconds=shifted))
        return replace(live, dashboard=export)  # type: ignore[arg-type]

    def test_without_a_console_a_person_is_asked_and_told_to_look_there_first(self, evening: Evening) -> None:
        plan, _ = evening.reconcile(Mode.PLAN)
        first = next(d for d in plan.decisions if d.remedy is Remedy.REPEAT_IMPORT and not d.stop_first)
        account = self.account(evening, evening.clock.now())
        account.ledger.save_answers(plan.hash, {first.key: Choice.REPROCESS}, "Ada")
        (step,) = clear(account, plan, Mode.ASK, who="test").steps
        result = carry_out(account, plan, step.action_id, step.verb)
        assert result.state == ASKED
        assert result.instruction.startswith("First look in the Console and the Activity Log: if «")

    def test_we_press_nothing_where_we_cannot_see_what_runs(self, evening: Evening) -> None:
        plan, _ = evening.reconcile(Mode.PLAN)
        first = next(d for d in plan.decisions if d.remedy is Remedy.REPEAT_IMPORT and not d.stop_first)
        account = replace(self.account(evening, evening.clock.now()), manual=frozenset())
        account.ledger.save_answers(plan.hash, {first.key: Choice.REPROCESS}, "Ada")
        (step,) = clear(account, plan, Mode.ASK, who="test").steps
        with pytest.raises(NoConsole):
            carry_out(account, plan, step.action_id, step.verb)
        assert evening.effects("us") == []

    def test_an_old_one_leaves_the_item_open_and_a_newer_one_proves_it(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        before = evening.clock.now()
        self.pressed(evening, found)
        evening.clock.sleep(evening.site.policy.confirm_seconds + 1)
        step = found.step(Verb.REPEAT_IMPORT)

        old = self.account(evening, before)
        verdict = Proof(old, found.plan, step.action_id, step.verb).look()
        assert verdict.state == OPEN
        assert "needs a newer export" in verdict.why
        assert found.record(Verb.REPEAT_IMPORT).state is State.DONE
        assert carry_out(old, found.plan, step.action_id, step.verb).instruction == "", "never asked again"

        _, report = evening.reconcile(
            Mode.PLAN, account=self.account(evening, evening.clock.now()), dag_run="2"
        )
        assert found.record(Verb.REPEAT_IMPORT).state is State.CONFIRMED
        (row,) = [row for row in report.rows if row.key == step.item_key]
        assert row.outcome is End.NONE
        assert "reprocessed by us already" in row.reason

    def test_the_report_says_what_is_missing_and_does_not_fail(self, evening: Evening) -> None:
        colleague = Colleague(evening)
        frozen = evening.clock.now()
        _, report = evening.reconcile(
            account=self.account(evening, frozen), answer=only(Remedy.REPEAT_IMPORT), presser=colleague
        )
        (row,) = [row for row in report.rows if "newer export" in row.detail]
        assert row.outcome is End.OPEN
        assert report.failures == ()

    def test_one_that_reaches_the_deadline_and_shows_nothing_is_for_a_person(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        found.answer(Verb.REPEAT_IMPORT, ManualAnswer.DONE)
        evening.clock.sleep(evening.site.policy.confirm_seconds + 1)
        step = found.step(Verb.REPEAT_IMPORT)
        fresh = self.account(evening, evening.clock.now())
        assert Proof(fresh, found.plan, step.action_id, step.verb).look().state == "failed"
        assert found.record(Verb.REPEAT_IMPORT).state is State.NEEDS_HUMAN

    @pytest.mark.parametrize(("earlier", "state"), [(70, "proven"), (130, "failed")])
    def test_the_minute_of_a_start_is_enough(self, evening: Evening, earlier: float, state: str) -> None:
        """An export without seconds says 18:05 of what began at 18:05:40, after it was asked for at 18:05:20."""
        found = asked(evening, Remedy.REPEAT_IMPORT)
        self.pressed(evening, found)  # twenty seconds after it was asked for
        evening.clock.sleep(1800)
        step = found.step(Verb.REPEAT_IMPORT)
        rounded = self.account(evening, evening.clock.now(), earlier)
        assert Proof(rounded, found.plan, step.action_id, step.verb).look().state == state
