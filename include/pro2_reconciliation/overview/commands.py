"""What a person says to the ledger, at a desk or on the page: one function for each thing, one sentence back.

Each writes with a name and, where it lets something happen or keeps it from happening, a reason. Said twice it is
one: a double click writes nothing more. Fails with ``ReconciliationError`` that names the value and the next step;
nothing was written then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.window_form import parse_moment
from pro2_reconciliation.domain.words import ItemKind, Service
from pro2_reconciliation.ledger import Ledger, Seen, Stage
from pro2_reconciliation.overview.capabilities import WITHDRAWN
from pro2_reconciliation.overview.story import LOOKED_BACK
from pro2_reconciliation.repair.snapshot import scheduled

EXAMPLE = "2026-11-19T18:00"
"""How a time is written: local time of the organization, or with an offset."""
A_MOMENT = timedelta(minutes=1)
"""The same said again within it is a double click."""
GUARD_TOO = (
    "The guard does not stop an original that wakes either, it only tells; while originals wake, switch it off and "
    "pause reconcile instead"
)
UNSEEN = (
    "Nothing of that id was ever met here: if it is not the one you mean, release it and hold the right one"
)


def declare(
    ledger: Ledger,
    organization: str,
    zone: str,
    service: str,
    start: str,
    end: str = "",
    *,
    who: str,
    why: str,
) -> str:
    """Vouch for an outage of a service, ``end`` empty while it lasts; times as ``EXAMPLE``."""
    reason = _reason("declare", why)
    begin = parse_moment(start, zone, example=EXAMPLE)
    until = parse_moment(end, zone, example=EXAMPLE) if end else None
    if until is not None and until <= begin:
        raise ReconciliationError(
            f"the end, {local(until, zone)}, is not after the start, {local(begin, zone)}; give a later end"
        )
    said = ledger.declare(organization, _service(service), begin, until, who, reason)
    return f"Declared as number {said.number}; the next detection pass takes it up"


def end_declaration(ledger: Ledger, organization: str, zone: str, number: int, at: str, *, who: str) -> str:
    """Say when a declared outage has ended; a time as ``EXAMPLE``."""
    moment = parse_moment(at, zone, example=EXAMPLE)
    said = ledger.end_declaration(organization, number, moment, who)
    return f"Declaration {said.number} ended {local(moment, zone)}"


def withdraw(ledger: Ledger, organization: str, zone: str, number: int, *, who: str) -> str:
    """Take a declaration back."""
    taken_back = ledger.withdraw(organization, number, who)
    if taken_back is None:
        raise ReconciliationError(f"there is no declaration {number} that stands; look at the list again")
    return f"Declaration {number} is withdrawn; what was not begun because of it will not be"


def confirm(ledger: Ledger, organization: str, zone: str, outage_id: str, *, who: str, why: str) -> str:
    """A suspected outage was one: a declaration of its window."""
    outage = ledger.outage(outage_id)
    if outage is None or outage.organization != organization:
        known = ", ".join(one.id for one in ledger.outages(organization)) or "none"
        raise ReconciliationError(f"outage {outage_id!r} is not known; known are: {known}")
    said = ledger.declare(
        organization, outage.service, outage.start, outage.end, who, _reason("confirm", why)
    )
    return f"Outage {outage.id} is confirmed (declaration {said.number}); the next detection pass goes on"


EVERYTHING = "all"
"""Instead of the names of capabilities."""


def accept_capabilities(
    ledger: Ledger, organization: str, zone: str, names: Sequence[str], *, who: str, why: str
) -> str:
    """The account was seen to do this: what rests on it is pressed by this software from now on."""
    _say_seen(
        ledger,
        organization,
        names,
        proven=True,
        who=who,
        why=f"accepted: {_reason('capabilities accept', why)}",
    )
    return f"Accepted: {', '.join(names)}. A step that a person was asked to press already stays his"


def withdraw_capabilities(
    ledger: Ledger, organization: str, zone: str, names: Sequence[str], *, who: str, why: str
) -> str:
    """The account was seen not to do this, or nobody is sure: what rests on it is pressed by a person from now on."""
    reason = f"{WITHDRAWN}{_reason('capabilities withdraw', why)}"
    _say_seen(ledger, organization, names, proven=False, who=who, why=reason)
    return f"Withdrawn: {', '.join(names)}. What is on its way is not called back; every step after it asks a person"


def _say_seen(
    ledger: Ledger, organization: str, names: Sequence[str], *, proven: bool, who: str, why: str
) -> None:
    known = {one.value: one for one in Capability}
    strange = [name for name in names if name not in known and name != EVERYTHING]
    if strange or not names:
        raise ReconciliationError(
            f"{', '.join(strange) or 'nothing'} is no capability; known are: {', '.join(known)}, or {EVERYTHING}"
        )
    chosen = known.values() if EVERYTHING in names else [known[name] for name in dict.fromkeys(names)]
    now = ledger.now()
    ledger.note_capabilities(organization, [Seen(one, proven, why[:500], who, "", now) for one in chosen])


def waive(ledger: Ledger, organization: str, zone: str, item: str, *, who: str, why: str) -> str:
    """Do not wait for this item any longer."""
    key, reason = _item(item), _reason("waive", why)
    known = ledger.waived(organization, key, ledger.now() - A_MOMENT)
    if known is None or (known.who, known.why) != (who, reason):
        ledger.waive(organization, key, who, reason)
    return f"Nobody waits for {item} any longer; its sensor sees it at its next poll"


def hold(ledger: Ledger, organization: str, zone: str, item: str, *, who: str, why: str) -> str:
    """I do this one myself."""
    key, reason = _item(item), _reason("hold", why)
    known = ledger.held(organization, key)
    if known is None or (known.who, known.why) != (who, reason):
        ledger.hold(organization, key, who, reason)
    instead = f" instead of {known.who}" if known is not None and known.who != who else ""
    named = _name_of(ledger, organization, key)
    called = f"{item} («{one_line(named)}»)" if named else item
    doubt = "" if named else f". {UNSEEN}"
    return f"{called} is left to {who}{instead}; nothing of ours touches it until the hold is released{doubt}"


def release(ledger: Ledger, organization: str, zone: str, item: str, *, who: str) -> str:
    """End a hold."""
    found = ledger.end_hold(organization, item, who)
    return f"{item} is released" if found else f"{item} was not held"


def close(ledger: Ledger, organization: str, zone: str, item: str, *, who: str, why: str) -> str:
    """Close an open item, and every step of it that only a person can end."""
    reason = _reason("close", why)
    steps = ledger.close_steps(organization, item, who, reason)
    closed = ledger.close_item(organization, item, who, reason)
    return f"{item} is closed" if closed or steps else f"{item} was not open"


def switch(ledger: Ledger, organization: str, zone: str, stage: str, *, who: str, why: str) -> str:
    """Turn the kill switch to a value of ``Stage``."""
    try:
        wanted = Stage(stage)
    except ValueError:
        stages = ", ".join(one.value for one in Stage)
        raise ReconciliationError(f"the switch has no stage {stage!r}; choose one of {stages}") from None
    record, reason = ledger.switch(organization), _reason("switch", why)
    if (record.stage, record.who, record.why) != (wanted, who, reason):
        record = ledger.set_switch(organization, wanted, who, reason)
    told = f"The switch of {organization} is «{record.stage.value}», by {record.who}: {record.why}"
    return f"{told}. {GUARD_TOO}" if record.stage is Stage.EVERYTHING else told


def adopt(
    ledger: Ledger, organization: str, zone: str, *, who: str, why: str, epoch: int | None = None
) -> str:
    """This ledger is the one to go by. ``epoch``: the one that was shown; another one now means that somebody was
    faster, and nothing is written.
    """
    reason = _reason("adopt", why)
    known = ledger.identity
    if epoch is not None and known.epoch != epoch:
        at = f" at {local(known.adopted_at, zone)}" if known.adopted_at else ""
        return f"The ledger {known.uuid} was adopted already by {known.adopted_by}{at}, epoch {known.epoch}"
    last = ledger.last_event()
    now = ledger.adopt(who, reason)
    holds = f"its last move was {local(last, zone)}" if last else "nothing has moved in it yet"
    here = f", for processes on host {now.host} only" if ledger.in_a_file else ""
    return (
        f"The ledger {now.uuid} at {ledger.address} is adopted by {who}, epoch {now.epoch}{here}; {holds}. "
        "Plans made before do not count any more. The next pass of guard_repairs lets Airflow know"
    )


def repeat(ledger: Ledger, organization: str, zone: str, item: str, *, who: str, why: str) -> str:
    """Let an ended action on an item be planned, asked about and done once more."""
    again = ledger.repeat(organization, item, who, _reason("repeat", why))
    return (
        f"{again.remedy.value.replace('_', ' ')} of {item} may be planned once more, as generation "
        f"{again.generation}, for {again.who}: {again.why}. The next dag run decides by what it finds, and asks"
    )


def _name_of(ledger: Ledger, organization: str, key: str) -> str:
    """What an item is called, as it was decided on, watched or scheduled last; nothing for one that was never seen.

    A hold may come before all of that, so it is taken all the same: but whoever mistyped an id is not protected.
    """
    decided = ledger.decisions_on(organization, key)
    if decided:
        return decided[-1][3].name
    begun = [run.id for run in ledger.runs(organization, ledger.now() - LOOKED_BACK)]
    names = [look.name for look in ledger.first_looks(begun, key).values()]
    kind = ItemKind(key.partition(":")[0])
    names += [one.name for one in scheduled(ledger.latest_snapshot(organization), kind) if one.key == key]
    return names[-1] if names else ""


def _item(key: str) -> str:
    kind, _, item_id = key.partition(":")
    if kind not in set(ItemKind) or not item_id:
        raise ReconciliationError(
            f"{key!r} is no item; give a key such as campaign:103 or occurrence:j-211@2026-11-24T17:25:00Z"
        )
    return key


def _reason(command: str, why: str) -> str:
    if not why.strip():
        raise ReconciliationError(f"{command} needs a reason that others can read later; say why")
    return one_line(why.strip())


def _service(name: str) -> Service:
    try:
        return Service(name)
    except ValueError:
        known = ", ".join(one.value for one in Service)
        raise ReconciliationError(f"{name!r} is no service; choose one of {known}") from None
