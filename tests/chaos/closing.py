"""How each gate is closed and opened on an evening, and the evening on which that is done right before a step."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from tests.chaos.faulty import CAMPAIGN, DRIFT, IMPORT, MUTATIONS, SYNC, TRIGGER, V1, Faulty
from tests.incident.harness import approve_all

from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Mode, Service, Verb
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.repair import world
from pro2_reconciliation.repair.clearing import Cleared, ClearedStep, clear
from pro2_reconciliation.repair.gates import Gate
from pro2_reconciliation.repair.manual import ManualAnswer, answer_manual
from pro2_reconciliation.repair.report import Row
from pro2_reconciliation.wire.exchange import Request


@dataclass(frozen=True)
class Chain:
    """One thing that can be repaired: its item, the verbs in their order, and what a person chooses if not the most."""

    name: str
    item: str
    verbs: tuple[Verb, ...]
    choice: Choice | None = None
    harmless: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def drifts(self) -> bool:
        return self.verbs[0] in DRIFT


RESEND = Chain("resend", CAMPAIGN, (Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN))
CHAINS = (
    RESEND,
    Chain("hold back", CAMPAIGN, (Verb.STOP_CAMPAIGN,), choice=Choice.HOLD_BACK),
    Chain("repeat import", IMPORT, (Verb.STOP_RUN, Verb.REPEAT_IMPORT)),
    Chain("harmless import", IMPORT, (Verb.STOP_RUN, Verb.REPEAT_IMPORT), harmless=True),
    Chain("run now", TRIGGER, (Verb.STOP_RUN, Verb.RUN_NOW)),
    Chain("data sync", SYNC, (Verb.IMPORT_LIST,)),
    Chain("harmless sync", SYNC, (Verb.IMPORT_LIST,), harmless=True),
    Chain("add tag", SYNC, (Verb.ADD_TAG,), choice=Choice.ADD_TAG),
    Chain("remove tag", SYNC, (Verb.REMOVE_TAG,), choice=Choice.REMOVE_TAG),
)


def verb_of(request: Request) -> Verb | None:
    """Which verb a changing request carries out."""
    form = request.form or {}
    if form.get("api_action") == V1.action:
        return Verb.SEND_CAMPAIGN if str(form["status"]) == "1" else Verb.STOP_CAMPAIGN
    for verb, mutation in MUTATIONS.items():
        match = mutation.match
        if (
            match.path_regex
            and match.method == request.method
            and re.search(match.path_regex, f"/{request.path}")
        ):
            return verb
    return None


class Gated(Faulty):
    """The evening of ``faulty.yaml``, with somebody who acts right before a step."""

    def __init__(self, folder: Path, chain: Chain = RESEND) -> None:
        self.chain = chain
        self.read_only: dict[Verb, str] = {}
        self.changes: dict[str, Any] = {}
        self.guard_is_away = False
        self.health = ""
        self.outage_ids: tuple[str, ...] = ()
        self.before: Callable[[ClearedStep], object] = lambda step: None
        self.played: list[tuple[Any, Any, ClearedStep]] = []
        super().__init__(folder)
        self.answer = self.chosen
        self.with_jobs(starts_mail="no" if chain.harmless else "yes", adds_to_list=False)

    def chosen(self, plan: Plan) -> dict[str, Choice]:
        """The strongest choice, or the one of the chain; of two tags the other is left."""
        given = approve_all(plan)
        if self.chain.choice is None:
            return given
        offered = {
            d.key: self.chain.choice if self.chain.choice in d.choices else Choice.LEAVE
            for d in plan.decisions
        }
        return {key: offered[key] if self.chain.choice in offered.values() else given[key] for key in given}

    def account(self, owner: str = "test", **changes: Any) -> Any:
        return super().account(owner, **{"read_only": self.read_only, **self.changes, **changes})

    def step(self, account: Any, plan: Any, step: ClearedStep) -> None:
        self.before(step)
        self.played.append((account, plan, step))
        super().step(account, plan, step)

    def dag_run(self, name: str, *, only: tuple[str, ...], parent: str | None = None) -> Plan:
        if not self.health:
            return super().dag_run(name, only=only, parent=parent)
        with mock.patch.object(world, "health_of", return_value=self.health):
            return super().dag_run(name, only=only, parent=parent)

    def window(self) -> Window:
        return super().window().model_copy(update={"outage_ids": self.outage_ids})

    def guarded(self) -> None:
        if not self.guard_is_away:
            super().guarded()

    def with_policy(self, **changed: Any) -> None:
        self.site = self.site.model_copy(update={"policy": self.site.policy.model_copy(update=changed)})

    def with_jobs(self, **changed: Any) -> None:
        jobs = tuple(job.model_copy(update=changed) for job in self.site.jobs)
        self.site = self.site.model_copy(update={"jobs": jobs})

    def feeding(self, job: str, campaign: str) -> None:
        """The job makes the audience of the campaign."""
        jobs = [
            one.model_copy(update={"feeds": (campaign,)}) if one.id == job else one for one in self.site.jobs
        ]
        self.site = self.site.model_copy(update={"jobs": tuple(jobs)})

    def clear(self, plan: Plan) -> Cleared:
        """The task ``clear`` once more."""
        return clear(self.account("manual__1"), plan, Mode.ASK, who="Ada")

    def prepare(self) -> None:
        """Everything before the chain: of a tag, the import that shows which contacts lack it."""
        if self.chain.drifts:
            chain, self.chain = self.chain, next(one for one in CHAINS if one.name == "data sync")
            self.parent = self.dag_run("outage__1__g1", only=(self.key(SYNC),))
            self.chain = chain

    def go(self, name: str) -> Plan:
        """One dag run about the chain's item."""
        if not self.chain.drifts:
            return self.dag_run(name, only=(self.key(self.chain.item),))
        keys = tuple(d.key for d in self.parent.decisions)
        return self.dag_run(name, only=keys, parent=self.parent.hash)

    def again(self) -> None:
        """As Airflow's Clear does: the very steps of the dag run once more."""
        for account, plan, step in [one for one in self.played if one[2].verb in self.chain.verbs]:
            self.step(account, plan, step)

    def acted(self) -> list[Verb]:
        """The verbs of the chain of which a request left, each once, in order."""
        asked = [request for carrier in self.carriers() for request in carrier.carried if request.mutating]
        verbs = {verb for request in asked if (verb := verb_of(request)) is not None}
        return [verb for verb in self.chain.verbs if verb in verbs]

    def row_key(self) -> str:
        """The key of the chain's item; of a tag that of the tag."""
        suffix = {Verb.ADD_TAG: "+add", Verb.REMOVE_TAG: "+remove"}.get(self.chain.verbs[0], "")
        return self.key(self.chain.item) + suffix

    def row(self) -> Row:
        """The newest row of the chain's item."""
        found: Row = self.rows()[self.row_key()]
        return found


