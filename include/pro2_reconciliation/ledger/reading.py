"""From rows to records: actions with their steps and the moves in the order in which they were made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger.action_tables import ActionRow, MoveRow, RepeatRow, StepRow
from pro2_reconciliation.ledger.moves import State
from pro2_reconciliation.ledger.records import ActionRecord, MoveRecord, StepRecord

_AT_ONCE = 400
"""Names in one statement, where they may stand twice; SQLite allows 999 in its older versions."""


def actions_where(session: Session, *conditions: Any) -> list[ActionRecord]:
    """The actions that meet every condition, oldest first."""
    query = (
        select(ActionRow)
        .where(*conditions)
        .order_by(ActionRow.created_at, ActionRow.generation, ActionRow.id)
        .options(selectinload(ActionRow.steps).selectinload(StepRow.moves))
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(query).all()
    asked = _repeated(session) if rows else {}
    return [action_record(row, asked.get((row.organization, row.root, row.remedy), 0)) for row in rows]


def parts(names: Iterable[str]) -> Iterator[list[str]]:
    """Names in as many statements as they need, each once."""
    each = sorted(set(names))
    return (each[start : start + _AT_ONCE] for start in range(0, len(each), _AT_ONCE))


def _repeated(session: Session) -> dict[tuple[str, str, str], int]:
    """The newest generation that a person asked for, by organization, root and remedy."""
    newest = select(RepeatRow.organization, RepeatRow.root, RepeatRow.remedy, func.max(RepeatRow.generation))
    rows = session.execute(newest.group_by(RepeatRow.organization, RepeatRow.root, RepeatRow.remedy))
    return {(organization, root, remedy): asked for organization, root, remedy, asked in rows}


def action_record(row: ActionRow, asked: int = 0) -> ActionRecord:
    """The record of one row with its steps. ``asked``: the newest generation that a person asked for, 0: none."""
    return ActionRecord(
        id=row.id,
        organization=row.organization,
        root=row.root,
        remedy=Remedy(row.remedy),
        generation=row.generation,
        kind=row.kind,
        item_id=row.item_id,
        name=row.name,
        fingerprint=row.fingerprint,
        plan_hash=row.plan_hash,
        created_at=row.created_at,
        requested_by=row.requested_by,
        steps=tuple(step_record(step) for step in row.steps),
        repeated=row.generation < asked,
    )


def step_record(row: StepRow) -> StepRecord:
    """The record of one attempt with its moves."""
    return StepRecord(
        id=row.id,
        action_id=row.action_id,
        verb=Verb(row.verb),
        attempt=row.attempt,
        ordinal=row.ordinal,
        moves=_in_order(row.moves),
    )


def step_row(session: Session, step_id: int) -> StepRow:
    """The row of one attempt. Raises ``LedgerError`` if there is none."""
    return _one_step(step_id, session.get(StepRow, step_id))


def locked_step(session: Session, step_id: int) -> StepRow:
    """The same, locked until the transaction ends, so that whatever is read of it afterwards stays true."""
    query = select(StepRow).where(StepRow.id == step_id).with_for_update()
    return _one_step(step_id, session.scalars(query).one_or_none())


def _one_step(step_id: int, row: StepRow | None) -> StepRow:
    if row is None:
        raise LedgerError(
            f"The ledger has no step {step_id}: nothing was planned under this number. Nothing was done; "
            "register the action first and take the number from what that returns."
        )
    return row


def _in_order(rows: Iterable[MoveRow]) -> tuple[MoveRecord, ...]:
    """The chain from the first move on; times may be equal, the chain is not."""
    by_origin = {row.from_state: row for row in rows}
    chain: list[MoveRecord] = []
    row = by_origin.get(None)
    while row is not None:
        chain.append(
            MoveRecord(
                step_id=row.step_id,
                from_state=State(row.from_state) if row.from_state is not None else None,
                to_state=State(row.to_state),
                who=row.who,
                why=row.why,
                at=row.at,
                remote_id=row.remote_id,
                details=row.details,
            )
        )
        row = by_origin.get(row.to_state)
    return tuple(chain)
