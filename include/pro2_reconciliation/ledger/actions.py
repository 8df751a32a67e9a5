"""Registering actions: what is found of them again is in ``finding.py``.

One live action per organization, root and remedy: a generation begins only after the one before ended without
having sent anything. How it fails: ``LedgerError`` for whatever would make a second one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger.action_tables import ActionRow, LeaseRow, StepRow
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.moves import ENTRY, LEASED, LIVE, State
from pro2_reconciliation.ledger.reading import actions_where
from pro2_reconciliation.ledger.records import ActionKey, ActionRecord
from pro2_reconciliation.ledger.steps import append


class ActionsPart(Core):
    """One action a key, one generation after the other."""

    def register(
        self,
        key: ActionKey,
        *,
        kind: str,
        item_id: str,
        name: str,
        verbs: Sequence[Verb],
        fingerprint: str,
        plan_hash: str,
        to: State,
        who: str,
        why: str,
    ) -> ActionRecord:
        """Write an action with one step per verb, each PLANNED and then ``to``; or find the one that is
        there.

        In: ``verbs`` in the order in which they are done; ``fingerprint`` the digest of what was shown;
        ``to`` CLEARED, DECLINED or SKIPPED. Out: the action. ``joined`` is True if the key was there with the
        same fingerprint: nothing was written and its state is whatever it is by now. If it was there with
        ANOTHER fingerprint and nothing was sent for it, what was live of it becomes STALE and the next
        generation is written: look at ``generation``. Errors: ``LedgerError`` if another fingerprint meets an
        action that had an effect or that somebody is at, and for a generation out of turn.
        """
        if to not in ENTRY or not verbs or len(set(verbs)) != len(verbs):
            raise LedgerError(
                f"The action {key.id} cannot be registered as {to} with the steps {list(verbs)}; "
                "give cleared, declined or skipped, and every verb once."
            )
        wanted = _Wanted(key, kind, item_id, name, tuple(verbs), fingerprint, plan_hash, to, who, why)
        for _ in range(3):
            try:
                with self._write() as session:
                    return self._register(session, wanted)
            except _Raced:
                continue  # another process wrote this very key meanwhile; now it is there to be found
        raise LedgerError(f"The action {key.id} is being registered by several at once; try again.")

    def next_generation(self, organization: str, root: str, remedy: Remedy) -> int:
        """The generation that a new decision belongs to.

        1 if there is none; the newest one if it is live or had an effect (INTENDED or beyond): that one has
        to be joined, settled or tried again; else, if it ended without effect or a person asked for it to be
        repeated, the next.
        """
        with self._read() as session:
            newest = _newest(session, organization, root, remedy)
        if newest is None:
            return 1
        return newest.generation if _stands(newest) else newest.generation + 1

    def _register(self, session: Session, wanted: _Wanted) -> ActionRecord:
        key = wanted.key
        newest = _newest(session, key.organization, key.root, key.remedy, lock=True)
        if newest is None or key.generation > newest.generation:
            _require_turn(key, newest)
            return _write_action(session, key, wanted, self.now())
        found = next(iter(actions_where(session, ActionRow.id == key.id)), newest)
        for known in (found, newest):
            if known.fingerprint == wanted.fingerprint:
                return replace(known, joined=True)
        if newest.had_effect:
            raise LedgerError(
                f"The action {newest.id} was decided on other facts (fingerprint {newest.fingerprint}, now "
                f"{wanted.fingerprint}) and is {newest.state}. Nothing was registered; read what it did, and "
                "settle that action before a new one."
            )
        self._supersede(session, newest, wanted.who, self.now())
        following = replace(key, generation=newest.generation + 1)
        return _write_action(session, following, wanted, self.now())

    def _supersede(self, session: Session, action: ActionRecord, who: str, now: datetime) -> None:
        """End an action nothing was sent for, because what was shown has changed."""
        for step in (step for step in action.latest if step.state in LIVE):
            lease = session.get(LeaseRow, step.id)
            if step.state in LEASED and lease is not None and lease.expires_at > now:
                raise LedgerError(
                    f"The step {step.verb} of {action.id} is being done by {lease.owner} until "
                    f"{lease.expires_at:%H:%M:%S} UTC, on other facts than these. Nothing was "
                    "registered; wait for "
                    "it to end, then plan again."
                )
            to = State.SKIPPED if step.state is State.PLANNED else State.STALE
            append(session, step.id, step.state, to, who=who, why="decided anew on other facts", at=now)


@dataclass(frozen=True)
class _Wanted:
    """What ``register`` was asked for."""

    key: ActionKey
    kind: str
    item_id: str
    name: str
    verbs: tuple[Verb, ...]
    fingerprint: str
    plan_hash: str
    to: State
    who: str
    why: str


class _Raced(Exception):
    """Another process registered the same key between our look and our write."""


def _stands(newest: ActionRecord) -> bool:
    """Whether an action has to be joined or settled before there may be another generation of it."""
    return newest.live or (newest.had_effect and not newest.repeated)


def _require_turn(key: ActionKey, newest: ActionRecord | None) -> None:
    following = newest.generation + 1 if newest else 1
    busy = newest is not None and _stands(newest)
    if busy or key.generation != following:
        raise LedgerError(
            f"The action {key.id} is out of turn: the newest is "
            f"{f'{newest.id} ({newest.state})' if newest else 'none'}. Nothing was registered; "
            "take the generation from next_generation."
        )


def _write_action(session: Session, key: ActionKey, wanted: _Wanted, now: datetime) -> ActionRecord:
    steps = [StepRow(verb=verb.value, attempt=1, ordinal=place) for place, verb in enumerate(wanted.verbs)]
    action = ActionRow(
        id=key.id,
        organization=key.organization,
        root=key.root,
        kind=wanted.kind,
        item_id=wanted.item_id,
        name=wanted.name,
        remedy=key.remedy.value,
        generation=key.generation,
        fingerprint=wanted.fingerprint,
        plan_hash=wanted.plan_hash,
        created_at=now,
        requested_by=wanted.who,
        steps=steps,
    )
    session.add(action)
    try:
        session.flush()
    except IntegrityError as error:
        raise _Raced from error
    for step in steps:
        append(session, step.id, None, State.PLANNED, who=wanted.who, why=wanted.why, at=now)
        append(session, step.id, State.PLANNED, wanted.to, who=wanted.who, why=wanted.why, at=now)
    session.expire_all()
    return actions_where(session, ActionRow.id == key.id)[0]


def _newest(
    session: Session, organization: str, root: str, remedy: Remedy, *, lock: bool = False
) -> ActionRecord | None:
    conditions = (
        ActionRow.organization == organization,
        ActionRow.root == root,
        ActionRow.remedy == remedy.value,
    )
    if lock:
        locked = select(StepRow.id).join(ActionRow).where(*conditions).with_for_update()
        session.scalars(locked.order_by(StepRow.id)).all()
    return max(actions_where(session, *conditions), key=lambda action: action.generation, default=None)
