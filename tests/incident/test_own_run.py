"""A run that hangs when the question is asked, and goes on to its end before, or while, we do it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.chaos.scenarios import INCIDENT
from tests.incident.harness import Evening

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, StopAnswer
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.report import End, Row
from pro2_sandbox.incident_jobs import CountsModel
from pro2_sandbox.loader import build_incident
from pro2_sandbox.runs import IN_PROGRESS

JOB = "j-hanging"
JUST_BEFORE, JUST_AFTER = "-1h40m20s", "-1h39m50s"
"""Ten seconds before it was due, and twenty after: cron knows whole minutes, and T0 is at second 10."""


class Hanging(Evening):
    """One import that began at ``started`` and hangs; ``goes_on`` lets it end as ``label``."""

    def __init__(self, folder: Path, started: str, *, stop: str = "stopped") -> None:
        content = yaml.safe_load(INCIDENT.read_text())
        (job,) = (one for one in content["jobs"] if one["id"] == JOB)
        job |= {"stop": stop, "starts_mail": "yes", "tag": "Ticket buyers"}
        job["runs"][0]["started"] = started
        super().__init__(folder, build_incident(content))
        self.end_outage()

    def goes_on(self, label: str = "Completed") -> None:
        (run,) = (r for r in self.world.jobs.runs if r.process_id == JOB and r.label == IN_PROGRESS)
        run.finished, run.label = self.clock.now(), label
        run.counts = CountsModel(returned=24, updated=24)

    def repaired(
        self,
        choice: Choice = Choice.REPROCESS,
        *,
        meanwhile: Callable[[], object] = lambda: None,
        **options: Any,
    ) -> Row:
        """The row of the import after its repair was chosen; ``meanwhile``: while the question waits."""

        def answer(plan: Plan) -> dict[str, Choice]:
            (asked,) = (d for d in plan.decisions if d.item_id.startswith(f"{JOB}@"))
            assert (asked.rule, asked.stop_first) == ("R10", True), asked.reason
            meanwhile()
            return {asked.key: choice}

        _, report = self.reconcile(answer=answer, **options)
        return next(row for row in report.rows if row.item_id.startswith(f"{JOB}@"))

    def did(self) -> list[str]:
        return [effect["kind"] for effect in self.effects()]


class Stopping:
    """The dashboard, and what the run does just after its stop was asked for."""

    def __init__(self, dashboard: Any, then: Callable[[], object]) -> None:
        self._dashboard, self._then = dashboard, then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dashboard, name)

    def stop_run(self, job_id: str) -> StopAnswer:
        answer: StopAnswer = self._dashboard.stop_run(job_id)
        self._then()
        return answer


@pytest.mark.parametrize("started", [JUST_BEFORE, JUST_AFTER])
@pytest.mark.parametrize(
    ("label", "said"), [("Completed", ""), ("Completed with errors", ", and ended «Completed with errors»")]
)
def test_what_ran_while_the_question_waited_is_neither_stopped_nor_done_again(
    tmp_path: Path, started: str, label: str, said: str
) -> None:
    evening = Hanging(tmp_path, started)
    row = evening.repaired(meanwhile=lambda: evening.goes_on(label))
    assert evening.did() == []
    assert row.outcome is End.STALE, row.detail
    at = "16:24" if started == JUST_BEFORE else "16:25"
    assert f"it ran at Thu 19 Nov {at} CST{said}" in row.detail


@pytest.mark.parametrize("started", [JUST_BEFORE, JUST_AFTER])
def test_what_ran_after_its_stop_is_not_done_again_however_long_it_hung(tmp_path: Path, started: str) -> None:
    """The vendor calls it stopped, and an hour and a half after it began it goes on to its end."""
    evening = Hanging(tmp_path, started, stop="forgotten")
    account = evening.account("run-1")
    account = replace(account, dashboard=Stopping(account.dashboard, evening.goes_on))
    row = evening.repaired(account=account)
    assert evening.did() == ["job_stopped"]
    assert row.outcome is End.NEEDS_HUMAN
    assert "it succeeded after the stop" in row.detail


@pytest.mark.parametrize("started", [JUST_BEFORE, JUST_AFTER])
def test_the_guard_tells_of_a_run_that_hung_and_went_on_after_it_was_done_again(
    tmp_path: Path, started: str
) -> None:
    evening = Hanging(tmp_path, started, stop="refused")
    row = evening.repaired(Choice.REPROCESS_EVEN_IF_NOT_STOPPED)
    assert evening.did() == ["repeat_import"], row.detail
    evening.clock.every_minute = None
    evening.clock.at += timedelta(minutes=1)
    assert guard_pass(evening.account("guard")).alarms == ()

    evening.goes_on()
    evening.clock.at += timedelta(minutes=1)
    (alarm,) = guard_pass(evening.account("guard")).alarms
    assert "had begun before, hung, and went on to its end by itself" in alarm
    assert "after we reprocessed it" in alarm


def test_who_entered_just_before_a_trigger_was_due_entered_by_its_run(tmp_path: Path) -> None:
    """Clocks differ: its run may have begun ten seconds early, and left no row."""
    content = yaml.safe_load(INCIDENT.read_text())
    (job,) = (one for one in content["jobs"] if one["id"] == "j-trigger")
    job |= {"runs": [], "reentry": "many"}
    content["automations"] = [
        {"id": "305", "name": "First-visit welcome", "entries": [{"at": "-2h10m15s", "count": 3}]}
    ]
    evening = Evening(tmp_path, build_incident(content))
    evening.end_outage()
    plan, _ = evening.reconcile(answer=lambda plan: {})
    (decision,) = (d for d in plan.decisions if d.item_id.startswith("j-trigger@"))
    assert decision.choices == ()
    assert "3 contacts entered in its slot" in decision.reason
