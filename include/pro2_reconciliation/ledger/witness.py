"""Which ledger may be acted on (invariant 10): the one that a person adopted last, with all its events, on its host.

Said twice, in the ledger and by a witness outside of its database, since a ledger that was lost, restored from a
backup or exists once per host cannot know it of itself. Every doubt is a sentence, and a sentence allows mode
``plan`` only. Nothing here raises for a ledger that may not act, only for one that cannot be read.
"""

from __future__ import annotations

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.ledger.machine import Machine
from pro2_reconciliation.ledger.records import Identity
from pro2_reconciliation.ledger.store import Ledger
from pro2_reconciliation.ledger.witnessed import Witness, Witnessed

ADOPT = 'python -m pro2_reconciliation adopt --why "..."'
"""The next step that every sentence here ends with."""


def why_plan_only(
    ledger: Ledger, witness: Witness | None, zone: str, machine: Machine | None = None
) -> str | None:
    """Why this ledger allows mode ``plan`` only, with the next step; None: it may be acted on.

    In: ``witness`` None where there is none (a desk): then the adoption in the ledger decides alone; ``machine``
    is this one unless a test says otherwise. Errors: ``LedgerError`` if the ledger cannot be read.
    """
    return _judge(ledger, witness, zone, machine or Machine.this())[0]


def remember(ledger: Ledger, witness: Witness | None, zone: str, machine: Machine | None = None) -> None:
    """Let the witness know what the ledger holds now; two at once may leave the smaller count until the next writes.

    Called after an intent is committed and before its request leaves: a backup without that intent is found out
    then. Errors: ``LedgerError`` if the ledger may not be acted on (any more), or the witness cannot be written.
    """
    here = machine or Machine.this()
    refusal, seen, picture = _judge(ledger, witness, zone, here)
    if refusal is not None:
        raise LedgerError(refusal)
    identity = ledger.identity
    if ledger.in_a_file and (identity.host, identity.boot) != (here.host, here.boot):
        ledger.note_machine(here)
    if witness is None:
        return
    picture = picture or ledger.picture()
    if seen is None or not _same_adoption(identity, seen) or picture.more_than(seen):
        witness.write(picture)
    if identity.witnessed_at is None:
        ledger.note_witnessed()


def _judge(
    ledger: Ledger, witness: Witness | None, zone: str, here: Machine
) -> tuple[str | None, Witnessed | None, Witnessed | None]:
    """(why plans only, what the witness knows, what the ledger holds where that was counted): counted once, after the
    witness was read."""
    identity = ledger.identity
    name = f"The ledger {identity.uuid} at {ledger.address}"
    if identity.adopted_at is None:
        return f"{name} is new: {_adopt_it(ledger, witness, zone)}", None, None
    if ledger.in_a_file and not here.shares_with(identity.host, identity.boot):
        return (
            f"{name} is a file that host {identity.host} uses, and this task runs on host {here.host}; a file serves "
            "one host only, so it allows plans only. Let everything run there, or put the ledger into PostgreSQL "
            f"(connection reconciliation_ledger); if it has moved here for good: {ADOPT}",
            None,
            None,
        )
    if witness is None:
        return None, None, None
    try:
        seen = witness.read()
    except LedgerError as error:
        return f"{error}. Until then plans only", None, None
    picture = ledger.picture() if seen is not None and _same_adoption(identity, seen) else None
    return _against(name, identity, picture, witness, seen, zone), seen, picture


def _adopt_it(ledger: Ledger, witness: Witness | None, zone: str) -> str:
    """The rest of the sentence about a ledger that nobody adopted: is there another one that was lost?"""
    plain = "nobody has adopted it, so it allows plans only. "
    try:
        seen = witness.read() if witness else None
    except LedgerError:
        seen = None
    if seen is None:
        return f"{plain}Look that it is at the right place; if this is the first start: {ADOPT}"
    return (
        f"{plain}{_known(witness, seen)}, adopted {local(seen.adopted_at, zone)} by {seen.adopted_by}: bring that one "
        "back (connection reconciliation_ledger); if it is lost, look in Pro2 at everything that was repaired, then: "
        f"{ADOPT}"
    )


def _known(witness: Witness | None, seen: Witnessed) -> str:
    count = sum(seen.moves.values())
    moves = "1 move" if count == 1 else f"{count} moves"
    where = witness.name if witness else "witness"
    return f"The {where} knows the ledger {seen.uuid} at {seen.address} with {moves}"


def _against(
    name: str,
    identity: Identity,
    picture: Witnessed | None,
    witness: Witness,
    seen: Witnessed | None,
    zone: str,
) -> str | None:
    if seen is None:
        if identity.witnessed_at is None:
            return None  # adopted a moment ago; the first guard pass tells the witness
        return (
            f"{name} was known to the {witness.name} since {local(identity.witnessed_at, zone)}, and that is gone or "
            "cannot be read, so nobody can say whether this ledger is the newest: plans only. If it cannot be read "
            f"for a moment, wait; if it was deleted, look that nothing is missing in this ledger, then: {ADOPT}"
        )
    known = _known(witness, seen)
    if picture is not None:
        if not seen.more_than(picture):
            return None
        last = f", last moved {local(seen.last_at, zone)}" if seen.last_at else ""
        return (
            f"{name} is older than what was done, a restored backup or a copy, so it allows plans only. {known}"
            f"{last}; that is not in this one. Bring the newest one back; if it is lost, look in Pro2 at everything "
            f"since, then: {ADOPT}"
        )
    if identity.adopted_at is not None and identity.adopted_at > seen.adopted_at:
        return None  # a person adopted this one after the other
    return (
        f"{name} is not the one to go by, so it allows plans only. {known}, adopted "
        f"{local(seen.adopted_at, zone)} by {seen.adopted_by}, later than this one. Give Airflow that ledger back "
        "(connection reconciliation_ledger); if it is lost, or this one is to take its place, look in Pro2 at "
        f"everything since, then: {ADOPT}"
    )


def _same_adoption(identity: Identity, seen: Witnessed) -> bool:
    return (identity.uuid, identity.epoch, identity.adopted_at) == (seen.uuid, seen.epoch, seen.adopted_at)
