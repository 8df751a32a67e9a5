"""Everything that a plan was built on, kept so that the plan can be built again at a desk, under another policy.

A recording holds what the ports answered (and how they failed), inventory, observations and what the ledger knew of
the same items. It holds no connection, no address and no contact id: who holds a tag is kept as the sizes of the
groups of contacts with the same tags. ``repair/replaying.py`` plays it. A call that is not recorded goes through
unseen; a recording never makes a plan fail.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, cast

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.campaigns import Automation, Campaign, CampaignReport
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.jobs import ActivityLog, Console
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.ledger import ActionRecord, Ledger, Snapshot
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.world import touched_roots

log = logging.getLogger("pro2.reconcile")

ANSWERS: Mapping[str, TypeAdapter[Any]] = {
    "scheduled_since": TypeAdapter(list[Campaign]),
    "get": TypeAdapter(Campaign | None),
    "detailed": TypeAdapter(dict[str, Campaign]),
    "newer_than": TypeAdapter(list[Campaign]),
    "report": TypeAdapter(CampaignReport),
    "activity": TypeAdapter(ActivityLog),
    "console": TypeAdapter(Console),
    "tag_id": TypeAdapter(str | None),
    "holder_count": TypeAdapter(int),
    "entries": TypeAdapter(int),
    "automations": TypeAdapter(list[Automation]),
    "import_backlog": TypeAdapter(int),
    "size": TypeAdapter(int),
    "generated_at": TypeAdapter(UtcTime | None),
}
"""The reads that a plan may rest on, by the name of the port's method, and what each answers; never an address."""
HOLDERS = "holders"


class Failure(Value):
    """How a read failed: the name of the error's class, its words, the HTTP status."""

    kind: str
    said: str
    status: int | None = None


class Read(Value):
    """One question to a port, with its answer as JSON or how it failed. ``at``: when it was answered."""

    call: str
    arguments: tuple[Any, ...] = ()
    at: UtcTime
    answer: Any = None
    failure: Failure | None = None


class Holders(Value):
    """So many contacts hold exactly these tags (ids) of those that were read."""

    tags: tuple[str, ...]
    contacts: int


class Kept(Value):
    """A detection pass's snapshot: which campaigns of the inventory were scheduled then."""

    at: UtcTime
    campaigns: tuple[str, ...]


class LedgerFacts(Value):
    """What the ledger knew; of an action neither who nor why."""

    uuid: str
    epoch: int
    created_at: UtcTime
    copies: dict[str, str]
    actions: tuple[ActionRecord, ...]
    outages: tuple[Outage, ...]
    snapshots: tuple[Kept, ...] = ()


class Recording(Value):
    """One plan's whole ground. ``began``: the clock when planning began."""

    version: Literal[1] = 1
    organization: str
    run: str
    parent: str | None = None
    plan_hash: str
    began: UtcTime
    inventory: Inventory
    observations: dict[str, Observation]
    reads: tuple[Read, ...]
    holders: tuple[Holders, ...] = ()
    ledger: LedgerFacts


@dataclass
class Tape:
    """Collects while the plan is built."""

    now: Callable[[], datetime]
    reads: list[Read] = field(default_factory=list)
    holders: dict[str, set[str]] = field(default_factory=dict)
    snapshots: dict[datetime, Snapshot] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    torn: str = ""
    """What could not be recorded; then there is no recording, but the plan is made all the same."""

    def note(
        self, call: str, given: tuple[Any, ...], answer: Any = None, failure: Failure | None = None
    ) -> None:
        """Keep one read. Never raises."""
        try:
            arguments = tuple(to_jsonable_python(given, fallback=lambda _: None))
            if failure is None and call == HOLDERS:
                self.holders[str(given[0])] = set(answer)
                answer = None
            elif failure is None:
                answer = ANSWERS[call].dump_python(answer, mode="json")
            self.reads.append(
                Read(call=call, arguments=arguments, at=self.now(), answer=answer, failure=failure)
            )
        except Exception as error:  # whatever it is, the plan comes first
            self.torn = f"{call}: {error}"

    def groups(self) -> tuple[Holders, ...]:
        """The holders without their ids."""
        tags_of: dict[str, tuple[str, ...]] = {}
        for tag, contacts in sorted(self.holders.items()):
            for contact in contacts:
                tags_of[contact] = (*tags_of.get(contact, ()), tag)
        return tuple(Holders(tags=tags, contacts=n) for tags, n in sorted(Counter(tags_of.values()).items()))


