"""The dag runs of ``reconcile``: what each is about, how far it is, what it planned and what it reported.

Nothing here is a decision, and nothing that acts reads it: it is for people who look on. Whoever writes it goes on
where it cannot be written. A dag run of which nobody noted the beginning is known from its plan on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.inventory import WatchItem
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.plan import Decision, Plan, Window
from pro2_reconciliation.domain.words import Mode, Remedy
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.notes import DagRun, PlanItem, RunStage
from pro2_reconciliation.ledger.run_tables import DagRunRow, PlanItemRow
from pro2_reconciliation.ledger.tables import InventoryRow, PlanRow

_PLAIN_KEY = re.compile(r"[A-Za-z0-9:@.+_\- ]+")
"""A key that may stand in a path into JSON as it is."""


_REMEDIES = {remedy.value: remedy for remedy in Remedy}


class RunsPart(Core):
    """Dag runs, and the items of their plans."""

    def begin_run(
        self,
        organization: str,
        dag_run: str,
        *,
        window: Window,
        mode: Mode,
        reason: str = "",
        parent: str | None = None,
        dag_id: str = "reconcile",
    ) -> None:
        """Note that a dag run began; begun again (a cleared task) it keeps its plan and its report."""
        with self._write() as session:
            row = _run_row(session, organization, dag_run, window, self.now())
            row.mode, row.reason, row.parent, row.dag_id = mode.value, reason, parent, dag_id
            row.window = window.model_dump(mode="json")
            row.stage, row.until, row.progress, row.seen_at = RunStage.BEGUN.value, None, "", self.now()

    def note_run(
        self,
        organization: str,
        dag_run: str,
        *,
        stage: RunStage | None = None,
        until: datetime | None = None,
        progress: str = "",
        found: tuple[int, int] | None = None,
    ) -> None:
        """Note how far a dag run is; one that is not known is left out.

        In: ``stage`` None: still the same, and its end too; ``until`` when the new stage ends by itself; ``progress``
        a sentence; ``found`` how many items its inventory found, and how many of them are watched.
        """
        values: dict[str, Any] = {"progress": progress, "seen_at": self.now()}
        if found is not None:
            values |= {"touched": found[0], "watched": found[1]}
        if stage is not None:
            values |= {"stage": stage.value, "until": until}
        with self._write() as session:
            session.execute(update(DagRunRow).where(*_is(organization, dag_run)).values(**values))

    def note_not_now(self, plan_hash: str, not_now: Mapping[str, str]) -> None:
        """Keep the sentences of ``clear``: item key to why it is not done now. Those of an earlier try go."""
        of_plan = update(PlanItemRow).where(PlanItemRow.plan_hash == plan_hash)
        with self._write() as session:
            session.execute(of_plan.where(PlanItemRow.not_now != "").values(not_now=""))
            for item_key, why in not_now.items():
                session.execute(of_plan.where(PlanItemRow.item_key == item_key).values(not_now=why))

    def keep_report(
        self,
        organization: str,
        dag_run: str,
        plan_hash: str,
        *,
        head: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        address: str = "",
    ) -> None:
        """Keep a report, one that is made again in place of the first.

        In: ``rows`` in the order of the plan's items, each with its ``outcome``; ``head`` the rest of it; ``address``
        where it lies.
        """
        now = self.now()
        with self._write() as session:
            for position, row in enumerate(rows):
                session.execute(
                    update(PlanItemRow)
                    .where(PlanItemRow.plan_hash == plan_hash, PlanItemRow.position == position)
                    .values(outcome=str(row["outcome"]), row=dict(row))
                )
            session.execute(
                update(DagRunRow)
                .where(*_is(organization, dag_run))
                .values(
                    stage=RunStage.REPORTED.value,
                    until=None,
                    progress="",
                    seen_at=now,
                    reported_at=now,
                    report=dict(head),
                    report_address=address,
                )
            )

    def runs(
        self, organization: str, since: datetime | None = None, *, only: Collection[str] | None = None
    ) -> list[DagRun]:
        """The dag runs, oldest first; with ``since`` those that were heard of at or after it, with ``only`` these."""
        with self._read() as session:
            query = select(DagRunRow).where(DagRunRow.organization == organization)
            if since is not None:
                query = query.where(DagRunRow.seen_at >= since)
            if only is not None:
                query = query.where(DagRunRow.id.in_(only))
            return [_run(row) for row in session.scalars(query.order_by(DagRunRow.begun_at, DagRunRow.id))]

    def run(self, organization: str, dag_run: str) -> DagRun | None:
        """One dag run, None if it is not known."""
        with self._read() as session:
            row = session.get(DagRunRow, (organization, dag_run))
            return _run(row) if row is not None else None

    def report_of(self, organization: str, dag_run: str) -> dict[str, Any] | None:
        """The newest report of a dag run as it was kept, rows included; None if there is none."""
        with self._read() as session:
            row = session.get(DagRunRow, (organization, dag_run))
            if row is None or row.report is None:
                return None
            of_plan = PlanItemRow.plan_hash == row.plan_hash
            rows = session.scalars(select(PlanItemRow.row).where(of_plan).order_by(PlanItemRow.position))
            return {**row.report, "rows": [one for one in rows if one is not None]}

    def plan_items(self, plan_hashes: Collection[str]) -> dict[str, list[PlanItem]]:
        """The items of plans in their order, by plan."""
        columns = PlanItemRow.__table__.c
        wanted = (
            columns.plan_hash,
            columns.position,
            columns.item_key,
            columns.rule,
            columns.remedy,
            columns.asks,
            columns.send_by,
            columns.not_now,
            columns.outcome,
        )
        found: dict[str, list[PlanItem]] = {plan_hash: [] for plan_hash in plan_hashes}
        with self._read() as session:
            query = select(*wanted).where(columns.plan_hash.in_(plan_hashes))
            for row in session.execute(query.order_by(columns.plan_hash, columns.position)):
                item = PlanItem(row[0], row[1], row[2], row[3], _REMEDIES[row[4]], *row[5:])
                found[item.plan_hash].append(item)
        return found

    def reported_rows(self, plan_hashes: Collection[str]) -> dict[tuple[str, str], dict[str, Any]]:
        """The report's row of each item, by (plan hash, item key)."""
        with self._read() as session:
            rows = session.execute(
                select(PlanItemRow.plan_hash, PlanItemRow.item_key, PlanItemRow.row).where(
                    PlanItemRow.plan_hash.in_(plan_hashes), PlanItemRow.outcome != ""
                )
            )
            return {(plan_hash, key): row for plan_hash, key, row in rows if row is not None}

    def decisions_on(self, organization: str, item_key: str) -> list[tuple[str, datetime, str, Decision]]:
        """Every decision on an item as (plan hash, time of the plan, dag run, decision), oldest first.

        Only the decision is read of a plan: one of a thousand items is long.
        """
        with self._read() as session:
            places = session.execute(
                select(PlanRow.hash, PlanRow.created_at, PlanRow.dag_run, PlanItemRow.position)
                .join(PlanItemRow, PlanItemRow.plan_hash == PlanRow.hash)
                .where(PlanRow.organization == organization, PlanItemRow.item_key == item_key)
                .order_by(PlanRow.created_at, PlanRow.hash)
            ).all()
            found = []
            for plan_hash, at, dag_run, position in places:
                path = PlanRow.body[("decisions", position)]
                body = session.scalars(select(path).where(PlanRow.hash == plan_hash)).one()
                found.append((plan_hash, at, dag_run, Decision.model_validate(body)))
            return found

    def first_looks(self, dag_runs: Iterable[str], item_key: str) -> dict[str, Observation]:
        """What the inventories of these dag runs saw of an item, by dag run."""
        plain = _PLAIN_KEY.fullmatch(item_key) is not None
        observations = InventoryRow.body["observations"]
        with self._read() as session:
            query = select(InventoryRow.id, observations[item_key] if plain else observations)
            rows = session.execute(query.where(InventoryRow.id.in_(list(dag_runs)))).all()
        seen = {dag_run: body if plain or not body else body.get(item_key) for dag_run, body in rows}
        return {dag_run: Observation.model_validate(body) for dag_run, body in seen.items() if body}

    def watch_lists(self, dag_runs: Iterable[str]) -> dict[str, list[WatchItem]]:
        """What the sensors of these dag runs watch, in the order of their inventories, by dag run."""
        with self._read() as session:
            query = select(InventoryRow.id, InventoryRow.body["watch"])
            rows = session.execute(query.where(InventoryRow.id.in_(list(dag_runs)))).all()
        return {dag_run: [WatchItem.model_validate(one) for one in body or ()] for dag_run, body in rows}