@dataclass(frozen=True)
class Closing:
    """How a gate is closed and opened; ``says`` names it and how to open it. ``early``: only before the dag run."""

    close: Callable[[Gated], object]
    open: Callable[[Gated], object]
    says: tuple[str, ...]
    early: bool = False


READ_ONLY = "connection pro2 is read-only; set its extra field read_only to false to allow repairs"


def connections(evening: Gated, read_only: bool) -> None:
    evening.read_only.clear()
    if read_only:
        evening.read_only.update(dict.fromkeys(Verb, READ_ONLY))


def switch(evening: Gated, stage: Stage) -> None:
    evening.ledger().set_switch("playhouse", stage, "kim", "odd mails")


def outage(evening: Gated, state: OutageState) -> None:
    now = evening.clock.now()
    ended = state is not OutageState.OPEN
    one = Outage(
        id="again", organization="playhouse", service=Service.SENDING, state=state, generation=2,
        start=now - timedelta(minutes=1), end=now if ended else None,
    )  # fmt: skip
    evening.ledger().replace_outages("playhouse", [one], "a test")


def somebody_is_asked_for_its_audience(evening: Gated) -> None:
    """j-import makes the audience of campaign 103, and its repair waits for the person who presses it."""
    evening.changes = {"manual": frozenset({Verb.REPEAT_IMPORT})}
    before, evening.before = evening.before, lambda step: None
    evening.dag_run("manual__feed", only=(evening.key(IMPORT),))
    evening.before, evening.changes = before, {}


