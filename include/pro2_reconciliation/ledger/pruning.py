"""Delete what only tells of long ago: plans on which nothing was done, their items, answers, inventories and dag runs.

What is never deleted, whatever its age:

* actions, steps, moves, leases, repeats: they are the claims, and without one of them the same mail could leave again.
  The database refuses to delete a move. The witness counts moves, so a pruned ledger is never taken for an older one.
* the plan of each action, its parents, and their inventories and dag runs: a proof, the guard and a repeat read them.
* outages and declarations: a status page shows months of its past, so an outage that was forgotten would be found
  anew, and an evening of long ago be reconciled once more.
* the plan of each item that is still open, and the newest plan of the organization, whose report stays as well.
* the switch, holds, watermark, heartbeats, alarms, adoptions, and what people were told of: small, or read by a gate.

One transaction: either all of it or nothing. How it fails: ``LedgerError``, and then nothing was deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from pro2_reconciliation.ledger.action_tables import ActionRow
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.reading import parts
from pro2_reconciliation.ledger.run_tables import AttemptRow, DagRunRow, PlanItemRow
from pro2_reconciliation.ledger.tables import AnswerRow, FollowUpRow, InventoryRow, OpenItemRow, PlanRow


@dataclass(frozen=True)
class Pruned:
    """How many rows were deleted, or would be; ``kept`` counts the old plans that stay."""

    plans: int
    plan_items: int
    answers: int
    inventories: int
    dag_runs: int
    kept: int

    @property
    def rows(self) -> int:
        return self.plans + self.plan_items + self.answers + self.inventories + self.dag_runs


class PruningPart(Core):
    """What may go, and its going."""

    def prune(self, organization: str, before: datetime, *, delete_it: bool) -> Pruned:
        """Delete what an organization's ledger needs no more and was made before ``before``.

        In: ``delete_it`` False: only count. Out: what was deleted, or would be. Errors: ``LedgerError``.
        """
        with self._write() if delete_it else self._read() as session:
            plans = _Plans.of(session, organization)
            gone = plans.old(before)
            runs = _runs(session, organization, before, gone, plans.runs_of_kept(gone))
            inventories = _inventories(session, organization, before, plans.runs_of_kept(gone))
            answers = _count(session, AnswerRow, AnswerRow.plan_hash, gone)
            items = _count(session, PlanItemRow, PlanItemRow.plan_hash, gone)
            if delete_it:
                for table, column, names in (
                    (FollowUpRow, FollowUpRow.plan_hash, {*gone, *runs}),
                    (AttemptRow, AttemptRow.plan_hash, gone),
                    (AnswerRow, AnswerRow.plan_hash, gone),
                    (PlanItemRow, PlanItemRow.plan_hash, gone),
                    (PlanRow, PlanRow.hash, gone),
                    (InventoryRow, InventoryRow.id, inventories),
                ):
                    for some in parts(names):
                        session.execute(delete(table).where(column.in_(some)))
                for some in parts(runs):
                    of_ours = (DagRunRow.organization == organization, DagRunRow.id.in_(some))
                    session.execute(delete(DagRunRow).where(*of_ours))
            old = sum(1 for at in plans.made.values() if at < before)
            return Pruned(len(gone), items, answers, len(inventories), len(runs), old - len(gone))


@dataclass(frozen=True)
class _Plans:
    """The plans of an organization: when each was made, by which dag run, after which other; and what is needed."""

    made: dict[str, datetime]
    runs: dict[str, str]
    parents: dict[str, str]
    needed: frozenset[str]

    @classmethod
    def of(cls, session: Session, organization: str) -> _Plans:
        query = select(PlanRow.hash, PlanRow.created_at, PlanRow.dag_run, PlanRow.body["parent"].as_string())
        rows = session.execute(query.where(PlanRow.organization == organization)).all()
        made = {row[0]: row[1] for row in rows}
        acted = select(ActionRow.plan_hash).where(ActionRow.organization == organization)
        is_open = (OpenItemRow.organization == organization, OpenItemRow.closed_at.is_(None))
        needed = {*session.scalars(acted), *session.scalars(select(OpenItemRow.plan_hash).where(*is_open))}
        if made:
            needed.add(max(made, key=lambda one: made[one]))
        parents = {row[0]: row[3] for row in rows if row[3]}
        waiting = list(needed)
        while waiting:
            parent = parents.get(waiting.pop())
            if parent and parent not in needed:
                needed.add(parent)
                waiting.append(parent)
        return cls(made, {row[0]: row[2] for row in rows}, parents, frozenset(needed))

    def old(self, before: datetime) -> set[str]:
        """Those that may go."""
        return {one for one, at in self.made.items() if at < before and one not in self.needed}

    def runs_of_kept(self, gone: Collection[str]) -> set[str]:
        """The dag runs that made a plan which stays."""
        return {run for one, run in self.runs.items() if one not in gone}


def _runs(
    session: Session, organization: str, before: datetime, gone: Collection[str], kept: Collection[str]
) -> set[str]:
    query = select(DagRunRow.id, DagRunRow.plan_hash).where(
        DagRunRow.organization == organization, DagRunRow.begun_at < before
    )
    return {run for run, plan in session.execute(query) if run not in kept and (plan is None or plan in gone)}


def _inventories(session: Session, organization: str, before: datetime, kept: Collection[str]) -> set[str]:
    query = select(InventoryRow.id).where(InventoryRow.organization == organization, InventoryRow.at < before)
    return {one for one in session.scalars(query) if one not in kept}


def _count(session: Session, table: Any, column: Any, names: Iterable[str]) -> int:
    counts = (select(func.count()).select_from(table).where(column.in_(some)) for some in parts(names))
    return sum(session.scalar(query) or 0 for query in counts)
