"""Plays a whole incident as Airflow would: detection every few minutes, the guard every minute, a dag run per outage.

In: an incident. Out: :class:`Played`, with everything that can be compared afterwards. The code that runs is the
code of the tasks; ``plugins/pro2`` resolves the windows and closes the outages. Only transport and clock differ,
and dag runs follow one another instead of running side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from tests.incident.harness import PREFERENCE, START, MovableClock, open_ledger
from tests.incident.house import PRESSES, House

from pro2 import flow, reporting, window
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.rules import RULE_BOOK, RuleBook
from pro2_reconciliation.domain.words import Choice, Mode, Service, Verb
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.handover import hand_overs
from pro2_reconciliation.repair.manual import ManualAnswer
from pro2_reconciliation.repair.reconcile import reconcile
from pro2_reconciliation.repair.report import End, Report, as_json, raise_if_failed
from pro2_reconciliation.repair.step_result import StepResult
from pro2_sandbox import Incident, load_incident, organizations
from pro2_sandbox.demo.reports import Item, merged
from pro2_sandbox.incident_play import DeskModel

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class DagRun:
    """One reconciliation that was played."""

    run_id: str
    at: datetime
    window: Window
    mode: Mode
    plan: Plan
    report: Report
    failure: str = ""

    @property
    def items(self) -> list[Item]:
        return [Item.of(row) for row in as_json(self.report)["rows"]]


@dataclass
class Played:
    """What became of one organization."""

    house: House
    runs: list[DagRun] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def items(self) -> list[Item]:
        return merged(run.items for run in self.runs)

    @property
    def outages(self) -> list[Outage]:
        return self.house.kept.outages(self.house.site.organization)


class Player:
    """Plays an incident from its first detection pass to its last. ``book`` replaces the decision table."""

    def __init__(self, folder: Path, incident: Incident | str, *, book: RuleBook = RULE_BOOK) -> None:
        self.incident = load_incident(incident) if isinstance(incident, str) else incident
        self.play_book, self.book = self.incident.play, book
        # a whole minute, so that a cron that is made from T0 fits it
        self.clock = MovableClock(self.incident.t0 or START.replace(second=0))
        self._kept = open_ledger(folder, self.clock.now)
        self.played = [
            Played(House(folder / one.organization, one, self.clock, lambda: self._kept))
            for one in organizations(self.incident)
        ]
        for one in self.played:
            one.house.witness = self.played[0].house.witness  # Airflow has one for all of them
        self.t0 = self.clock.at
        self._next_pass = self.t0 + self.play_book.begin
        self._waiting: list[tuple[Played, str, dict[str, Any]]] = []
        self._later: list[tuple[datetime, Played, str, dict[str, Any]]] = []
        self._acting = False
        self._started: set[tuple[str, str]] = set()
        self._desk = sorted(self.play_book.desk, key=lambda act: act.at)
        self._nights = sorted(self.play_book.nightlies)

    def play(self) -> list[Played]:
        """Everything until the incident's ``until``, and whatever was begun by then."""
        self.clock.at = max(self.clock.at, self._next_pass)
        end = self.t0 + self.play_book.until
        self.clock.every_minute = self._minute
        while self.clock.at <= end:
            self._look()
            while self._waiting:
                self._acting = True
                self._reconcile(*self._waiting.pop(0))
            self._acting = False
            step = self._next_pass if not self._away() else self.clock.at + MINUTE
            self.clock.sleep(min(max((step - self.clock.at).total_seconds(), 1.0), 60.0))
        return self.played

    # ------------------------------------------------------------------------------------- what Airflow does

    def _away(self) -> bool:
        since = self.clock.at - self.t0
        return any(away.start <= since < away.end for away in self.play_book.away)

    def _minute(self) -> None:
        """The guard every minute while a dag run acts, else with each detection pass: there is less to see."""
        if self._away():
            return
        if self._acting or self.clock.at >= self._next_pass:
            for one in self.played:
                one.alarms += guard_pass(one.house.account("guard")).alarms
        self._look()

    def _look(self) -> None:
        """A detection pass, the nightly and people's acts at the desk, as far as they are due."""
        since = self.clock.at - self.t0
        while self._desk and self._desk[0].at <= since:
            self._at_the_desk(self._desk.pop(0))
        if self._away():
            return
        self._due()
        while self._nights and self._nights[0] <= since:
            night = self._nights.pop(0)
            if any(away.start <= night < away.end for away in self.play_book.away):
                continue  # Airflow catches nothing up (catchup=False)
            for one in self.played:
                self._start(one, f"scheduled__{self.t0 + night:%Y-%m-%dT%H:%M}", {"scheduled": True})
        if self.clock.at < self._next_pass:
            return
        every = self.play_book.every
        self._next_pass += every * (1 + (self.clock.at - self._next_pass) // every)
        houses = reversed(self.played) if self.play_book.order == "reversed" else self.played
        for one in houses:
            found = one.house.detect()
            one.unread += found.unread
            for due in found.due:
                mode = Mode.PLAN if due.suspected else Mode(self.play_book.mode)
                self._start(one, due.run_id, {"outage": due.outage_id, "mode": mode.value})

    def _start(self, one: Played, run_id: str, conf: dict[str, Any], after: datetime | None = None) -> None:
        """The run id is the claim: ``skip_when_already_exists``. ``after``: it begins then (``run_after``)."""
        claim = (one.house.site.organization, run_id)
        if claim not in self._started:
            self._started.add(claim)
            self._later.append((after or self.clock.at, one, run_id, conf))
            self._due()

    def _due(self) -> None:
        for entry in [entry for entry in self._later if entry[0] <= self.clock.at]:
            self._later.remove(entry)
            self._waiting.append(entry[1:])

    def _reconcile(self, one: Played, run_id: str, conf: dict[str, Any]) -> None:
        house, ledger = one.house, self._kept
        try:
            resolved = self._resolve(house, run_id, conf)
        except ReconciliationError as error:
            one.refused.append(f"{run_id}: {error}")
            return
        where, mode = Window.model_validate(resolved["window"]), Mode(resolved["mode"])
        ledger.beat(GUARD)
        began, account = self.clock.at, house.account(run_id)
        try:
            plan, report = reconcile(
                account,
                where,
                mode,
                answer=lambda plan: self._answer(run_id, plan),
                only=tuple(resolved["only"]),
                parent=resolved["parent"],
                book=self.book,
                dag_run=run_id,
                presser=lambda step: self._press(house, step),
            )
        except ReconciliationError as error:
            one.refused.append(f"{run_id}: {error}")
            return
        failure = ""
        if run_id.startswith("outage__"):
            flow._mark_planned(ledger, plan)
        reporting._close_outages(account, plan, report)
        reporting._move_watermark(account, plan, mode)
        try:
            raise_if_failed(report)
        except ReconciliationError as error:
            failure = str(error)
        one.runs.append(DagRun(run_id, began, where, mode, plan, report, failure))
        self._hand_over(one, account, plan, mode, report)

    def _hand_over(self, one: Played, account: Account, plan: Plan, mode: Mode, report: Report) -> None:
        if mode is Mode.PLAN:
            return
        not_now = {row.key: row.detail for row in report.rows if row.outcome is End.NOT_NOW}
        for more in hand_overs(account, plan, mode, not_now):
            self._kept.save_follow_up(more.notes, more.keys)
            conf = {"follow_up": plan.hash, "mode": Mode.ASK.value}
            self._start(one, more.run_id, conf, more.after)

    def _resolve(self, house: House, run_id: str, conf: Mapping[str, Any]) -> dict[str, Any]:
        """``resolve_window`` of the DAG, told the time by our clock."""
        params = {key: value for key, value in conf.items() if key != "scheduled"}
        run_type = "scheduled" if conf.get("scheduled") else "manual"
        run = SimpleNamespace(run_type=run_type, run_id=run_id, triggering_user_name=None)
        told = SimpleNamespace(now=lambda zone: self.clock.now().astimezone(zone))
        with mock.patch.multiple(
            window,
            open_site=lambda: house.site,
            open_ledger=lambda **_: house.kept,
            open_witness=lambda: house.witness,
            datetime=told,
        ):
            return window.resolve_window({"params": params, "dag_run": run})

    # --------------------------------------------------------------------------------------- what people do

    def _answer(self, run_id: str, plan: Plan) -> dict[str, Choice]:
        if run_id.startswith("outage__"):
            flow._mark_planned(self._kept, plan)
        wanted = self.play_book.answers
        given: dict[str, Choice] = {}
        for decision in plan.decisions:
            if not decision.asks:
                continue
            strongest = next((one for one in PREFERENCE if one in decision.choices), Choice.LEAVE)
            if isinstance(wanted, Mapping):
                named = wanted.get(decision.item_id, wanted.get(decision.item_id.partition("@")[0]))
                given[decision.key] = Choice(named) if named is not None else Choice.LEAVE
            else:
                given[decision.key] = strongest if wanted == "approve_all" else Choice.LEAVE
        return given

    def _press(self, house: House, step: StepResult) -> ManualAnswer:
        """The person of a manual step: does in Pro2 what it asks for, and says so."""
        item = step.item_key.partition(":")[2].partition("@")[0]
        deed = {"does": PRESSES[step.verb], "item": item}
        if step.verb is Verb.SEND_CAMPAIGN:
            copies = [
                e for e in house.effects("person") if e["kind"] == "campaign_copied" and e["item"] == item
            ]
            deed["item"] = copies[-1]["detail"]["copy"]
        if step.verb is Verb.IMPORT_LIST:
            tag = step.instruction.partition("with the tag «")[2].partition("»")[0]
            deed |= {"item": str(house.site.jobs_by_id[item].tessitura_list), "tag": tag}
        answer = house.sandbox.call("POST", "/sandbox/people", json=deed)
        return ManualAnswer.DONE if answer.status == 201 else ManualAnswer.NOT_POSSIBLE

    def _at_the_desk(self, act: DeskModel) -> None:
        one = self.played[0].house
        name, service = one.site.organization, Service(act.service)
        if act.does == "declare":
            assert act.start is not None
            end = None if act.end is None else self.t0 + act.end
            self._kept.declare(name, service, self.t0 + act.start, end, "kim", act.why)
        elif act.does == "reconcile":
            self._start(self.played[0], f"manual__{self.clock.at:%H%M}", {"outage": "latest", "mode": "ask"})
        elif act.does == "withdraw":
            for known in self._kept.declarations(name):
                if known.service is service and known.withdrawn_at is None:
                    self._kept.withdraw(name, known.number, "kim")
        else:
            latest = max((o for o in self._kept.outages(name) if o.service is service), key=lambda o: o.start)
            self._kept.declare(name, service, latest.start, latest.end, "kim", act.why)
