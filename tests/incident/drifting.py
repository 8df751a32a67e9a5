"""The demo's evening up to the question about the drift of its two data syncs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.incident.harness import Evening

from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, Remedy


class Follows:
    """The evening after its imports were confirmed: ``proposals`` are what the follow-up asks about."""

    def __init__(self, folder: Path) -> None:
        self.evening = Evening(folder)
        self.evening.end_outage()
        self.first, _ = self.evening.reconcile(
            dag_run="outage__1__g1",
            answer=lambda plan: {
                d.key: Choice.REPROCESS for d in plan.decisions if d.remedy is Remedy.DATA_SYNC
            },
        )
        self.keys = tuple(d.key for d in self.first.decisions if d.remedy is Remedy.DATA_SYNC)

    def ask(self, dag_run: str, **options: Any) -> Any:
        return self.evening.reconcile(dag_run=dag_run, only=self.keys, parent=self.first.hash, **options)

    def proposal(self, plan: Plan, remedy: Remedy) -> Decision:
        return next(d for d in plan.decisions if d.remedy is remedy)
