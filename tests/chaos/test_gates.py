"""Every gate before every verb that it is for: what is closed lets nothing through, and opened it goes on.

``GATES`` is the table. Each gate closes before the first step of a dag run and right before each step that it is for
(between stop and copy, copy and send). The oracle is the sandbox: nothing of the closed verb left, and once the gate
is open the next dag run, or the cleared task, does what is left once: nothing doubled, nobody mailed twice, nothing
missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.faulty import CAMPAIGN, IMPORT, MUTATIONS, Faulty

from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.repair.actions import SENDING_VERBS
from pro2_reconciliation.repair.clearing import ClearedStep
from pro2_reconciliation.repair.gates import Gate
from pro2_reconciliation.repair.manual import ManualAnswer, answer_manual
from pro2_reconciliation.repair.report import End, Row

ANY_VERB = frozenset(Verb)
TO_A_COPY = frozenset({Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN})
OF_A_CAMPAIGN = (Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN)


class Gated(Faulty):
    """The evening of ``faulty.yaml``, with somebody who acts right before a step."""

    def __init__(self, folder: Path) -> None:
        self.read_only: dict[Verb, str] = {}
        self.changes: dict[str, Any] = {}
        self.guard_is_away = False
        self.before: Callable[[ClearedStep], object] = lambda step: None
        self.played: list[tuple[Any, Any, ClearedStep]] = []
        super().__init__(folder)

    def account(self, owner: str = "test", **changes: Any) -> Any:
        return super().account(owner, **{"read_only": self.read_only, **self.changes, **changes})

    def step(self, account: Any, plan: Any, step: ClearedStep) -> None:
        self.before(step)
        self.played.append((account, plan, step))
        super().step(account, plan, step)

    def guarded(self) -> None:
        if not self.guard_is_away:
            super().guarded()

    def with_policy(self, **changed: Any) -> None:
        self.site = self.site.model_copy(update={"policy": self.site.policy.model_copy(update=changed)})

    def left(self, verbs: frozenset[Verb] = ANY_VERB) -> list[str]:
        """The kinds of our effects that are of these verbs."""
        kinds = {MUTATIONS[verb].effect for verb in verbs}
        return [effect["kind"] for effect in self.effects() if effect["kind"] in kinds]

    def row(self, key: str) -> Row:
        found: Row = self.rows()[key]
        return found


@dataclass(frozen=True)
class Closing:
    """How a gate is closed and opened; ``says`` names it and how to open it, in the report."""

    verbs: frozenset[Verb]
    close: Callable[[Gated, str], object]
    open: Callable[[Gated, str], object]
    says: tuple[str, ...]


def no_witness(evening: Gated, away: bool, key: str) -> None:
    evening.witness.away = away


def connections(evening: Gated, read_only: bool, key: str) -> None:
    sentence = "connection pro2 is read-only; set its extra field read_only to false to allow repairs"
    evening.read_only.clear()
    if read_only:
        evening.read_only.update(dict.fromkeys(Verb, sentence))


def switch(evening: Gated, stage: Stage, key: str) -> None:
    evening.ledger().set_switch("playhouse", stage, "kim", "odd mails")


def take_over(evening: Gated, key: str) -> None:
    evening.ledger().hold("playhouse", key, "kim", "mine")


def give_back(evening: Gated, key: str) -> None:
    evening.ledger().end_hold("playhouse", key)


def somebody_is_asked_for_its_audience(evening: Gated, key: str) -> None:
    """j-import makes the audience of campaign 103, and its repair waits for the person who presses it."""
    evening.changes = {"manual": frozenset({Verb.REPEAT_IMPORT})}
    before, evening.before = evening.before, lambda step: None
    evening.dag_run("manual__feed", only=(evening.key(IMPORT),))
    evening.before, evening.changes = before, {}


def its_audience_is_there(evening: Gated, key: str) -> None:
    evening.sandbox.call("POST", "/sandbox/people", json={"does": "repeat_import", "item": "j-import"})
    account, plan, step = next(one for one in evening.played if one[2].verb is Verb.REPEAT_IMPORT)
    answer_manual(account, plan, step.action_id, step.verb, ManualAnswer.DONE, "Ada")
    evening.clock.sleep(120)
    evening.dag_run("manual__feed_again", only=(evening.key(IMPORT),))


def the_guard_dies(evening: Gated, key: str) -> None:
    evening.guard_is_away = True
    evening.clock.at += timedelta(seconds=evening.site.policy.guard_heartbeat_seconds + 1)


def the_guard_is_back(evening: Gated, key: str) -> None:
    evening.guard_is_away = False
    evening.clock.sleep(60)


def hours(evening: Gated, start: str, key: str) -> None:
    evening.with_policy(sending_hours=(start, "24:00"))


GATES: dict[Gate, Closing] = {
    Gate.PLAN_ONLY: Closing(
        ANY_VERB,
        lambda evening, key: no_witness(evening, True, key),
        lambda evening, key: no_witness(evening, False, key),
        ("witness of the test cannot be read",),
    ),
    Gate.READ_ONLY: Closing(
        ANY_VERB,
        lambda evening, key: connections(evening, True, key),
        lambda evening, key: connections(evening, False, key),
        ("connection pro2 is read-only", "set its extra field read_only to false"),
    ),
    Gate.KILL_SWITCH: Closing(
        ANY_VERB,
        lambda evening, key: switch(evening, Stage.EVERYTHING, key),
        lambda evening, key: switch(evening, Stage.OFF, key),
        ("kill switch is on (kim: odd mails)", "switch it off to go on"),
    ),
    Gate.HOLD: Closing(ANY_VERB, take_over, give_back, ("kim does this one by hand (mine)", "end the hold")),
    Gate.FEED: Closing(
        TO_A_COPY,
        somebody_is_asked_for_its_audience,
        its_audience_is_there,
        ("the repair of job j-import", "reconcile again when it is confirmed"),
    ),
    Gate.GUARD_SILENT: Closing(
        SENDING_VERBS, the_guard_dies, the_guard_is_back, ("guard_repairs last passed", "unpause it")
    ),
    Gate.SENDING_HOURS: Closing(
        SENDING_VERBS,
        lambda evening, key: hours(evening, "23:30", key),
        lambda evening, key: hours(evening, "00:00", key),
        ("is outside the sending hours 23:30 to 24:00", "it goes on at 23:30"),
    ),
    Gate.GUARD_BEHIND: Closing(
        frozenset({Verb.SEND_CAMPAIGN}),
        lambda evening, key: setattr(evening, "guard_is_away", True),
        the_guard_is_back,
        ("the original was stopped", "unpause it"),
    ),
}
"""The gates as a table. ``GUARD_BEHIND`` becomes ``GUARD_SILENT`` when nobody opens it, so both may be named."""


NOT_HERE = {
    Gate.HEALTH: "a plan whose health is closed offers no resend; only an action that goes on under it (C0) meets this",
}
"""Gates without a row, and why."""


def closed_before(evening: Gated, gate: Gate, when: Verb) -> None:
    """Play the evening's dag run; the gate closes right before the step ``when``."""
    closed: list[bool] = []

    def close(step: ClearedStep) -> None:
        if step.verb is when and step.item_key == CAMPAIGN and not closed:
            closed.append(True)
            GATES[gate].close(evening, CAMPAIGN)

    if gate is Gate.SENDING_HOURS:  # a policy is read when a task begins
        closed.append(True)
        GATES[gate].close(evening, CAMPAIGN)
    evening.before = close
    evening.run(CAMPAIGN)
    evening.before = lambda step: None
    assert closed


