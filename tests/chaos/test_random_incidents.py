"""Random evenings by seed, judged by what the sandbox knows. A seed that fails says how to play it again.

60 seeds in the short form; ``CHAOS=long`` plays 2000, ``CHAOS_SEEDS`` any other number and ``CHAOS_FIRST`` begins
elsewhere. ``CHAOS_FIRST=4711 CHAOS_SEEDS=1`` is one seed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import pytest
from tests.chaos.generator import Script, script
from tests.chaos.oracle import Verdict, judge
from tests.chaos.people import People
from tests.chaos.playing import Life, Stage
from tests.incident.harness import PREFERENCE

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice

SEEDS = int(os.environ.get("CHAOS_SEEDS") or ("2000" if os.environ.get("CHAOS") == "long" else "60"))
FIRST = int(os.environ.get("CHAOS_FIRST") or "0")
AT_ONCE = 10
"""Seeds in one test: so few that two workers share them evenly."""
OURS = ("campaign_sent", "run_now", "repeat_import", "import")
"""Effects with which we could do harm."""


def play(folder: Path, told: Script) -> tuple[Stage, Verdict]:
    """The dag runs of a script one after the other; a rival takes place within the first one."""
    stage = Stage(folder, told.incident)
    People(stage, told.acts)
    for fault in told.faults:
        stage.world.faults.add(fault)
    stage.end_outage()
    stage.keep_snapshot()
    if told.rival is not None:
        within(stage, told.rival, lambda: stage.dag_run("chaos__rival", answer=chosen(told)))
    for number, mode in enumerate(told.modes):
        life = Life(set(told.deaths) if not number else set())
        stage.dag_run(f"chaos__{number}", mode, answer=chosen(told), life=life)
        stage.clock.sleep(600)
    return stage, judge(stage)


def within(stage: Stage, request: int, then: Callable[[], object]) -> None:
    """Call ``then`` once before this request of ours, whoever else waits on the wire."""
    before, waiting = stage.wire.before, [request]

    def both(number: int) -> None:
        before(number)
        if waiting and number >= waiting[0]:
            waiting.clear()
            then()

    stage.wire.before = both


def chosen(told: Script) -> Callable[[Plan], Mapping[str, Choice]]:
    """What the person of the question chooses, by the seed and the item alone."""

    def answer(plan: Plan) -> dict[str, Choice]:
        given = {}
        for decision in plan.decisions:
            strongest = next((choice for choice in PREFERENCE if choice in decision.choices), Choice.LEAVE)
            any_one = Random(f"{told.seed} {decision.key}").choice(decision.choices or (Choice.LEAVE,))
            given[decision.key] = {"all": strongest, "some": any_one}.get(told.choose, Choice.LEAVE)
        return {key: choice for key, choice in given.items() if plan.decision(key).asks}  # type: ignore[union-attr]

    return answer


def again(seed: int) -> str:
    return f"CHAOS_FIRST={seed} CHAOS_SEEDS=1 .venv/bin/python -m pytest tests/chaos/test_random_incidents.py -n 0"


@pytest.mark.parametrize("first", range(FIRST, FIRST + SEEDS, AT_ONCE))
def test_random_evenings(tmp_path: Path, first: int, record_property: Callable[[str, object], None]) -> None:
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    for seed in range(first, min(first + AT_ONCE, FIRST + SEEDS)):
        _, verdict = play(tmp_path / f"{seed}", script(seed))
        counts += verdict.counts
        counts["within_a_look"] += len(verdict.within_a_look)
        counts["woke"] += verdict.woke
        if verdict.faults:
            wrong += [f"seed {seed}: {again(seed)}", *(f"    {fault}" for fault in verdict.faults)]
    record_property("counts", dict(counts))
    assert not wrong, "\n".join(wrong)
    assert SEEDS < AT_ONCE or sum(counts[kind] for kind in OURS), (
        "evenings in which we do nothing attack nothing"
    )


def test_a_seed_is_the_same_evening_every_time(tmp_path: Path) -> None:
    for seed in range(FIRST, FIRST + 6):
        one, _ = play(tmp_path / f"{seed}a", script(seed))
        other, _ = play(tmp_path / f"{seed}b", script(seed))

        assert told(one) == told(other)


def told(stage: Stage) -> list[object]:
    """Every request with its owner, and every effect with its time."""
    return [
        *((c.owner, c.request.method, c.request.path) for c in stage.wire.carried),
        *((s.number, s.effect.at, s.effect.kind, s.effect.item, s.effect.by) for s in stage.stamped),
    ]