def index_plan(session: Session, plan: Plan, plan_hash: str) -> None:
    """Index the items of a new plan, inside the transaction that writes it."""
    session.add_all(
        PlanItemRow(
            plan_hash=plan_hash,
            position=position,
            item_key=decision.key,
            rule=decision.rule,
            remedy=decision.remedy.value,
            asks=decision.asks,
            send_by=decision.send_by,
            not_now="",
            outcome="",
        )
        for position, decision in enumerate(plan.decisions)
    )


def note_plan(session: Session, plan: Plan, plan_hash: str, dag_run: str, now: datetime) -> None:
    """The dag run has this plan now, whether it is new or was made again."""
    row = _run_row(session, plan.organization, dag_run, plan.window, now)
    row.plan_hash, row.parent, row.seen_at = plan_hash, plan.parent, now
    row.stage, row.until, row.progress = RunStage.PLANNED.value, None, ""


def _run_row(session: Session, organization: str, dag_run: str, window: Window, now: datetime) -> DagRunRow:
    key = (organization, dag_run)
    row = session.get(DagRunRow, key, with_for_update=True)
    if row is not None:
        return row
    row = DagRunRow(
        organization=organization,
        id=dag_run,
        dag_id="reconcile",
        mode=None,
        reason="",
        window=window.model_dump(mode="json"),
        stage=RunStage.BEGUN.value,
        progress="",
        touched=0,
        watched=0,
        begun_at=now,
        seen_at=now,
        report_address="",
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another process noted it meanwhile
        return session.get_one(DagRunRow, key, with_for_update=True)
    return row


def _is(organization: str, dag_run: str) -> tuple[Any, Any]:
    return DagRunRow.organization == organization, DagRunRow.id == dag_run


def _run(row: DagRunRow) -> DagRun:
    return DagRun(
        id=row.id,
        dag_id=row.dag_id,
        mode=Mode(row.mode) if row.mode else None,
        reason=row.reason,
        window=Window.model_validate(row.window),
        parent=row.parent,
        plan_hash=row.plan_hash,
        stage=RunStage(row.stage),
        until=row.until,
        progress=row.progress,
        touched=row.touched,
        watched=row.watched,
        begun_at=row.begun_at,
        seen_at=row.seen_at,
        reported_at=row.reported_at,
        report_address=row.report_address,
    )
