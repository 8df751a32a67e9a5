"""All that the ledger holds of one item, from every table, as it stands there: for support and for the vendor.

Only the ledger and the site's own files are asked: neither Pro2 nor any connection. Fails with ``LedgerError`` for
a key that the ledger has never seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import to_jsonable_python

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.domain.plan import Decision, Window
from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.ledger import (
    ActionRecord,
    Alarm,
    AnswerRecord,
    Ledger,
    Note,
    OpenItem,
    OutageTrace,
    Sample,
)

AROUND = timedelta(hours=1)
"""Looks at a service so long before and after an outage belong to it."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Planned:
    """What one dag run decided about the item, what it had seen of it first, and what was answered."""

    plan_hash: str
    created_at: datetime
    dag_run: str
    window: Window | None
    decision: Decision
    answer: AnswerRecord | None
    first_look: Observation | None


@dataclass(frozen=True)
class CaseFile:
    """One item with everything of it. ``samples`` are the looks at the services of its outages."""

    key: str
    zone: str
    organization: str
    name: str
    planned: tuple[Planned, ...]
    actions: tuple[ActionRecord, ...]
    opened: tuple[OpenItem, ...]
    hold: Note | None
    waiver: Note | None
    alarms: tuple[Alarm, ...]
    outages: tuple[Outage, ...]
    traces: tuple[OutageTrace, ...]
    samples: tuple[Sample, ...]
    scheduled: tuple[Mapping[str, Any], ...]

    @property
    def kind(self) -> ItemKind:
        return ItemKind(self.key.partition(":")[0])

    @property
    def item_id(self) -> str:
        return self.key.partition(":")[2]

    @property
    def latest(self) -> Planned | None:
        return self.planned[-1] if self.planned else None

    def both(self, moment: datetime) -> str:
        """``Thu 19 Nov 18:00 CST (2026-11-20 00:00:00 UTC)``."""
        return f"{local(moment, self.zone)} ({moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)"


def case_file(ledger: Ledger, organization: str, zone: str, key: str) -> CaseFile:
    """Gather everything of an item. Raises ``LedgerError`` for one that is in no plan, action or list."""
    kind, _, item_id = key.partition(":")
    if kind not in set(ItemKind) or not item_id:
        raise LedgerError(
            f"{key!r} is no item; give a key such as campaign:103 or occurrence:j-211@2026-11-24T17:25:00Z"
        )
    planned = tuple(_planned(ledger, organization, key))
    root = ledger.root_of(organization, item_id) if kind == ItemKind.CAMPAIGN else key
    actions = tuple(ledger.actions_of(organization, root))
    opened = tuple(i for i in ledger.open_items(organization, closed_since=_EVER) if i.item_key == key)
    if not (planned or actions or opened):
        raise LedgerError(f"nothing is known of {key}; the open items are listed by: status")
    ids = dict.fromkeys(one for p in planned if p.window for one in p.window.outage_ids)
    outages = tuple(found for found in map(ledger.outage, ids) if found is not None)
    names = [
        *(one.decision.name for one in reversed(planned)),
        *(a.name for a in actions),
        *(i.name for i in opened),
    ]
    return CaseFile(
        key=key,
        zone=zone,
        organization=organization,
        name=names[0],
        planned=planned,
        actions=actions,
        opened=opened,
        hold=ledger.held(organization, key),
        waiver=ledger.waived(organization, key),
        alarms=tuple(a for a in ledger.alarms(organization) if a.body.get("item") == key),
        outages=outages,
        traces=tuple(trace for one in outages for trace in ledger.outage_traces(one.id)),
        samples=tuple(_samples(ledger, organization, outages)),
        scheduled=tuple(_scheduled(ledger, organization, kind, item_id, outages)),
    )


def plain(value: Any) -> Any:
    """Records and values as JSON."""
    return to_jsonable_python(asdict(value) if hasattr(value, "__dataclass_fields__") else value)


def _planned(ledger: Ledger, organization: str, key: str) -> Iterator[Planned]:
    decided = ledger.decisions_on(organization, key)
    answers = ledger.answers_to({plan_hash for plan_hash, _, _, _ in decided})
    dag_runs = {dag_run for _, _, dag_run, _ in decided}
    looks = ledger.first_looks(dag_runs, key)
    windows = {run.id: run.window for run in ledger.runs(organization, only=dag_runs)}
    for plan_hash, at, dag_run, decision in decided:
        yield Planned(
            plan_hash,
            at,
            dag_run,
            windows.get(dag_run) or _window(ledger, plan_hash),
            decision,
            answers.get(plan_hash, {}).get(key),
            looks.get(dag_run),
        )


def _window(ledger: Ledger, plan_hash: str) -> Window | None:
    """Of a dag run that nobody noted: that of its plan."""
    plan = ledger.plan(plan_hash)
    return plan.window if plan else None


def _samples(ledger: Ledger, organization: str, outages: tuple[Outage, ...]) -> Iterator[Sample]:
    for outage in outages:
        last = (outage.end or ledger.now()) + AROUND
        for sample in ledger.samples(organization, outage.service, outage.start - AROUND):
            if sample.at <= last:
                yield sample


def _scheduled(
    ledger: Ledger, organization: str, kind: str, item_id: str, outages: tuple[Outage, ...]
) -> Iterator[Mapping[str, Any]]:
    """As the snapshots around its outages had it."""
    if not outages:
        return
    for kept in ledger.snapshots(organization, min(one.start for one in outages) - AROUND):
        for entry in kept.body.get(f"{kind}s", []):
            if str(entry.get("id")) == item_id:
                yield {"at": kept.at.isoformat(), **entry}
