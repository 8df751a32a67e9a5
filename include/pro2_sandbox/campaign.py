"""One campaign as the account holds it: what it shows, whom it is for, and how far a running send has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pro2_sandbox.effects import By, Effect
from pro2_sandbox.incident import CampaignModel, Counters

DRAFT, SCHEDULED, SENDING, PAUSED, STOPPED, COMPLETE, DISABLED, REVIEW = range(8)
NOTHING = Counters()


@dataclass(eq=False)
class Flow:
    """A send under way: from ``base`` patrons at ``start`` up to ``goal`` at ``per_second``, over at ``end``."""

    start: datetime
    base: int
    goal: int
    per_second: float
    end: datetime
    by: By
    effect: Effect

    def reached(self, at: datetime) -> int:
        if at >= self.end:
            return self.goal
        gone = int((at - self.start).total_seconds() * self.per_second)
        return min(self.base + gone, max(self.goal - 1, self.base))


@dataclass(eq=False)
class Campaign:
    """A campaign. ``audience`` are contacts in the order in which they are mailed; ``lineage`` is the root's id."""

    id: int
    name: str
    subject: str
    type: str
    list_id: str
    segment: str
    audience: list[int]
    lineage: str
    status: int
    source: str
    created: datetime
    modified: datetime
    due: datetime | None
    last_sent: datetime | None = None
    series: str = "0"
    counters: Counters = NOTHING
    report: Counters | None = None
    stop: str = "takes"
    stuck: bool = False
    seconds: float = 2.0
    announced: int = 0
    flow: Flow | None = None
    model: CampaignModel | None = None
    delivered: int = field(default=0)

    @property
    def message_id(self) -> int:
        return self.id + 50_000

    @property
    def shown_report(self) -> Counters:
        return self.counters if self.report is None else self.report
