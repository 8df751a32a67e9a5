"""One campaign that was due two hours before the end of its outage, and the dag runs that go on where one ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.incident.harness import INCIDENTS, Evening

from pro2_reconciliation.domain.plan import ANSWER_WITHIN, Plan
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.repair.handover import HandOver, hand_overs
from pro2_reconciliation.repair.report import End, Report

RESEND = "campaign:103"


class OneCampaign(Evening):
    """One campaign that was due two hours before the end of its outage; nobody else acts."""

    def __init__(
        self, folder: Path, incident: Any = INCIDENTS / "worked-example.yaml", **policy: Any
    ) -> None:
        super().__init__(folder, incident)
        changed = self.site.policy.model_copy(update={"poll_seconds": 300, **policy})
        self.site = self.site.model_copy(update={"policy": changed})
        self.end_outage()

    def wait(self, _: Plan) -> dict[str, Choice]:
        """Nobody answers until the question has ended."""
        self.clock.at += ANSWER_WITHIN
        return {}

    def goes_on(self, plan: Plan, report: Report) -> list[HandOver]:
        account = self.account("follow-up")
        not_now = {row.key: row.detail for row in report.rows if row.outcome is End.NOT_NOW}
        return hand_overs(account, plan, Mode.ASK, not_now)

    def follow(self, more: HandOver, parent: Plan, **options: Any) -> tuple[Plan, Report]:
        """The dag run that goes on, when Airflow would begin it."""
        self.clock.at = max(self.clock.at, more.after or self.clock.at)
        return self.reconcile(dag_run=more.run_id, only=more.keys, parent=parent.hash, **options)


def row(report: Report, key: str = RESEND) -> Any:
    return next(row for row in report.rows if row.key == key)


def open_keys(evening: Evening) -> set[str]:
    return {item.item_key for item in evening.ledger().open_items("playhouse")}
