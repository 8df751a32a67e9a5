"""The form of ``reconcile`` as it arrives, checked whole before anything is read.

In: Airflow's params of a dag run, which may come from the form, REST, the command line or another DAG. Airflow checks
types and patterns when it makes the dag run; unknown keys pass it, and so do a day that no month has, an end before the
start and half a window. So everything is checked here once more, strictly: "false" is not false. Fails with
ConfigurationError, one line for each mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.restriction import KINDS, Restriction
from pro2_reconciliation.domain.window_form import parse_window
from pro2_reconciliation.domain.words import Mode

if TYPE_CHECKING:
    from pro2_reconciliation.domain.config import Site

LATEST = "latest"
FIELDS = (
    "organization",
    "outage",
    "from",
    "to",
    "mode",
    "reason",
    "kinds",
    "max_sends",
    "max_actions",
    "leave_alone",
    "confirmed",
)
"""What the form asks, in its order."""
FOLLOW_UP = "follow_up"
"""A plan's hash. Not in the form: ``reconcile`` hands it to the dag run that asks once more."""
MOST_LEFT_ALONE = 100
LONGEST_REASON = 2000
_OUTAGE = re.compile(r"[0-9a-zA-Z_-]{1,40}")
_HASH = re.compile(r"[0-9a-f]{16}")


class RunForm(Value):
    """``window`` is the one that was typed, None where the outage decides; ``confirmed``: "I mean this window"."""

    outage: str = LATEST
    window: Window | None = None
    mode: Mode = Mode.PLAN
    reason: str = ""
    confirmed: bool = False
    restriction: Restriction = Restriction()
    follow_up: str = ""


def read_form(given: Mapping[str, object], site: Site, *, now: datetime) -> RunForm:
    """The form of one dag run of ``site``; ``now`` is aware.

    Raises ConfigurationError with a line for each value that cannot be meant.
    """
    form = _Reader(given)
    form.refuse_unknown()
    organization = form.text("organization")
    if organization and organization != site.organization:
        form.wrong(
            f"organization {_shown(organization)} is not configured here; jobs.yaml is about "
            f"{site.organization!r}. Leave it empty"
        )
    outage = form.text("outage", _OUTAGE, "write latest, or the id of an outage") or LATEST
    follow_up = form.text(FOLLOW_UP, _HASH, "it is the hash of a plan; leave it out")
    restriction = Restriction(
        kinds=form.kinds(),
        max_sends=form.limit("max_sends", site.policy.max_sends),
        max_actions=form.limit("max_actions", site.policy.max_actions),
        leave_alone=form.texts("leave_alone", 'write ids or names, such as ["103", "Gala invitation"]'),
    )
    if len(restriction.leave_alone) > MOST_LEFT_ALONE:
        form.wrong(
            f"leave_alone names {len(restriction.leave_alone)} campaigns; name at most {MOST_LEFT_ALONE}, "
            "or leave campaigns out of kinds"
        )
    confirmed = form.flag("confirmed")
    read = RunForm(
        outage=outage,
        window=form.window(site, now, confirmed, outage) if not follow_up else None,
        mode=form.mode(),
        reason=one_line(form.text("reason"), LONGEST_REASON),
        confirmed=confirmed,
        restriction=restriction,
        follow_up=follow_up,
    )
    if follow_up and restriction:
        form.wrong(
            "follow_up is restricted as the plan is that it follows; leave kinds, max_sends, max_actions and "
            "leave_alone out"
        )
    form.must_be_right()
    return read


class _Reader:
    """Reads one key after the other, and remembers what was wrong."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given
        self._mistakes: list[str] = []

    def wrong(self, sentence: str) -> None:
        self._mistakes.append(sentence)

    def must_be_right(self) -> None:
        if self._mistakes:
            raise ConfigurationError("\n".join(f"form: {sentence}" for sentence in self._mistakes))

    def refuse_unknown(self) -> None:
        for key in self._given:
            if key not in (*FIELDS, FOLLOW_UP):
                near = get_close_matches(key.lower(), FIELDS, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(FIELDS)}"
                self.wrong(f"unknown key {_shown(key)}; {hint}")

    def text(self, key: str, shape: re.Pattern[str] | None = None, hint: str = "") -> str:
        value = self._given.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong(f"{key} {_shown(value)} is not text; {hint or 'write it in quotes'}")
            return ""
        value = value.strip()
        if value and shape is not None and not shape.fullmatch(value):
            self.wrong(f"{key} {_shown(value)} cannot be one; {hint}")
            return ""
        return value

    def texts(self, key: str, hint: str) -> tuple[str, ...]:
        value = self._given.get(key)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            self.wrong(f"{key} {_shown(value)} is not a list; {hint}")
            return ()
        for one in value:
            if not isinstance(one, str):
                self.wrong(f"{key} has {_shown(one)}, which is not text; {hint}")
        found = (one.strip() for one in value if isinstance(one, str))
        return tuple(dict.fromkeys(one for one in found if one))

    def kinds(self) -> tuple[str, ...]:
        known = ", ".join(KINDS)
        chosen = self.texts("kinds", f"choose from {known}")
        for one in chosen:
            if one not in KINDS:
                self.wrong(_not_one_of("kinds", one, KINDS, f"choose from {known}"))
        # all of them is no restriction, and the order is the form's
        return () if set(chosen) >= set(KINDS) else tuple(one for one in KINDS if one in chosen)

    def limit(self, key: str, allowed: int) -> int | None:
        value = self._given.get(key)
        if value is None:
            return None
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not whole:
            self.wrong(
                f"{key} {_shown(value)} is not a whole number; write 0 to {allowed}, or leave it empty"
            )
            return None
        number = int(value)
        if number < 0:
            self.wrong(f"{key} {number} is less than nothing; write 0 to {allowed}, or leave it empty")
        elif number > allowed:
            self.wrong(
                f"{key} {number} is more than the policy allows; write at most {allowed}, or raise {key} in policy.yaml"
            )
        return number

    def flag(self, key: str) -> bool:
        value = self._given.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.wrong(f"{key} {_shown(value)} is not true or false; write it without quotes")
        return False

    def mode(self) -> Mode:
        value = self.text("mode", hint="choose plan, ask or auto") or Mode.PLAN.value
        try:
            return Mode(value)
        except ValueError:
            self.wrong(_not_one_of("mode", value, [one.value for one in Mode], "choose plan, ask or auto"))
            return Mode.PLAN

    def window(self, site: Site, now: datetime, confirmed: bool, outage: str) -> Window | None:
        start, end = self.text("from"), self.text("to")
        if not start and not end:
            return None
        for key, value, other in (("from", start, "to"), ("to", end, "from")):
            if not value:
                if self._given.get(key) in (None, "") or isinstance(self._given.get(key), str):
                    self.wrong(f"{key} is empty and {other} is not; give both, or neither and an outage")
                return None
        if outage != LATEST:
            self.wrong(
                f"outage {outage!r} and a window are both given; write outage latest, or leave from and to empty"
            )
        try:
            return parse_window(
                start,
                end,
                site.zone,
                now=now,
                max_hours=site.policy.max_window_hours,
                confirmed=confirmed,
            )
        except ConfigurationError as error:
            self.wrong(f"from and to: {error}")
            return None


def _not_one_of(key: str, value: str, known: Iterable[str], hint: str) -> str:
    near = get_close_matches(value.lower(), list(known), n=1)
    return f"{key} {_shown(value)} is unknown; {f'did you mean {near[0]!r}?' if near else hint}"


def _shown(value: object) -> str:
    return one_line(repr(value), 80)
