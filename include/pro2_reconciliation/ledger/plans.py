"""Plans and the answers to them.

A plan is written once and never changed. An answer is written before Airflow hears of it; the first one
stands, so a form that is submitted twice, or by two people, has one outcome and both see which.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.identity import require_identity
from pro2_reconciliation.ledger.notes import AnswerRecord
from pro2_reconciliation.ledger.reading import parts
from pro2_reconciliation.ledger.runs import index_plan, note_plan
from pro2_reconciliation.ledger.tables import AnswerRow, FollowUpRow, InventoryRow, PlanRow

_CHOICES = {choice.value: choice for choice in Choice}


class PlansPart(Core):
    """Frozen plans, and what people answered."""

    def save_inventory(self, inventory_id: str, inventory: Inventory) -> str:
        """Write the inventory of a dag run; one that is taken anew (a cleared task) replaces it. Out: its id."""
        with self._write() as session:
            session.merge(
                InventoryRow(
                    id=inventory_id,
                    organization=inventory.organization,
                    body=inventory.model_dump(mode="json"),
                    at=self.now(),
                )
            )
        return inventory_id

    def inventory(self, inventory_id: str) -> Inventory:
        """The inventory of a dag run. Raises ``LedgerError`` if there is none."""
        with self._read() as session:
            row = session.get(InventoryRow, inventory_id)
            if row is None:
                raise LedgerError(
                    f"There is no inventory {inventory_id} in this ledger; run take_inventory again."
                )
            return Inventory.model_validate(row.body)

    def save_follow_up(self, plan_hash: str, item_keys: Iterable[str]) -> None:
        """Note which items of a plan the next dag run asks about; noting them twice changes nothing."""
        with self._write() as session:
            for item_key in item_keys:
                session.merge(FollowUpRow(plan_hash=plan_hash, item_key=item_key))

    def follow_up(self, plan_hash: str) -> list[str]:
        """The items that were noted for the dag run after a plan, in order of their keys."""
        with self._read() as session:
            rows = session.scalars(
                select(FollowUpRow.item_key)
                .where(FollowUpRow.plan_hash == plan_hash)
                .order_by(FollowUpRow.item_key)
            )
            return list(rows)

    def noted(self, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        """What was noted for the dag runs after plans, by the name under which it was; without those of no items."""
        found: dict[str, tuple[str, ...]] = {}
        with self._read() as session:
            for some in parts(names):
                rows = session.scalars(
                    select(FollowUpRow)
                    .where(FollowUpRow.plan_hash.in_(some))
                    .order_by(FollowUpRow.plan_hash, FollowUpRow.item_key)
                )
                for row in rows:
                    found[row.plan_hash] = (*found.get(row.plan_hash, ()), row.item_key)
        return found

    def save_plan(self, plan: Plan, dag_run: str) -> str:
        """Write a plan once; a second one with the same hash changes nothing. Out: the hash.

        Errors: ``LedgerError`` if the plan was made on another ledger or in another epoch.
        """
        row = PlanRow(
            hash=plan.hash,
            organization=plan.organization,
            body=plan.model_dump(mode="json"),
            created_at=plan.created_at,
            dag_run=dag_run,
        )
        plan_hash = row.hash
        with self._write() as session:
            require_identity(session, plan.ledger_uuid, plan.ledger_epoch, self.address)
            if session.get(PlanRow, plan_hash) is None:
                try:
                    with session.begin_nested():
                        session.add(row)
                        session.flush()
                        index_plan(session, plan, plan_hash)
                except IntegrityError:
                    pass  # another process wrote the same plan meanwhile
            note_plan(session, plan, plan_hash, dag_run, self.now())
        return plan_hash

    def plan(self, plan_hash: str) -> Plan | None:
        """The plan of this hash as it was frozen, None if there is none."""
        with self._read() as session:
            row = session.get(PlanRow, plan_hash)
            return Plan.model_validate(row.body) if row is not None else None

    def dag_run_of(self, plan_hash: str) -> str | None:
        """The dag run that first made the plan, None if there is no such plan."""
        with self._read() as session:
            row = session.get(PlanRow, plan_hash)
            return row.dag_run if row is not None else None

    def plans_made(self, organization: str) -> list[tuple[str, str, datetime]]:
        """Every plan of an organization as (hash, dag run that first made it, time), oldest first."""
        with self._read() as session:
            rows = session.execute(
                select(PlanRow.hash, PlanRow.dag_run, PlanRow.created_at)
                .where(PlanRow.organization == organization)
                .order_by(PlanRow.created_at, PlanRow.hash)
            )
            return [(plan_hash, dag_run, at) for plan_hash, dag_run, at in rows]

    def plans(self, organization: str, limit: int = 50) -> list[Plan]:
        """The newest plans of an organization, newest first."""
        with self._read() as session:
            rows = session.scalars(
                select(PlanRow)
                .where(PlanRow.organization == organization)
                .order_by(PlanRow.created_at.desc(), PlanRow.hash)
                .limit(limit)
            )
            return [Plan.model_validate(row.body) for row in rows]

    def plans_since(self, since: datetime) -> list[Plan]:
        """The plans of every organization that were made at or after ``since``, oldest first."""
        with self._read() as session:
            rows = session.scalars(
                select(PlanRow).where(PlanRow.created_at >= since).order_by(PlanRow.created_at, PlanRow.hash)
            )
            return [Plan.model_validate(row.body) for row in rows]

    def save_answers(
        self, plan_hash: str, choices: Mapping[str, Choice], who: str
    ) -> dict[str, AnswerRecord]:
        """Write answers; where an item was answered before, that answer stands.

        Out: every answer to this plan that stands now. Errors: ``LedgerError`` if there is no such plan.
        """
        with self._write() as session:
            found = session.scalars(
                select(PlanRow.hash).where(PlanRow.hash == plan_hash).with_for_update()
            ).first()
            if found is None:
                raise LedgerError(
                    f"The ledger has no plan {plan_hash}, so nothing can be answered to it; save "
                    "the plan first."
                )
            standing = _answers(session, plan_hash)
            now = self.now()
            for item_key, choice in choices.items():
                if item_key not in standing:
                    session.add(
                        AnswerRow(
                            plan_hash=plan_hash, item_key=item_key, choice=choice.value, who=who, at=now
                        )
                    )
            session.flush()
            return _answers(session, plan_hash)

    def answers_to(self, plan_hashes: Collection[str]) -> dict[str, dict[str, AnswerRecord]]:
        """The answers to several plans, by plan and item."""
        found: dict[str, dict[str, AnswerRecord]] = {plan_hash: {} for plan_hash in plan_hashes}
        columns = AnswerRow.__table__.c
        query = select(columns.plan_hash, columns.item_key, columns.choice, columns.who, columns.at)
        with self._read() as session:
            for plan_hash, key, choice, who, at in session.execute(
                query.where(columns.plan_hash.in_(plan_hashes))
            ):
                found[plan_hash][key] = AnswerRecord(key, _CHOICES[choice], who, at)
        return found

    def answers(self, plan_hash: str) -> dict[str, AnswerRecord]:
        """The answers to a plan by item; empty if nobody answered."""
        with self._read() as session:
            return _answers(session, plan_hash)


def _answers(session: Session, plan_hash: str) -> dict[str, AnswerRecord]:
    rows = session.scalars(
        select(AnswerRow).where(AnswerRow.plan_hash == plan_hash).order_by(AnswerRow.item_key)
    )
    return {row.item_key: AnswerRecord(row.item_key, Choice(row.choice), row.who, row.at) for row in rows}
