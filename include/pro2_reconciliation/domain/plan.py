"""Decisions, and the frozen Plan that is explained in mode ``plan`` and carried out in ``ask`` and ``auto``."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.restriction import NotLookedAt, Restriction
from pro2_reconciliation.domain.words import Choice, ItemKind, Reach, Remedy, Service

ANSWER_WITHIN = timedelta(hours=12)
"""So long a question waits for its person; then nothing is chosen, and it is asked again."""


class Fingerprint(Value):
    """What a person was shown; if any of it differs when a step is due, the step is STALE and nothing is sent."""

    subject: str | None = None
    lists: tuple[str, ...] | None = None
    segment_id: str | None = None
    messages: tuple[str, ...] | None = None
    audience: int | None = None
    remedy: str = ""

    @property
    def digest(self) -> str:
        return _digest(self.model_dump(mode="json"))


class Decision(Value):
    """One item, the rule that decided, what it proposes and why.

    ``rule`` is the id that decided, ``via`` the further rules on the way ("R10" via "R10a", "R12").
    ``choices`` is empty where nobody is asked. ``root`` keys the ledger: lineage root or occurrence.
    ``fresh_since``: what it compares with must be younger. ``audience`` is a number of patrons. ``steps`` are
    instructions for a person, each starting with a verb.
    """

    kind: ItemKind
    item_id: str
    name: str
    root: str
    rule: str
    via: tuple[str, ...] = ()
    remedy: Remedy
    reach: Reach = Reach.DATA
    reason: str
    choices: tuple[Choice, ...] = ()
    steps: tuple[str, ...] = ()
    audience: int | None = None
    due: UtcTime | None = None
    send_by: UtcTime | None = None
    feeds: tuple[str, ...] = ()
    stop_first: bool = False
    covers: tuple[str, ...] = ()
    tag: str | None = None
    fresh_since: UtcTime | None = None
    fingerprint: Fingerprint = Fingerprint()
    observation: Observation | None = None

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.item_id}"

    @property
    def asks(self) -> bool:
        return bool(self.choices)


class Window(Value):
    """A half-open span [start, end) in UTC, with where it comes from ("outage 3f2a", "nightly", "form")."""

    start: UtcTime
    end: UtcTime
    source: str = ""
    outage_ids: tuple[str, ...] = ()
    outage_known: bool = False
    services: tuple[Service, ...] = (Service.SENDING, Service.DASHBOARD, Service.TESSITURA)

    @property
    def of_outage(self) -> bool:
        """Whether it is about a known or suspected outage, and not about a night."""
        return self.outage_known or bool(self.outage_ids)

    def __contains__(self, moment: object) -> bool:
        return hasattr(moment, "tzinfo") and self.start <= moment < self.end  # type: ignore[operator]

    def since(self, origin: datetime | None) -> datetime:
        """From when on an item is judged: this start or, where it came from an earlier window, the start of that."""
        return self.start if origin is None else min(self.start, origin)


class Plan(Value):
    """The frozen set of decisions of one reconciliation.

    ``run`` is the dag run that made it: made anew by the same dag run from the same world it has the same hash, so
    an answer is never needed twice; another dag run asks again. ``restriction``: how its form narrowed that dag run;
    ``not_looked_at``: what the window touched and it left out. ``asked_until``: when its question ends, None if nobody
    is asked about it. ``origins``: as those of the inventory.
    """

    organization: str
    zone: str
    window: Window
    created_at: UtcTime
    ledger_uuid: str
    ledger_epoch: int
    run: str = ""
    parent: str | None = None
    health: str = "unproven"
    floor_id: str = "0"
    origins: dict[str, UtcTime] = Field(default_factory=dict)
    restriction: Restriction = Restriction()
    not_looked_at: tuple[NotLookedAt, ...] = ()
    asked_until: UtcTime | None = None
    decisions: tuple[Decision, ...]

    @property
    def hash(self) -> str:
        """16 hex digits over what is decided and what was shown; the time of making it is not in it."""
        return _digest(
            {
                "organization": self.organization,
                "window": self.window.model_dump(mode="json"),
                "run": self.run,
                "ledger": [self.ledger_uuid, self.ledger_epoch],
                "decisions": [
                    decision.model_dump(mode="json", exclude={"observation"}) for decision in self.decisions
                ],
                # only where there is one, so that every other plan keeps its hash
                **({"restriction": self.restriction.model_dump(mode="json")} if self.restriction else {}),
            }
        )

    @property
    def id(self) -> str:
        return f"plan-{self.hash}"

    def decision(self, key: str) -> Decision | None:
        return next((decision for decision in self.decisions if decision.key == key), None)

    def since(self, key: str) -> datetime:
        """From when on the item of this key is judged (:meth:`Window.since`)."""
        return self.window.since(self.origins.get(key))


def _digest(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
