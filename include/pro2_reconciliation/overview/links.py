"""Which task's log tells more: from who acted, as the ledger noted it, to the task of Airflow."""

from __future__ import annotations

from pro2_reconciliation.domain.actor import Actor
from pro2_reconciliation.domain.inventory import Place
from pro2_reconciliation.ledger import ActionRecord, DagRun
from pro2_reconciliation.overview.views import LogLink

PLANNED_BY, SEEN_BY, REPORTED_BY = "build_plan", "take_inventory", "report"
"""The tasks of ``reconcile`` that handle all items at once."""


def link_of(who: str) -> LogLink | None:
    """The task that ``who`` names; None for a person."""
    actor = Actor.parse(who)
    return link_to(actor.dag_id, actor.run_id, actor.task_id, actor.map_index) if actor else None


def link_to(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> LogLink:
    label = f"{task_id}[{map_index}]" if map_index >= 0 else task_id
    return LogLink(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index, label=label)


def link_of_item(run: DagRun, action: ActionRecord | None, watched: Place | None) -> LogLink:
    """The task that knew most of an item: that of its last move, else its sensor, else the one that made the plan.

    ``watched``: its sensor, where it has one.
    """
    moves = [move for step in action.steps for move in step.moves] if action else []
    for move in sorted(moves, key=lambda move: move.at, reverse=True):
        found = link_of(move.who)
        if found is not None:
            return found
    if watched is not None:
        return link_to(run.dag_id, run.id, watched.sensor, watched.map_index)
    return link_to(run.dag_id, run.id, PLANNED_BY if run.plan_hash else SEEN_BY)
