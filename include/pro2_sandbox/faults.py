"""Everything that the sandbox can get wrong on purpose, as one table of kinds.

:data:`KINDS` is the whole vocabulary; tests (``world.faults.add``), incidents (``faults:``) and people (POST
``/sandbox/faults``) use the same words. A kind hits one of four things (its ``on``): a ``request``, a ``read``, what
a campaign makes of a stop or a send (``stop``, ``send``), or the account, ``at_once``. Of a request it says what
became of its effect, because that is what a client must find out. A rule that makes no sense is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pro2_sandbox.part import Part
from pro2_sandbox.timeshift import Offset

On = Literal["request", "read", "stop", "send", "at_once"]
Effect = Literal["none", "once", "twice", "late"]
Reply = Literal[
    "refused", "dropped", "slow", "error", "html", "half", "too_many", "too_many_date", "forbidden", "usual"
]
Kind = Literal[
    "refuse",
    "timeout_before",
    "timeout_after",
    "late",
    "slow",
    "error_before",
    "error_after",
    "html_before",
    "html",
    "truncated",
    "twice",
    "429",
    "429_date",
    "403",
    "stale",
    "stop_ignored",
    "stop_disables",
    "stop_forgotten",
    "counters_stuck",
    "completes_empty",
    "stays_pending",
    "review",
    "wakes",
    "restore",
]


@dataclass(frozen=True)
class Misbehaviour:
    """``seconds`` is what a fault's ``seconds`` is unless given; None: the kind takes none."""

    on: On
    about: str
    effect: Effect = "once"
    reply: Reply = "usual"
    seconds: float | None = None


KINDS: Mapping[Kind, Misbehaviour] = {
    "refuse": Misbehaviour("request", "the connection is not accepted", "none", "refused"),
    "timeout_before": Misbehaviour("request", "no answer comes", "none", "dropped"),
    "timeout_after": Misbehaviour("request", "no answer comes", "once", "dropped"),
    "late": Misbehaviour("request", "no answer comes; the request lands later", "late", "dropped", 30),
    "slow": Misbehaviour("request", "the answer takes its time", "once", "slow", 30),
    "error_before": Misbehaviour("request", "500, or the status that is given", "none", "error"),
    "error_after": Misbehaviour("request", "500, or the status that is given", "once", "error"),
    "html_before": Misbehaviour("request", "200 with HTML", "none", "html"),
    "html": Misbehaviour("request", "200 with HTML", "once", "html"),
    "truncated": Misbehaviour("request", "200 with half of the JSON", "once", "half"),
    "twice": Misbehaviour("request", "a proxy delivers it twice; the second answer", "twice"),
    "429": Misbehaviour("request", "429, Retry-After in seconds", "none", "too_many", 1),
    "429_date": Misbehaviour("request", "429, Retry-After as a date", "none", "too_many_date", 1),
    "403": Misbehaviour("request", "403", "none", "forbidden"),
    "stale": Misbehaviour("read", "campaigns and runs as they were so long ago", seconds=300),
    "stop_ignored": Misbehaviour("stop", "answered with success, and nothing happens"),
    "stop_disables": Misbehaviour("stop", "a scheduled campaign becomes 6 (disabled), not 4"),
    "stop_forgotten": Misbehaviour("stop", "shows 4, and goes out so long after all the same", seconds=60),
    "counters_stuck": Misbehaviour("send", "mail leaves, and every counter stays as it is"),
    "completes_empty": Misbehaviour("send", "complete at once, and no mail leaves"),
    "stays_pending": Misbehaviour("send", "accepted, and stays scheduled (1)"),
    "review": Misbehaviour("send", "held for review (7) until the fault is cleared"),
    "wakes": Misbehaviour("at_once", "a late original, named by item, goes out, so long from now", seconds=0),
    "restore": Misbehaviour("at_once", "campaigns are as at T0 again; what was mailed stays mailed"),
}
READING_ACTIONS = frozenset({"campaign_list", "campaign_report_totals"})


class ConnectionDropped(ConnectionError):
    """The connection closed without an answer; whether there was an effect, the client cannot know."""


class Refused(ConnectionRefusedError):
    """The connection was never accepted, so nothing can have happened."""


