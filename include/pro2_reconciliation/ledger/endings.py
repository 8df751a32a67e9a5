"""What a person ends, and what a person asks to be done once more.

Closing writes CLOSED with a name and a reason on every attempt that only waits for a person. Repeating allows one
more generation of an action that has ended: the table of allowed moves stays as it is, since another generation is
another action. How it fails: ``LedgerError`` where mail may have left, or where the end of the old one is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import ItemKind, Reach, Remedy, Verb
from pro2_reconciliation.ledger.action_tables import ActionRow, RepeatRow
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.moves import LEFT_TO_PERSON, State
from pro2_reconciliation.ledger.reading import actions_where, locked_step
from pro2_reconciliation.ledger.records import ActionRecord, Repeat
from pro2_reconciliation.ledger.steps import append
from pro2_reconciliation.ledger.tables import PlanRow

_MAILS = frozenset({Verb.SEND_CAMPAIGN, Verb.RUN_NOW})
_DATA_VERBS = frozenset({Verb.REPEAT_IMPORT, Verb.IMPORT_LIST, Verb.ADD_TAG, Verb.REMOVE_TAG})
_PROVABLY_NOT = frozenset({State.NOT_DONE, State.FAILED})


class EndingsPart(Core):
    """Closed attempts and deliberate repeats."""

    def close_steps(self, organization: str, item_key: str, who: str, why: str) -> int:
        """Close every newest attempt of an item that only a person can end. Out: how many there were."""
        with self._write() as session:
            now, closed = self.now(), 0
            for action in _locked(session, organization, item_key):
                for step in action.latest:
                    if step.state in LEFT_TO_PERSON:
                        append(session, step.id, step.state, State.CLOSED, who=who, why=why, at=now)
                        closed += 1
            return closed

    def repeat(self, organization: str, item_key: str, who: str, why: str) -> Repeat:
        """Allow the next generation of the newest action that had an effect on an item.

        Its plan is made by what the world shows then, and it passes every question and every gate like the first.
        Out: what was allowed; asked for twice it is one. Errors: ``LedgerError`` if there is no such action, if
        another one of it lives, if its end is not proven (an item that needs a person is closed first), or if it
        may have mailed anybody.
        """
        with self._write() as session:
            return self._repeat(session, organization, item_key, who, why)

    def repeats(self, organization: str) -> list[Repeat]:
        """Everything that people asked to be done once more, oldest first."""
        with self._read() as session:
            rows = session.scalars(
                select(RepeatRow).where(RepeatRow.organization == organization).order_by(RepeatRow.id)
            )
            return [_repeat(row) for row in rows]

    def _repeat(self, session: Session, organization: str, item_key: str, who: str, why: str) -> Repeat:
        known = _locked(session, organization, item_key)
        acted = [action for action in known if action.had_effect and not action.by_guard]
        if not acted:
            raise LedgerError(
                f"Nothing was ever done to {item_key}, so nothing can be repeated; the next dag run plans it anyway."
            )
        newest = max(acted, key=lambda action: (action.last_moved, action.generation))
        _require_ended(known, item_key)
        mailed = _may_have_mailed(session, acted)
        if mailed is not None:
            raise LedgerError(
                f"{item_key} is not repeated: {mailed}. Whoever wants them to get it again does that in Pro2 by hand."
            )
        following = newest.generation + 1
        found = session.scalars(
            select(RepeatRow).where(
                RepeatRow.organization == organization,
                RepeatRow.root == newest.root,
                RepeatRow.remedy == newest.remedy.value,
                RepeatRow.generation == following,
            )
        ).one_or_none()
        if found is None:
            found = RepeatRow(
                organization=organization,
                root=newest.root,
                remedy=newest.remedy.value,
                generation=following,
                who=who,
                why=why,
                at=self.now(),
            )
            session.add(found)
            session.flush()
        return _repeat(found)


def _locked(session: Session, organization: str, item_key: str) -> list[ActionRecord]:
    """The actions on an item, in a state that stays so until the transaction ends."""
    for step_id in sorted(
        step.id for action in _of_item(session, organization, item_key) for step in action.steps
    ):
        locked_step(session, step_id)
    return _of_item(session, organization, item_key)


def _of_item(session: Session, organization: str, item_key: str) -> list[ActionRecord]:
    kind, _, item_id = item_key.partition(":")
    if kind not in set(ItemKind) or not item_id:
        raise LedgerError(
            f"{item_key!r} is no item; give a key such as campaign:103 or occurrence:j-211@2026-11-24T17:25:00Z"
        )
    return actions_where(
        session,
        ActionRow.organization == organization,
        ActionRow.kind == kind,
        ActionRow.item_id == item_id,
    )


def _require_ended(known: Sequence[ActionRecord], item_key: str) -> None:
    for action in known:
        for step in action.latest:
            name = f"the step {step.verb.value.replace('_', ' ')} of {action.id}"
            if step.state is State.NEEDS_HUMAN:
                raise LedgerError(
                    f"{item_key} is not repeated: {name} needs a person ({step.moves[-1].why}). Look in Pro2 what "
                    f'became of it, then: close {item_key} --why "..."'
                )
        if action.live:
            state = next(step.state for step in action.latest if step.state not in LEFT_TO_PERSON)
            raise LedgerError(
                f"{item_key} is not repeated: {action.id} has not ended ({state}). Wait until it is proven or needs "
                "a person."
            )


def _may_have_mailed(session: Session, acted: Sequence[ActionRecord]) -> str | None:
    """Why a patron may have got mail by one of these actions, or None where that is excluded."""
    for action in acted:
        for step in action.steps:
            if not step.had_effect or _PROVABLY_NOT & {move.to_state for move in step.moves}:
                continue
            verb = step.verb.value.replace("_", " ")
            if step.verb in _MAILS:
                return f"{verb} of {action.id} may have mailed its patrons ({step.moves[-1].why})"
            if step.verb in _DATA_VERBS and _reached_an_inbox(session, action):
                return f"{verb} of {action.id} may have started mail"
    return None


def _reached_an_inbox(session: Session, action: ActionRecord) -> bool:
    """Unknown reach is inbox (architecture: decision)."""
    row = session.get(PlanRow, action.plan_hash)
    decision = Plan.model_validate(row.body).decision(action.item_key) if row is not None else None
    return decision is None or decision.reach is not Reach.DATA


def _repeat(row: RepeatRow) -> Repeat:
    return Repeat(row.organization, row.root, Remedy(row.remedy), row.generation, row.who, row.why, row.at)
