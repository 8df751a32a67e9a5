"""Misbehaviour by rule: a request that matches a fault is refused, lost, or answered with nonsense.

The kinds say what became of the request's effect, because that is what a client must find out:

=============== ====================== ==========================================================
kind            effect                 the client sees
=============== ====================== ==========================================================
refuse          none                   :class:`Refused` in process; over a socket a closed connection
timeout_before  none                   a connection that closes without an answer
timeout_after   happened               the same
error_after     happened               500
html            happened               200 with HTML
truncated       happened               200 with half of the JSON
429, 403        none                   the status (429 with Retry-After)
=============== ====================== ==========================================================
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from pro2_sandbox.part import Part

Kind = Literal["refuse", "timeout_before", "timeout_after", "error_after", "html", "truncated", "429", "403"]


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
    match: Match = Match()
    kind: Kind
    times: int = Field(default=1, gt=0)
    skip: int = Field(default=0, ge=0)


class Faults:
    """The faults that are still to happen; the first that matches is used up by one."""

    def __init__(self) -> None:
        self._left: list[list[int]] = []
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)
        self._left.append([fault.skip, fault.times])

    def clear(self) -> None:
        self._faults.clear()
        self._left.clear()

    def listed(self) -> list[dict[str, object]]:
        return [
            fault.model_dump() | {"times": left, "skip": skip}
            for fault, (skip, left) in zip(self._faults, self._left, strict=True)
            if left
        ]

    def take(self, method: str, path: str, action: str | None) -> Kind | None:
        for fault, left in zip(self._faults, self._left, strict=True):
            if not left[1] or not _fits(fault.match, method, path, action):
                continue
            if left[0]:
                left[0] -= 1
                continue
            left[1] -= 1
            return fault.kind
        return None


def _fits(match: Match, method: str, path: str, action: str | None) -> bool:
    return (
        (match.method is None or match.method.upper() == method)
        and (match.path_regex is None or re.search(match.path_regex, path) is not None)
        and (match.action is None or match.action == action)
    )