class _Listening:
    """Stands before a port; every read of planning goes to the tape, whatever it answers."""

    def __init__(self, port: object, tape: Tape) -> None:
        self._port, self._tape = port, tape

    def __getattr__(self, call: str) -> Any:
        asked = getattr(self._port, call)
        if call not in ANSWERS and call != HOLDERS:
            return asked

        def read(*arguments: Any, **named: Any) -> Any:
            given = (*arguments, *named.values())
            try:
                answer = asked(*arguments, **named)
            except RequestError as error:
                failure = Failure(kind=type(error).__name__, said=str(error), status=error.status)
                self._tape.note(call, given, failure=failure)
                raise
            self._tape.note(call, given, answer)
            return answer

        return read


class _ListeningLedger:
    """Stands before the ledger and remembers the snapshots and copies that were asked for; all would be too many."""

    def __init__(self, ledger: Ledger, tape: Tape) -> None:
        self._ledger, self._tape = ledger, tape

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def copies_among(self, organization: str, campaign_ids: Collection[str]) -> dict[str, str]:
        found = self._ledger.copies_among(organization, campaign_ids)
        self._tape.copies.update(found)
        return found

    def snapshots(self, organization: str, since: datetime) -> list[Snapshot]:
        found = self._ledger.snapshots(organization, since)
        self._tape.snapshots.update({kept.at: kept for kept in found})
        return found


def record_plan(
    account: Account,
    inventory: Inventory,
    observations: Mapping[str, Observation],
    *,
    run: str = "",
    parent: str | None = None,
) -> tuple[Plan, Recording | None]:
    """``build_plan`` with a tape running. Raises as ``build_plan``; without a recording if it could not be kept."""
    tape = Tape(account.now)
    began = account.now()
    taped = replace(
        account,
        campaigns=cast(Any, _Listening(account.campaigns, tape)),
        contacts=cast(Any, _Listening(account.contacts, tape)),
        dashboard=cast(Any, _Listening(account.dashboard, tape)),
        lists=cast(Any, _Listening(account.lists, tape)),
        ledger=cast(Any, _ListeningLedger(account.ledger, tape)),
    )
    plan = build_plan(taped, inventory, observations, run=run, parent=parent)
    try:
        recording = _recording(account, inventory, observations, tape, plan, began)
    except Exception as error:  # whatever it is, the plan comes first
        tape.torn = str(error)
    if tape.torn:
        log.warning(
            "This plan could not be recorded (%s); it cannot be tried under another policy", tape.torn
        )
        return plan, None
    return plan, recording


def _recording(
    account: Account,
    inventory: Inventory,
    observations: Mapping[str, Observation],
    tape: Tape,
    plan: Plan,
    began: datetime,
) -> Recording:
    kept = tuple(_kept(snapshot, inventory) for _, snapshot in sorted(tape.snapshots.items()))
    return Recording(
        organization=account.organization,
        run=plan.run,
        parent=plan.parent,
        plan_hash=plan.hash,
        began=began,
        inventory=inventory,
        observations=dict(observations),
        reads=tuple(tape.reads),
        holders=tape.groups(),
        ledger=_facts(account, inventory, tape.copies).model_copy(update={"snapshots": kept}),
    )


def _facts(account: Account, inventory: Inventory, copies: Mapping[str, str]) -> LedgerFacts:
    ledger, organization = account.ledger, account.organization
    identity = ledger.identity
    actions = ledger.actions_of(organization, *touched_roots(account, inventory))
    return LedgerFacts(
        uuid=identity.uuid,
        epoch=identity.epoch,
        created_at=identity.created_at,
        copies=dict(copies),
        actions=tuple(_nameless(one) for one in actions),
        outages=tuple(one.model_copy(update={"evidence": ()}) for one in ledger.outages(organization)),
    )


def _nameless(action: ActionRecord) -> ActionRecord:
    steps = tuple(
        replace(step, moves=tuple(replace(move, who="", why="", details=None) for move in step.moves))
        for step in action.steps
    )
    return replace(action, requested_by="", steps=steps)


def _kept(snapshot: Snapshot, inventory: Inventory) -> Kept:
    listed = [str(entry["id"]) for entry in snapshot.body.get("campaigns", [])]
    return Kept(at=snapshot.at, campaigns=tuple(one for one in listed if one in inventory.readings))
