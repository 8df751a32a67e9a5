"""A ledger in a file of its own, a clock that stands still until it is told, and one action to play with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger import ActionKey, ActionRecord, Ledger, State, StepRecord


class StandingClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 21, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


RESEND_VERBS = (Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(new_ledger: Path, url: str, clock: StandingClock) -> Iterator[Ledger]:
    copyfile(new_ledger, url.removeprefix("sqlite:///"))
    opened = Ledger.open(url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def register(ledger: Ledger) -> Callable[..., ActionRecord]:
    """Register the resend of campaign 103, or something that differs from it in what is given."""

    def _register(
        root: str = "campaign:103",
        remedy: Remedy = Remedy.RESEND,
        generation: int = 1,
        verbs: Sequence[Verb] = RESEND_VERBS,
        organization: str = "playhouse",
        **changes: Any,
    ) -> ActionRecord:
        given: dict[str, Any] = {
            "kind": "campaign",
            "item_id": root.partition(":")[2],
            "name": "Opening night",
            "fingerprint": "f1",
            "plan_hash": "p1",
            "to": State.CLEARED,
            "who": "clear",
            "why": "chosen by Ada",
        }
        key = ActionKey(organization, root, remedy, generation)
        return ledger.register(key, verbs=verbs, **(given | changes))

    return _register


@pytest.fixture
def stop(register: Callable[..., ActionRecord]) -> StepRecord:
    """The first step, cleared, of an action that is just a stop."""
    return register(remedy=Remedy.HOLD_BACK, verbs=(Verb.STOP_CAMPAIGN,)).steps[0]


@pytest.fixture
def drive(ledger: Ledger) -> Callable[..., StepRecord]:
    """Take a step through the given states, with the claim and intent that belong to it."""

    def _drive(step: StepRecord, *states: State, remote_id: str | None = None) -> StepRecord:
        claim = ledger.claim(step.id, "driver", 60)
        assert claim is not None
        fingerprint = ledger.action(step.action_id).fingerprint  # type: ignore[union-attr]
        if states and states[0] is not State.STALE:
            ledger.intend(claim, fingerprint=fingerprint)
        for state in states:
            held = ledger.step(step.id).state in (State.CLAIMED, State.INTENDED, State.AMBIGUOUS)
            ledger.move(
                step.id, state, who="driver", why="test", claim=claim if held else None, remote_id=remote_id
            )
        ledger.release(claim)
        return ledger.step(step.id)

    return _drive
