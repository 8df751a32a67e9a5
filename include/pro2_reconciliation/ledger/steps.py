"""Claiming steps, and moving them: the part that stands between a decision and a request.

The order of one step: ``claim`` → ``intend`` (committed before the request leaves) → ``check`` → the request
→ ``move``. A claim is a lease (``leases.py``): its token is asked for in the same transaction that writes a move.

How it fails: ``LedgerError`` for a move the state does not allow, a lost lease, another fingerprint;
``claim`` returns None where somebody else is at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger.action_tables import ActionRow, LeaseRow, MoveRow, StepRow
from pro2_reconciliation.ledger.core import Core
from pro2_reconciliation.ledger.leases import require_lease
from pro2_reconciliation.ledger.moves import LEASED, RETRYABLE, RETRYABLE_BY_PERSON, State, may_follow
from pro2_reconciliation.ledger.reading import actions_where, locked_step, step_record, step_row
from pro2_reconciliation.ledger.records import ActionRecord, Claim, StepRecord


class StepsPart(Core):
    """Claims, intents, moves and further attempts."""

    def step(self, step_id: int) -> StepRecord:
        """One attempt with its moves. Raises ``LedgerError`` if there is none."""
        with self._read() as session:
            return step_record(step_row(session, step_id))

    def claim(
        self, step_id: int, owner: str, lease_seconds: float, *, also_own: bool = False
    ) -> Claim | None:
        """Take a step that is CLEARED, or take over one whose lease has expired or was released.

        In: ``owner`` names who is at it, for people; ``lease_seconds`` must be longer than the request's
        timeout; ``also_own`` takes a living lease of the same owner too: one that no process holds, but a
        question that waits for a person. Out: the claim, or None if a lease is alive (else even one of the same
        owner: its process may be alive) or the state is not one to claim. A taken over step keeps its state; see
        ``Claim.taken_over``. Errors: ``LedgerError`` if there is no such step.
        """
        try:
            with self._write() as session:
                now = self.now()
                state = step_record(locked_step(session, step_id)).state
                lease = session.get(LeaseRow, step_id, populate_existing=True)
                taken_over = state in LEASED
                alive = lease is not None and lease.expires_at > now
                if taken_over and lease is not None and alive and not (also_own and lease.owner == owner):
                    return None
                if not taken_over:
                    if state is not State.CLEARED:
                        return None
                    append(session, step_id, state, State.CLAIMED, who=owner, why="claimed", at=now)
                    state = State.CLAIMED
                claim = Claim(
                    step_id, owner, uuid4().hex, now + timedelta(seconds=lease_seconds), state, taken_over
                )
                if lease is None:
                    lease = LeaseRow(step_id=step_id)
                    session.add(lease)
                lease.owner, lease.token, lease.expires_at = owner, claim.token, claim.expires_at
                return claim
        except _Refused:
            return None  # another process claimed it between our look and our write

    def intend(
        self, claim: Claim, *, fingerprint: str, details: Mapping[str, Any] | None = None
    ) -> StepRecord:
        """CLAIMED → INTENDED: committed when this returns, and only then may the request leave.

        In: ``fingerprint`` of the world as just read; ``details`` what is about to be asked for (no
        addresses). Errors: ``LedgerError`` if it differs from the action's (move the step to STALE then), if
        the lease was lost, or if the step is not CLAIMED: after a take-over it may be INTENDED already, and
        then it is read.
        """
        with self._write() as session:
            row = locked_step(session, claim.step_id)
            now = self.now()
            require_lease(session, claim, now)
            if row.action.fingerprint != fingerprint:
                raise LedgerError(
                    f"{_named(row)} was decided on other facts (fingerprint {row.action.fingerprint}, now "
                    f"{fingerprint}). Nothing was sent; end it as stale and ask again."
                )
            return _moved(session, row, State.INTENDED, claim.owner, "about to send", now, None, details)

    def move(
        self,
        step_id: int,
        to: State,
        *,
        who: str,
        why: str,
        claim: Claim | None = None,
        remote_id: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> StepRecord:
        """Move a step on; the database decides whether it may.

        In: ``claim`` is needed to leave CLAIMED, INTENDED and AMBIGUOUS, and is checked in the same
        transaction. Out: the step after the move. Errors: ``LedgerError`` for a move that the state does not
        allow, a claim that is missing, another step's or lost ("lease lost"), and for CLAIMED and INTENDED,
        which ``claim`` and ``intend`` alone write.
        """
        if to in (State.CLAIMED, State.INTENDED):
            raise LedgerError(f"Step {step_id} cannot be moved to {to} by hand; use claim and intend.")
        if claim is not None and claim.step_id != step_id:
            raise LedgerError(
                f"The claim is one on step {claim.step_id}, not on step {step_id}; claim that step."
            )
        with self._write() as session:
            row = locked_step(session, step_id)
            now = self.now()
            if claim is not None:
                require_lease(session, claim, now)
            state = step_record(row).state
            if claim is None and state in LEASED:
                raise LedgerError(
                    f"{_named(row)} is {state}; only who holds its lease may move it to {to}. "
                    "Nothing was written; "
                    "claim it first (possible once the present lease has expired)."
                )
            return _moved(session, row, to, who, why, now, remote_id, details)

    def retry_step(self, step_id: int, who: str, why: str, *, by_person: bool = False) -> StepRecord:
        """A further attempt at the same request: a new step, PLANNED and then CLEARED.

        Only the newest attempt can be followed, and only if it is provably NOT_DONE; with ``by_person`` also
        if it is FAILED or STALE. Errors: ``LedgerError`` otherwise.
        """
        with self._write() as session:
            row = locked_step(session, step_id)
            state = step_record(row).state
            newest = session.scalars(
                select(StepRow.attempt)
                .where(StepRow.action_id == row.action_id, StepRow.verb == row.verb)
                .order_by(StepRow.attempt.desc())
            ).first()
            if newest != row.attempt:
                raise LedgerError(
                    f"{_named(row)} was tried again already, as attempt {newest}; look at that one."
                )
            if state not in (RETRYABLE_BY_PERSON if by_person else RETRYABLE):
                raise LedgerError(
                    f"{_named(row)} is {state}; trying again is allowed after not_done, and "
                    "after failed or stale "
                    "when a person asks for it. Read in Pro2 what happened first."
                )
            again = StepRow(
                action_id=row.action_id, verb=row.verb, attempt=row.attempt + 1, ordinal=row.ordinal
            )
            session.add(again)
            session.flush()
            now = self.now()
            append(session, again.id, None, State.PLANNED, who=who, why=why, at=now)
            append(session, again.id, State.PLANNED, State.CLEARED, who=who, why=why, at=now)
            session.expire_all()
            return step_record(again)

    def end_rest(self, action_id: str, to: State, *, who: str, why: str) -> ActionRecord:
        """End every step of an action that nobody began: CLEARED becomes ``to``, which is SKIPPED or STALE.

        Out: the action afterwards. Errors: ``LedgerError`` for another state or an unknown action.
        """
        if to not in (State.SKIPPED, State.STALE):
            raise LedgerError(f"The rest of {action_id} can end as skipped or stale, not as {to}.")
        with self._write() as session:
            now = self.now()
            ids = session.scalars(
                select(StepRow.id).where(StepRow.action_id == action_id).order_by(StepRow.id)
            )
            for step_id in ids.all():
                if step_record(locked_step(session, step_id)).state is State.CLEARED:
                    append(session, step_id, State.CLEARED, to, who=who, why=why, at=now)
            session.expire_all()
            found = actions_where(session, ActionRow.id == action_id)
            if not found:
                raise LedgerError(
                    f"The ledger has no action {action_id}; take the id from what register returned."
                )
            return found[0]


class _Refused(LedgerError):
    """The database refused a move."""


def append(
    session: Session,
    step_id: int,
    was: State | None,
    to: State,
    *,
    who: str,
    why: str,
    at: datetime,
    remote_id: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one move. Raises ``LedgerError`` if the database refuses it; the transaction is lost then."""
    move = {
        "step_id": step_id,
        "from_state": was.value if was is not None else None,
        "to_state": to.value,
        "who": who,
        "why": why,
        "at": at,
        "remote_id": remote_id,
        "details": dict(details) if details is not None else None,
    }
    try:
        session.execute(insert(MoveRow), [move])
    except IntegrityError as error:
        raise _Refused(
            f"Step {step_id} is {was or 'not planned'} and cannot become {to}; possible are: "
            f"{may_follow(was or '')}. "
            "Nothing was written; read the step again and decide anew."
        ) from error


def _moved(
    session: Session,
    row: StepRow,
    to: State,
    who: str,
    why: str,
    at: datetime,
    remote_id: str | None,
    details: Mapping[str, Any] | None,
) -> StepRecord:
    was = step_record(row).state
    append(session, row.id, was, to, who=who, why=why, at=at, remote_id=remote_id, details=details)
    session.expire_all()
    return step_record(row)


def _named(row: StepRow) -> str:
    return f"The step {row.verb} (attempt {row.attempt}) of {row.action_id}"
