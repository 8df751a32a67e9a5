"""Finding actions again: by id, root, item or plan, by where they stand, and by when they moved.

Actions are claims and are never deleted, so nothing here reads all of them: what a look costs depends on what it finds,
not on how many actions ended long ago. Where a step stands is in a column that the database itself keeps (see
``StepRow.state``). How it fails: ``LedgerError`` if the ledger cannot be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select, union
from sqlalchemy.orm import aliased

from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger.action_tables import ActionRow, MoveRow, StepRow
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.moves import OPEN, State
from pro2_reconciliation.ledger.reading import actions_where, parts
from pro2_reconciliation.ledger.records import ActionRecord

GUARDED: frozenset[Remedy] = frozenset(
    {Remedy.RESEND, Remedy.HOLD_BACK, Remedy.RUN_NOW, Remedy.REPEAT_IMPORT, Remedy.DATA_SYNC}
)
"""Remedies whose original is watched after they had an effect."""


class FindingPart(Core):
    """Actions, oldest first; and the copies that they made."""

    def action(self, action_id: str) -> ActionRecord | None:
        """The action of this id, None if there is none."""
        with self._read() as session:
            return next(iter(actions_where(session, ActionRow.id == action_id)), None)

    def actions_of(self, organization: str, *roots: str) -> list[ActionRecord]:
        """Every action ever on these roots, whatever its remedy and generation."""
        with self._read() as session:
            ours = ActionRow.organization == organization
            return _oldest_first(
                action
                for some in parts(roots)
                for action in actions_where(session, ours, ActionRow.root.in_(some))
            )

    def actions_on(self, organization: str, *item_keys: str) -> list[ActionRecord]:
        """Every action ever on these items, or on the lineages and occurrences that they are the roots of."""
        with self._read() as session:
            return _oldest_first(
                action
                for some in parts(item_keys)
                for action in actions_where(session, ActionRow.id.in_(_ids_on(organization, some)))
                if action.item_key in some or action.root in some  # an id alone may be another kind's
            )

    def actions_of_plan(self, plan_hash: str) -> list[ActionRecord]:
        """The actions that were registered under a plan; one that the plan only joined belongs to an older
        plan.
        """
        with self._read() as session:
            return actions_where(session, ActionRow.plan_hash == plan_hash)

    def standing_in(self, organization: str, states: Collection[State]) -> list[ActionRecord]:
        """The actions of which a step stands in one of ``states`` now, with its newest attempt."""
        with self._read() as session:
            return actions_where(session, ActionRow.organization == organization, _stands_in(states))

    def open_repairs(self, organization: str) -> list[ActionRecord]:
        """The actions that had an effect and of which a step has not come to its end, be it that only a person can
        end it: ``running``, ``needs_human``, ``failed`` or ``stale``.
        """
        with self._read() as session:
            return actions_where(
                session, ActionRow.organization == organization, _stands_in(OPEN), _had_effect()
            )

    def actions_since(self, organization: str, since: datetime) -> list[ActionRecord]:
        """The actions of which a step moved at or after ``since``."""
        with self._read() as session:
            moved = select(StepRow.action_id).join(MoveRow).where(MoveRow.at >= since)
            return actions_where(session, ActionRow.organization == organization, ActionRow.id.in_(moved))

    def guarded(self, organization: str, since: datetime) -> list[ActionRecord]:
        """The actions whose original has to be watched: of a guarded remedy, with an effect at or after
        ``since``.
        """
        with self._read() as session:
            effects = (
                select(StepRow.action_id)
                .join(MoveRow)
                .where(MoveRow.to_state == State.INTENDED.value, MoveRow.at >= since)
            )
            return actions_where(
                session,
                ActionRow.organization == organization,
                ActionRow.remedy.in_([remedy.value for remedy in GUARDED]),
                ActionRow.id.in_(effects),
            )

    def copies_among(self, organization: str, campaign_ids: Collection[str]) -> dict[str, str]:
        """Those of these campaigns that we provably made as copies, each with the root of its lineage."""
        with self._read() as session:
            return {
                str(row[0]): row[1]
                for some in parts(campaign_ids)
                for row in session.execute(_copies(some))
                if row[2] == organization
            }

    def root_of(self, organization: str, campaign_id: str) -> str:
        """The root of a campaign's lineage: that of our copy, else ``campaign:<its own id>``."""
        copies = self.copies_among(organization, [campaign_id])
        return copies.get(campaign_id, f"campaign:{campaign_id}")


def _oldest_first(found: Iterable[ActionRecord]) -> list[ActionRecord]:
    """In the order of ``actions_where``, each once."""
    each = {action.id: action for action in found}
    return sorted(each.values(), key=lambda action: (action.created_at, action.generation, action.id))


def _ids_on(organization: str, item_keys: list[str]) -> Select[str]:
    """The actions on items and those on roots, each by an index of its own."""
    ids = sorted({key.partition(":")[2] for key in item_keys})
    ours = select(ActionRow.id).where(ActionRow.organization == organization)
    either = union(ours.where(ActionRow.item_id.in_(ids)), ours.where(ActionRow.root.in_(item_keys)))
    return select(either.subquery().c.id)


def _stands_in(states: Collection[State]) -> ColumnElement[bool]:
    later = aliased(StepRow)
    tried_again = (
        select(later.id)
        .where(
            later.action_id == StepRow.action_id,
            later.verb == StepRow.verb,
            later.attempt > StepRow.attempt,
        )
        .exists()
    )
    standing = select(StepRow.action_id).where(
        StepRow.state.in_([state.value for state in states]), ~tried_again
    )
    return ActionRow.id.in_(standing)


def _had_effect() -> ColumnElement[bool]:
    return (
        select(StepRow.id)
        .join(MoveRow)
        .where(StepRow.action_id == ActionRow.id, MoveRow.to_state == State.INTENDED.value)
        .exists()
    )


def _copies(campaign_ids: Collection[str]) -> Select[str | None, str, str]:
    """Of any organization: asked for one, SQLite would walk through all of its actions instead of the moves' index."""
    proof = aliased(MoveRow)
    proven = (
        select(proof.step_id)
        .where(
            proof.step_id == MoveRow.step_id,
            proof.to_state.in_([State.DONE.value, State.CONFIRMED.value]),
        )
        .exists()
    )
    return (
        select(MoveRow.remote_id, ActionRow.root, ActionRow.organization)
        .join(StepRow, StepRow.id == MoveRow.step_id)
        .join(ActionRow, ActionRow.id == StepRow.action_id)
        .where(
            MoveRow.remote_id.in_(campaign_ids),
            StepRow.verb == Verb.COPY_CAMPAIGN.value,
            proven,
        )
    )