class Match(Part):
    """Which requests a fault is for. Everything given must fit; ``action`` is v1's ``api_action``."""

    method: str | None = None
    path_regex: str | None = None
    action: str | None = None

    @field_validator("path_regex")
    @classmethod
    def _a_regex(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is not a regular expression: {error}") from None
        return value


class Fault(Part):
    """One rule: ``kind``, what it is for (``match`` or ``item``), and how often.

    ``times``: how often; unless given, once for requests and reads, and until it is cleared for stops and sends.
    ``skip``: so many pass first. ``every``: then only each n-th is hit. ``item``: one campaign and its copies; all
    of them unless given. ``seconds``: see the kind. ``at`` is for incidents: from when on.
    """

    kind: Kind
    match: Match = Match()
    item: str | None = Field(default=None, pattern=r"^\d+$")
    times: int | None = Field(default=None, gt=0)
    skip: int = Field(default=0, ge=0)
    every: int = Field(default=1, gt=0)
    seconds: float | None = Field(default=None, ge=0, le=86_400)
    status: int | None = Field(default=None, ge=500, le=599)
    at: Offset = Field(default="0", validate_default=True)

    @property
    def behaviour(self) -> Misbehaviour:
        return KINDS[self.kind]

    @property
    def delay(self) -> float:
        """The seconds that the kind needs."""
        return (self.behaviour.seconds or 0) if self.seconds is None else self.seconds

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        on = self.behaviour.on
        asked = on in ("request", "read")
        for wrong, why in (
            (asked and self.item is not None, "is for requests; write match, not item"),
            (not asked and self.match != Match(), "is for campaigns; write item, not match"),
            (self.seconds is not None and self.behaviour.seconds is None, "takes no seconds; leave them out"),
            (self.status is not None and self.behaviour.reply != "error", "has a status of its own"),
            (self.kind == "wakes" and self.item is None, "needs item, the campaign that goes out"),
            (on == "at_once" and (self.times, self.skip, self.every) != (None, 0, 1), "happens at once"),
        ):
            if wrong:
                raise ValueError(f"{self.kind} {why}")
        return self


@dataclass
class _Rule:
    fault: Fault
    skip: int
    left: int | None
    seen: int = 0

    def hit(self) -> bool:
        """Count one thing that fits, and say whether it is spoiled."""
        if self.skip:
            self.skip -= 1
            return False
        self.seen += 1
        if (self.seen - 1) % self.fault.every:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """The faults that are still to happen; the first that fits is used up by one.

    ``at_once`` carries out the kinds that happen to the account itself.
    """

    def __init__(self, at_once: Callable[[Fault], None] = lambda fault: None) -> None:
        self._rules: list[_Rule] = []
        self._at_once = at_once

    def add(self, fault: Fault) -> None:
        on = fault.behaviour.on
        if on == "at_once":
            self._at_once(fault)
            return
        often = 1 if fault.times is None and on in ("request", "read") else fault.times
        self._rules.append(_Rule(fault, fault.skip, often))

    def clear(self) -> None:
        self._rules.clear()

    def listed(self) -> list[dict[str, object]]:
        """What is still to happen, as it was asked for; ``times`` null: until it is cleared."""
        return [
            rule.fault.model_dump(mode="json", exclude={"at"}) | {"times": rule.left, "skip": rule.skip}
            for rule in self._rules
            if rule.left != 0
        ]

    def take(self, method: str, path: str, action: str | None) -> Fault | None:
        """The fault of one request."""
        reads = method == "GET" or action in READING_ACTIONS
        return self._first(
            lambda fault: (
                fault.behaviour.on in (("request", "read") if reads else ("request",))
                and _fits(fault.match, method, path, action)
            )
        )

    def habit(self, on: Literal["stop", "send"], *campaigns: str) -> Fault | None:
        """What a campaign, known by its own id and its root's, makes of a stop or a send now."""
        return self._first(
            lambda fault: fault.behaviour.on == on and (fault.item is None or fault.item in campaigns)
        )

    def _first(self, fits: Callable[[Fault], bool]) -> Fault | None:
        for rule in self._rules:
            if rule.left != 0 and fits(rule.fault) and rule.hit():
                return rule.fault
        return None


def _fits(match: Match, method: str, path: str, action: str | None) -> bool:
    return (
        (match.method is None or match.method.upper() == method)
        and (match.path_regex is None or re.search(match.path_regex, path) is not None)
        and (match.action is None or match.action == action)
    )
