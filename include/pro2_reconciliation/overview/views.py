"""What the page "Outages" shows, as frozen values: the contract between what is read and how it is drawn.

Times are aware and in UTC here; whoever draws them says them in ``zone``. Every text may come from outside (names of
campaigns): it is data, to be escaped by whoever draws it. A sentence is whole, in words, and names local time with
its zone. Sources: docs/adr/0010, architecture.md of this repository.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.outage import Evidence, OutageState
from pro2_reconciliation.domain.words import Choice, ItemKind, Service
from pro2_reconciliation.ledger.notes import Stage


class Health(StrEnum):
    """How a service looks now."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Now(StrEnum):
    """How an item stands that has not ended yet; everything else is a value of ``repair.report.End``.

    ``SEEN``: settled at the first look, the plan will say it. ``WATCHING``: a sensor looks at it. ``ASKED``: a person
    is asked. ``UNDER_WAY``: a dag run is at it. ``CLOSED``: a person, or what Pro2 showed later, ended it.
    """

    SEEN = "seen"
    WATCHING = "watching"
    ASKED = "asked"
    UNDER_WAY = "under way"
    CLOSED = "closed"


class ServiceView(Value):
    """A service; ``since``: when it began to look like that, ``why``: who says so."""

    service: Service
    health: Health
    since: UtcTime | None = None
    why: str = ""


class LedgerView(Value):
    """Which ledger this is. ``plans_only``: why nothing may be done with it, empty when it may."""

    uuid: str
    epoch: int
    adopted_by: str | None
    adopted_at: UtcTime | None
    plans_only: str = ""


class SwitchView(Value):
    """The kill switch; ``at`` None: nobody ever touched it."""

    stage: Stage
    who: str = ""
    why: str = ""
    at: UtcTime | None = None


class DueItem(Value):
    """Something that is due soon or was due in an outage that lasts.

    ``risk``: why it may not go out, or why its audience may be stale; empty where there is no reason to think so.
    """

    key: str
    kind: ItemKind
    item_id: str
    name: str
    due: UtcTime
    audience: int | None = None
    risk: str = ""
    pro2_url: str = ""


class RunView(Value):
    """One dag run of ``reconcile`` in the window of an outage: its plan, its mode and how far it is.

    ``stage``: ``begun``, ``planned``, ``asked``, ``acting`` or ``reported``, as the ledger knows it; ``plan_hash`` is
    empty while it is ``begun``. ``progress``: one sentence, such as "inventory: 300 of 1,000 campaigns read", empty
    when it is not at work. ``report``: where its report is.
    """

    dag_run: str
    plan_hash: str
    mode: str
    stage: str
    at: UtcTime
    dag_id: str = "reconcile"
    parent: str | None = None
    progress: str = ""
    report: str = ""


class OutageView(Value):
    """One outage. ``counts``: outcome to number of items. ``next``: what happens next, as a sentence with the time
    ("nothing to do until Thu 19 Nov 21:46 CST: then watching ends"); ``until``: that time, to count down to.
    """

    id: str
    service: Service
    start: UtcTime
    end: UtcTime | None
    state: OutageState
    generation: int
    confirmed: bool
    evidence: tuple[Evidence, ...] = ()
    runs: tuple[RunView, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict)
    items: int = 0
    next: str = ""
    until: UtcTime | None = None


class LogLink(Value):
    """One task of Airflow that handled an item; ``map_index`` -1 where the task is not mapped."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    label: str = ""


class ItemView(Value):
    """One item as it stands now. ``outcome`` is a value of ``End`` or ``Now``; ``rule`` the last that decided.

    ``alarm``: what must not have happened to it, in a sentence; the newest. ``choices`` are not empty where a person
    is asked and nobody has answered. ``held_by`` / ``waived_by``: who keeps it to himself, who does not want to wait.
    ``open_since``: it is on the list of what needs a person.
    """

    key: str
    kind: ItemKind
    item_id: str
    name: str
    rule: str
    via: tuple[str, ...] = ()
    observation: str
    decision: str
    reason: str
    outcome: str
    detail: str = ""
    alarm: str = ""
    steps: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    answer: Choice | None = None
    answered_by: str = ""
    answered_at: UtcTime | None = None
    audience: int | None = None
    due: UtcTime | None = None
    send_by: UtcTime | None = None
    observed_at: UtcTime | None = None
    held_by: str = ""
    waived_by: str = ""
    open_since: UtcTime | None = None
    copy_id: str | None = None
    dag_run: str = ""
    plan_hash: str = ""
    log: LogLink | None = None
    pro2_url: str = ""


class OpenItemView(Value):
    """An item of an earlier outage that still needs a person, read again every night until ``closes_at``."""

    key: str
    name: str
    rule: str
    reason: str
    plan_hash: str
    opened_at: UtcTime
    closes_at: UtcTime


class DeclarationView(Value):
    """An outage that a person vouches for; ``end`` None: it lasts."""

    number: int
    service: Service
    start: UtcTime
    end: UtcTime | None
    who: str
    why: str
    at: UtcTime


class HoldView(Value):
    """An item that a person keeps to himself ("I do this one myself")."""

    key: str
    who: str
    why: str
    at: UtcTime


class AlarmView(Value):
    """Something that must not have happened, in a sentence; ``item``: the key of what it is about, or empty."""

    at: UtcTime
    kind: str
    text: str
    item: str = ""


class Board(Value):
    """The whole first picture; the items of an outage come apart, because there may be a thousand.

    ``snapshot_at``: when Pro2's schedule was last read, which ``upcoming`` is made of; None: never.
    """

    organization: str
    zone: str
    made_at: UtcTime
    headline: str
    ledger: LedgerView
    switch: SwitchView
    guard_at: UtcTime | None
    guard_ok: bool
    detected_at: UtcTime | None
    snapshot_at: UtcTime | None
    services: tuple[ServiceView, ...]
    at_risk: tuple[DueItem, ...]
    upcoming: tuple[DueItem, ...]
    outages: tuple[OutageView, ...]
    declarations: tuple[DeclarationView, ...]
    open_items: tuple[OpenItemView, ...]
    holds: tuple[HoldView, ...]
    alarms: tuple[AlarmView, ...]


class Event(Value):
    """One thing that happened to an item. ``what``: one word or two ("seen", "decided", "answered", "stopped")."""

    at: UtcTime
    who: str
    what: str
    text: str
    log: LogLink | None = None


class Story(Value):
    """An item with all that is known of it, oldest first."""

    item: ItemView
    events: tuple[Event, ...]