def next_dag_run(evening: Gated) -> None:
    evening.dag_run("manual__2", only=(CAMPAIGN,))


def cleared_tasks(evening: Gated) -> None:
    """As Airflow's Clear does: the very steps of the first dag run once more."""
    for account, plan, step in [one for one in evening.played if one[2].item_key == CAMPAIGN]:
        evening.step(account, plan, step)


AGAIN = {"the next dag run": next_dag_run, "the cleared tasks": cleared_tasks}
CELLS = [
    (gate, when, again)
    for gate, closing in GATES.items()
    for when in OF_A_CAMPAIGN
    if gate not in (Gate.GUARD_BEHIND, Gate.SENDING_HOURS) or when is Verb.STOP_CAMPAIGN
    for again in AGAIN
    if gate is not Gate.SENDING_HOURS or again == "the next dag run"
]


@pytest.mark.parametrize(("gate", "when", "again"), CELLS, ids=str)
def test_a_closed_gate_lets_nothing_through_and_opened_it_goes_on(
    tmp_path: Path, gate: Gate, when: Verb, again: str
) -> None:
    evening, closing = Gated(tmp_path), GATES[gate]
    if gate is Gate.FEED:
        evening.site = evening.site.model_copy(
            update={
                "jobs": tuple(
                    job.model_copy(update={"feeds": ("103",)}) if job.id == "j-import" else job
                    for job in evening.site.jobs
                )
            }
        )
    closed_before(evening, gate, when)

    later = OF_A_CAMPAIGN[OF_A_CAMPAIGN.index(when) :]
    kept = closing.verbs & set(later)
    assert evening.left(frozenset(kept)) == []
    row = evening.row(CAMPAIGN)
    assert row.outcome is End.NOT_NOW, row.detail
    for words in closing.says:
        assert words in row.detail

    closing.open(evening, CAMPAIGN)
    AGAIN[again](evening)

    assert evening.left(frozenset(OF_A_CAMPAIGN)) == ["campaign_stopped", "campaign_copied", "campaign_sent"]
    truth = evening.truth()
    assert truth["mailed_twice"] == []
    assert "103" not in [one["item"] for one in truth["missing"]]


def test_every_gate_is_in_the_table() -> None:
    assert set(GATES) | set(NOT_HERE) == set(Gate)
    assert not set(GATES) & set(NOT_HERE)
