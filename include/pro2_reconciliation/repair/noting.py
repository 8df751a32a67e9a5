"""What a dag run lets those who look on know: that it began, what it watches, asks, does, and how it ended.

Each is one small write to the ledger, and none is a reason to stop: what cannot be written is said in the log.
"""

from __future__ import annotations

from datetime import datetime

from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import Ledger, RunStage
from pro2_reconciliation.repair.clearing import Cleared
from pro2_reconciliation.repair.progress import unharmed
from pro2_reconciliation.repair.report import Report, as_json


def begun(
    ledger: Ledger,
    organization: str,
    dag_run: str,
    window: Window,
    mode: Mode,
    *,
    reason: str = "",
    parent: str | None = None,
    dag_id: str = "reconcile",
) -> None:
    """A dag run knows its window. ``reason``: what its form said, ``parent`` the hash of the plan it follows up."""
    with unharmed():
        ledger.begin_run(
            organization,
            dag_run,
            window=window,
            mode=mode,
            reason=one_line(reason),
            parent=parent,
            dag_id=dag_id,
        )


def watching(ledger: Ledger, organization: str, dag_run: str, inventory: Inventory) -> None:
    """An inventory was taken; its sensors watch until the last deadline."""
    until = max((item.deadline for item in inventory.watch), default=None)
    found = (len(inventory.observations) + len(inventory.automations), len(inventory.watch))
    with unharmed():
        ledger.note_run(organization, dag_run, stage=RunStage.WATCHING, until=until, found=found)


def asked(ledger: Ledger, organization: str, dag_run: str, until: datetime) -> None:
    """The question of a plan waits for a person until then."""
    with unharmed():
        ledger.note_run(organization, dag_run, stage=RunStage.ASKED, until=until)


def cleared(ledger: Ledger, organization: str, dag_run: str, found: Cleared) -> None:
    """What may be done is known, and why the rest is not done now."""
    with unharmed():
        ledger.note_not_now(found.plan_hash, found.not_now)
        if found.steps:
            ledger.note_run(organization, dag_run, stage=RunStage.ACTING)


def reported(ledger: Ledger, dag_run: str, plan: Plan, report: Report, address: str = "") -> None:
    """A report was made; ``address``: where it lies."""
    head = as_json(report)
    rows = head.pop("rows")
    with unharmed():
        ledger.keep_report(plan.organization, dag_run, plan.hash, head=head, rows=rows, address=address)