def its_audience_is_there(evening: Gated) -> None:
    evening.sandbox.call("POST", "/sandbox/people", json={"does": "repeat_import", "item": "j-import"})
    account, plan, step = next(one for one in evening.played if one[2].verb is Verb.REPEAT_IMPORT)
    answer_manual(account, plan, step.action_id, step.verb, ManualAnswer.DONE, "Ada")
    evening.clock.sleep(120)
    evening.dag_run("manual__feed_again", only=(evening.key(IMPORT),))


def the_guard_dies(evening: Gated) -> None:
    evening.guard_is_away = True
    evening.clock.at += timedelta(seconds=evening.site.policy.guard_heartbeat_seconds + 1)


def the_guard_is_back(evening: Gated) -> None:
    evening.guard_is_away = False
    evening.clock.sleep(60)


CLOSINGS: dict[Gate, Closing] = {
    Gate.PLAN_ONLY: Closing(
        lambda evening: setattr(evening.witness, "away", True),
        lambda evening: setattr(evening.witness, "away", False),
        ("witness of the test cannot be read", "plans only"),
    ),
    Gate.READ_ONLY: Closing(
        lambda evening: connections(evening, True),
        lambda evening: connections(evening, False),
        ("connection pro2 is read-only", "set its extra field read_only to false"),
    ),
    Gate.KILL_SWITCH: Closing(
        lambda evening: switch(evening, Stage.EVERYTHING),
        lambda evening: switch(evening, Stage.OFF),
        ("kill switch is on (kim: odd mails)", "switch it off to go on"),
    ),
    Gate.HOLD: Closing(
        lambda evening: evening.ledger().hold("playhouse", evening.key(evening.chain.item), "kim", "mine"),
        lambda evening: evening.ledger().end_hold("playhouse", evening.key(evening.chain.item)),
        ("kim does this one by hand (mine)", "end the hold"),
    ),
    Gate.OUTAGE: Closing(
        lambda evening: outage(evening, OutageState.OPEN),
        lambda evening: outage(evening, OutageState.SETTLED),
        ("sending is down again, since Thu 19 Nov", "CST (outage again)", "when detect_outages has seen it settled"),
    ),
    Gate.LIMIT: Closing(
        lambda evening: evening.with_policy(max_actions=0),
        lambda evening: evening.with_policy(max_actions=20),
        ("over the limit of this dag run (max_actions: 0)", "the next one takes it"),
        early=True,
    ),
    Gate.FEED: Closing(
        somebody_is_asked_for_its_audience,
        its_audience_is_there,
        ("the repair of job j-import", "reconcile again when it is confirmed"),
    ),
    Gate.HEALTH: Closing(
        lambda evening: setattr(evening, "health", "closed"),
        lambda evening: setattr(evening, "health", "open"),
        ("an account hold?", "Ask the vendor, then reconcile again"),
        early=True,
    ),
    Gate.GUARD_SILENT: Closing(
        the_guard_dies, the_guard_is_back, ("guard_repairs last passed", "unpause it and wait for one pass")
    ),
    Gate.SENDING_HOURS: Closing(
        lambda evening: evening.with_policy(sending_hours=("23:30", "24:00")),
        lambda evening: evening.with_policy(sending_hours=("00:00", "24:00")),
        ("is outside the sending hours 23:30 to 24:00", "it goes on Thu 19 Nov 23:30 CST"),
        early=True,
    ),
    Gate.GUARD_BEHIND: Closing(
        lambda evening: setattr(evening, "guard_is_away", True),
        the_guard_is_back,
        ("the original was stopped", "unpause it"),
    ),
}  # fmt: skip
"""Every gate. ``GUARD_BEHIND`` becomes ``GUARD_SILENT`` when nobody opens it, so both may be named."""
