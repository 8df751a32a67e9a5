"""What the ledger holds of some outages, read once: every table in one query, whatever the number of items.

Plans are not read here: what counts of their items stands in the ledger in short. Raises ``LedgerError`` where the
ledger cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import (
    ActionRecord,
    Alarm,
    AnswerRecord,
    DagRun,
    Ledger,
    Note,
    OpenItem,
    PlanItem,
    RunStage,
)
from pro2_reconciliation.repair.carried import OPEN_FOR
from pro2_reconciliation.repair.manual import PRESS_WITHIN
from pro2_reconciliation.repair.outcome import Actions, asked_for, newest_actions

FORM = "form"
"""The source of a window that was typed; it names no outage, and belongs to those that lie in it."""
GRACE = timedelta(minutes=15)
"""So long after its last sign of life, beyond what a step may take, a dag run is thought to be at work."""


@dataclass(frozen=True)
class Picture:
    """Outages, the dag runs about them, and all that was said and done about their items.

    ``items`` and ``answers`` by plan; ``opened`` and ``closed`` by item key, ``closed`` the newest of those that were
    open in the meantime.
    """

    site: Site
    now: datetime
    outages: Sequence[Outage]
    runs: Sequence[DagRun]
    items: Mapping[str, Sequence[PlanItem]]
    answers: Mapping[str, Mapping[str, AnswerRecord]]
    acted: Sequence[ActionRecord]
    opened: Mapping[str, OpenItem]
    closed: Mapping[str, OpenItem]
    holds: Mapping[str, Note]
    alarms: Sequence[Alarm]
    _alive: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def read(
        cls, site: Site, ledger: Ledger, now: datetime, *, outages: Sequence[Outage], more: datetime
    ) -> Self:
        """Read everything about ``outages``, and the dag runs since ``more`` whatever they are about."""
        since = min([more, *(outage.start for outage in outages)])
        runs = [
            run
            for run in ledger.runs(site.organization, since)
            if run.seen_at >= more or any(belongs(run, outage) for outage in outages)
        ]
        return cls.of_runs(site, ledger, now, runs, outages=outages)

    @classmethod
    def of_runs(
        cls,
        site: Site,
        ledger: Ledger,
        now: datetime,
        runs: Sequence[DagRun],
        *,
        outages: Sequence[Outage] = (),
    ) -> Self:
        """Read everything about the items of these dag runs, oldest first."""
        organization = site.organization
        since = min((run.window.start for run in runs), default=now)
        plans = {run.plan_hash for run in runs if run.plan_hash}
        open_items = ledger.open_items(organization, closed_since=since)
        return cls(
            site=site,
            now=now,
            outages=outages,
            runs=runs,
            items=ledger.plan_items(plans),
            answers=ledger.answers_to(plans),
            acted=ledger.actions_since(organization, since),
            opened={one.item_key: one for one in open_items if one.closed_at is None},
            closed={one.item_key: one for one in open_items if one.closed_at is not None},
            holds=ledger.holds(organization),
            alarms=ledger.alarms(organization, min(since, now - OPEN_FOR)),
        )

    @cached_property
    def actions(self) -> Actions:
        """The newest action on each item by (item key, remedy)."""
        return newest_actions(self.acted, {item.key for items in self.items.values() for item in items})

    @property
    def down(self) -> list[Outage]:
        """The outages that go on now."""
        return [one for one in self.outages if one.start <= self.now and lasts(one, self.now)]

    @cached_property
    def alarmed(self) -> dict[str, str]:
        """Item key to its newest alarm."""
        return {str(one.body["item"]): text_of(one) for one in self.alarms if one.body.get("item")}

    def runs_of(self, outage: Outage) -> list[DagRun]:
        """The dag runs about an outage, newest first."""
        return [run for run in reversed(self.runs) if belongs(run, outage)]

    def items_of(self, run: DagRun) -> Sequence[PlanItem]:
        """The items of a dag run's newest plan; none before there is one."""
        return self.items.get(run.plan_hash or "", ())

    def mode_of(self, run: DagRun) -> Mode:
        """The mode of a dag run; where nobody noted it, what the ledger shows."""
        if run.mode is not None:
            return run.mode
        if self.answers.get(run.plan_hash or ""):
            return Mode.ASK
        acted = any(action.plan_hash == run.plan_hash for action in self.acted)
        return Mode.AUTO if acted else Mode.PLAN

    def alive(self, run: DagRun) -> bool:
        """Whether a dag run is thought to be at work; the ledger does not hear of one that was killed."""
        if run.id not in self._alive:
            self._alive[run.id] = self._is_alive(run)
        return self._alive[run.id]

    def _is_alive(self, run: DagRun) -> bool:
        if run.stage is RunStage.REPORTED:
            return False
        if run.until is not None and self.now <= run.until + GRACE:
            return True
        answers = self.answers.get(run.plan_hash or "", {})
        signs = [run.seen_at, *(answer.at for answer in answers.values())]
        lasts = timedelta(seconds=self.site.policy.confirm_seconds)
        keys = {item.key for item in self.items_of(run)}
        for action in self.acted:
            if action.item_key in keys:
                signs.append(action.last_moved)
                lasts = max(lasts, PRESS_WITHIN) if asked_for(action) else lasts
        return self.now <= max(signs) + lasts + GRACE


def text_of(alarm: Alarm) -> str:
    return str(alarm.body.get("text", alarm.kind))


def belongs(run: DagRun, outage: Outage) -> bool:
    """Whether a dag run is about an outage: it names it, or its window was typed and overlaps it."""
    if {outage.id, *outage.aliases} & set(run.window.outage_ids):
        return True
    typed = run.window.source == FORM and run.window.start < (outage.end or run.window.end)
    return typed and outage.start < run.window.end


def lasts(outage: Outage, now: datetime) -> bool:
    """Whether an outage is not over yet."""
    return outage.state is OutageState.OPEN or outage.end is None or outage.end > now


def newest_first(outages: Iterable[Outage]) -> list[Outage]:
    return sorted(outages, key=lambda outage: (outage.start, outage.id), reverse=True)
