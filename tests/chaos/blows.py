"""How an actor of the crash matrix hits itself: at one boundary of one step, from outside of the product."""

from __future__ import annotations

import os
import select
from dataclasses import dataclass
from typing import Any

from tests.chaos.scenarios import Boundary

from pro2.hooks import punctual
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import Claim, Ledger, State, StepRecord

PATIENCE = 60.0
"""Real seconds that a process of a cell may take before the cell fails."""


@dataclass
class Blow:
    """Where an actor hits itself, and with what; once."""

    boundary: Boundary
    verb: Verb
    with_signal: int
    armed: bool = True

    def at(self, boundary: Boundary, verb: Verb | None = None) -> None:
        if self.armed and boundary is self.boundary and verb in (None, self.verb):
            self.armed = False
            os.kill(os.getpid(), self.with_signal)


class HitLedger:
    """The ledger with the blow around it."""

    def __init__(self, ledger: Ledger, blow: Blow, wire: list[bool]) -> None:
        self._ledger, self._blow, self._wire = ledger, blow, wire

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def _verb(self, step_id: int) -> Verb:
        return self._ledger.step(step_id).verb

    def claim(self, step_id: int, *given: Any, **named: Any) -> Claim | None:
        self._blow.at(Boundary.BEFORE_CLAIM, self._verb(step_id))
        claim = self._ledger.claim(step_id, *given, **named)
        if claim is not None:
            self._blow.at(Boundary.CLAIMED, self._verb(step_id))
        return claim

    def intend(self, claim: Claim, **named: Any) -> StepRecord:
        step = self._ledger.intend(claim, **named)
        self._blow.at(Boundary.INTENDED, step.verb)
        self._wire[:] = [step.verb is self._blow.verb]
        return step

    def move(self, step_id: int, to: State, **named: Any) -> StepRecord:
        verb = self._verb(step_id)
        if to is State.DONE:
            self._blow.at(Boundary.ANSWERED, verb)
        step = self._ledger.move(step_id, to, **named)
        if to is State.DONE:
            self._blow.at(Boundary.RECORDED, verb)
        return step


def hit_the_wire(blow: Blow, wire: list[bool]) -> None:
    """Die with the socket open and nothing said, or when the answer has begun to arrive and is not read."""
    for kind in (punctual._Connection, punctual._SecureConnection):
        connect, getresponse = kind.connect, kind.getresponse

        def connected(self: Any, connect: Any = connect) -> None:
            connect(self)
            if any(wire):
                blow.at(Boundary.CONNECTED)

        def answering(self: Any, getresponse: Any = getresponse) -> Any:
            if any(wire) and blow.boundary is Boundary.LEFT:
                select.select([self.sock], [], [], PATIENCE)
                blow.at(Boundary.LEFT)
            return getresponse(self)

        kind.connect, kind.getresponse = connected, answering  # type: ignore[method-assign]
