"""Every gate before every request: what is closed lets nothing through, and opened it goes on, once.

The gates are ``gates.GATES``, the requests those of every chain of ``closing.CHAINS``. ``CHAOS=long`` plays each cell
of the product; the short form plays one for each gate and one for each request. The gate closes right before the step
(or before the dag run, where it is only read then). Where the table says that the gate stands before the step, no
request leaves, and the task's log and the report name the gate and how to open it; where it does not, the step is
done. Then the gate is opened, and the next dag run, or the cleared task, does what is left, once. The oracle is the
sandbox.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.chaos.closing import CHAINS, CLOSINGS, RESEND, Chain, Gated, switch
from tests.chaos.faulty import CAMPAIGN, IMPORT, MUTATIONS

from pro2_reconciliation.domain.words import Reach, Verb
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.repair.clearing import ClearedStep
from pro2_reconciliation.repair.gate_page import markdown
from pro2_reconciliation.repair.gates import GATES, Gate
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.repair.step_result import GATED

LONG = os.environ.get("CHAOS") == "long"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "gates.md"
RULES = {rule.gate: rule for rule in GATES}


@dataclass(frozen=True)
class Cell:
    """``gate`` closes before the step ``when`` of the chain."""

    gate: Gate
    chain: Chain
    when: Verb

    def __str__(self) -> str:
        return f"{self.gate.value}, {self.chain}, {self.when.value}"

    @property
    def done(self) -> tuple[Verb, ...]:
        """The verbs that are still done: those before the first at which the gate stands."""
        verbs = self.chain.verbs
        place = 0 if CLOSINGS[self.gate].early else verbs.index(self.when)
        kept = [verb for verb in verbs[place:] if self.stands_before(verb)]
        return verbs[: verbs.index(kept[0])] if kept else verbs

    @property
    def held(self) -> Verb | None:
        """The first verb that is not done."""
        left = self.chain.verbs[len(self.done) :]
        return left[0] if left else None

    def stands_before(self, verb: Verb) -> bool:
        return RULES[self.gate].stands_before(verb, Reach.DATA if self.chain.harmless else Reach.INBOX)


def not_a_cell(gate: Gate, chain: Chain, when: Verb) -> str:
    """Why there is nothing to play; else empty."""
    if CLOSINGS[gate].early and when is not chain.verbs[0]:
        return "it is read when a dag run begins"
    if gate is Gate.OUTAGE and chain.name == "hold back":
        return "it lets a hold back through, which has a test of its own"
    if chain.harmless and not RULES[gate].if_inbox:
        return "it does not ask what the job may do"
    if gate is Gate.FEED and chain.item != CAMPAIGN:
        return "only campaigns have an audience that a job makes"
    if gate is Gate.HEALTH and chain.item == CAMPAIGN:
        return (
            "a plan whose health is closed offers nothing (C14); what goes on under it has a test of its own"
        )
    if gate is Gate.GUARD_BEHIND and (when is not chain.verbs[0] or len(chain.verbs) == 1):
        return "the guard is behind only if it stops before something is stopped"
    return ""


CELLS = [
    Cell(gate, chain, when)
    for gate in Gate
    for chain in CHAINS
    for when in chain.verbs
    if not not_a_cell(gate, chain, when)
]


NEXT, CLEARED = "the next dag run", "the cleared tasks"
"""Whoever clears the tasks of a dag run has the plan and the policy of its beginning: no gate that is early there."""


def some(cells: Sequence[Cell]) -> list[Cell]:
    """Of each gate a cell in which it holds a request, whichever had the fewest so far; then the requests left out."""
    found: list[Cell] = []
    for gate in Gate:
        holding = [cell for cell in cells if cell.gate is gate and cell.held is not None]
        found.append(min(holding, key=lambda cell: sum(cell.held is one.held for one in found)))
    for verb in Verb:
        if verb not in {cell.held for cell in found}:
            found.append(next(cell for cell in cells if cell.held is verb))
    return found


OPENED = [
    (cell, again)
    for cell in (CELLS if LONG else some(CELLS))
    for again in (NEXT, CLEARED)
    if again == NEXT or not CLOSINGS[cell.gate].early
]


def closed_evening(folder: Path, cell: Cell) -> Gated:
    """The first dag run of a cell, with its gate closed at its place."""
    evening, closing = Gated(folder, cell.chain), CLOSINGS[cell.gate]
    if cell.gate is Gate.FEED:
        evening.feeding("j-import", "103")
    evening.prepare()
    closed = [closing.close(evening)] if closing.early else []

    def close(step: ClearedStep) -> None:
        if step.verb is cell.when and not closed:
            closed.append(closing.close(evening))

    evening.before = close
    evening.results.clear()
    evening.go("outage__1__g1")
    evening.before = lambda step: None
    assert closed, "the evening never came to this step"
    return evening


@pytest.mark.parametrize(("cell", "again"), OPENED, ids=str)
def test_what_is_closed_lets_nothing_through_and_opened_it_goes_on(
    tmp_path: Path, cell: Cell, again: str
) -> None:
    evening = closed_evening(tmp_path, cell)

    assert tuple(evening.acted()) == cell.done
    row = evening.row()
    if cell.done == cell.chain.verbs:
        assert row.outcome is End.VERIFIED, row.detail
    else:
        assert row.outcome is End.NOT_NOW, row.detail
        logs = [one.why for one in evening.results if one.state == GATED][:1]
        assert logs or cell.gate is Gate.LIMIT, "the log of clear says it"
        for told in (row.detail, *logs):
            assert all(words in told for words in CLOSINGS[cell.gate].says), told

    CLOSINGS[cell.gate].open(evening)
    if again == CLEARED:
        evening.again()
    elif row.outcome is End.NOT_NOW:
        evening.go("manual__2")

    assert tuple(evening.acted()) == cell.chain.verbs
    assert evening.doubled() == {}
    truth = evening.truth()
    assert truth["mailed_twice"] == []
    if cell.chain is RESEND:
        assert "103" not in [one["item"] for one in truth["missing"]]


class TestWhatIsNoCell:
    def test_a_hold_back_stops_although_the_outage_is_open_again(self, tmp_path: Path) -> None:
        """It can only prevent mail, and nothing of ours follows it."""
        chain = next(one for one in CHAINS if one.name == "hold back")
        evening = closed_evening(tmp_path, Cell(Gate.OUTAGE, chain, Verb.STOP_CAMPAIGN))
        assert evening.acted() == [Verb.STOP_CAMPAIGN]
        assert evening.row().outcome is End.VERIFIED

    def test_a_resend_that_goes_on_while_the_account_hangs_is_held(self, tmp_path: Path) -> None:
        evening = closed_evening(tmp_path, Cell(Gate.KILL_SWITCH, RESEND, Verb.SEND_CAMPAIGN))
        switch(evening, Stage.OFF)
        CLOSINGS[Gate.HEALTH].close(evening)
        evening.go("manual__2")
        assert evening.acted() == [Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN]
        assert (evening.row().rule, evening.row().outcome) == ("C0", End.NOT_NOW)
        for told in (evening.row().detail, evening.results[-1].why):
            assert all(words in told for words in CLOSINGS[Gate.HEALTH].says)

        CLOSINGS[Gate.HEALTH].open(evening)
        evening.go("manual__3")
        assert tuple(evening.acted()) == RESEND.verbs
        assert evening.doubled() == {}

    @pytest.mark.parametrize("stage", [Stage.SCHEDULES, Stage.OFF])
    def test_the_first_stage_of_the_kill_switch_holds_no_step(self, tmp_path: Path, stage: Stage) -> None:
        evening = Gated(tmp_path)
        switch(evening, stage)
        evening.go("manual__1")
        assert evening.row().outcome is End.VERIFIED


class TestTheLimits:
    def test_what_is_over_the_limit_is_not_even_stopped(self, tmp_path: Path) -> None:
        evening = Gated(tmp_path)
        evening.with_policy(max_sends=0)
        evening.dag_run("manual__1", only=(CAMPAIGN, evening.key(IMPORT)))
        rows = evening.rows()
        assert rows[CAMPAIGN].outcome is End.NOT_NOW
        assert "over the limit of this dag run (max_sends: 0)" in rows[CAMPAIGN].detail
        assert rows[evening.key(IMPORT)].outcome is End.VERIFIED, "no send counts it"
        assert "campaign_stopped" not in {effect["kind"] for effect in evening.effects()}

    def test_clearing_the_same_plan_again_gives_no_further_room(self, tmp_path: Path) -> None:
        """Who is put on hold after his send has had his place all the same."""
        evening = Gated(tmp_path)
        evening.with_policy(max_actions=1)
        keys = (CAMPAIGN, evening.key(IMPORT))
        plan = evening.dag_run("manual__1", only=keys)
        first, other = sorted(keys, key=lambda key: evening.rows()[key].outcome is not End.VERIFIED)
        assert [evening.rows()[key].outcome for key in (first, other)] == [End.VERIFIED, End.NOT_NOW]

        evening.ledger().hold("playhouse", first, "kim", "mine")
        cleared = evening.clear(plan)
        assert cleared.steps == ()
        assert "end the hold" in cleared.not_now[first]
        assert "over the limit" in cleared.not_now[other]


def test_every_gate_is_played_or_says_why_not() -> None:
    assert [rule.gate for rule in GATES] == list(Gate)
    assert set(CLOSINGS) == set(Gate)
    assert {verb for chain in CHAINS for verb in chain.verbs} == set(Verb) == set(MUTATIONS)
    for gate in Gate:
        assert any(cell.gate is gate and cell.done != cell.chain.verbs for cell in CELLS), gate


def test_the_page_is_the_table_in_use() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "run: python -m pro2_reconciliation.repair.gate_page > docs/gates.md"
    )
