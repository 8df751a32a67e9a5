"""When mail may leave: the next opening and closing of the sending hours, and what a person may choose because of them.

In: the policy, the organization's zone, an aware time. Out: UTC times, None where there is none. Hours are of the
wall clock, so where the clocks change a day has more or fewer of them. Fails with ConfigurationError for a zone nobody
knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from pro2_reconciliation.domain.localtime import after_gap, find_zone, instants
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import Choice

DAYS = 3
"""So many days are looked through: an opening comes back every day, only a change of clocks may swallow one."""


def is_open(policy: Policy, zone: str, now: datetime) -> bool:
    """Whether mail may leave at this moment."""
    return policy.in_sending_hours(now.astimezone(find_zone(zone)))


def opens(policy: Policy, zone: str, now: datetime) -> datetime | None:
    """``now`` while they are open, else when they open next; None if they never do."""
    if is_open(policy, zone, now):
        return now
    starts = _moments(policy.sending_hours[0], zone, now)
    return next((at for at in starts if is_open(policy, zone, at)), None)


def closes(policy: Policy, zone: str, now: datetime) -> datetime | None:
    """When they close next after ``now``; None if they never do."""
    ends = _moments(policy.sending_hours[1], zone, now)
    return next((at for at in ends if not is_open(policy, zone, at)), None)


def with_now(decision: Decision, policy: Policy, zone: str, now: datetime, until: datetime) -> Decision:
    """A decision that waits for the hours, with what may be chosen because of them in a question ``now`` to ``until``.

    "now" is offered where they are closed at some moment of the question. Where they do not open before the campaign's
    ``send_by`` its plain "resend" could never be done, so it is not offered.
    """
    closing = now if not is_open(policy, zone, now) else closes(policy, zone, now)
    if closing is None or closing >= until:
        return decision
    opening = opens(policy, zone, now)
    too_late = opening is None or (decision.send_by is not None and opening >= decision.send_by)
    choices: list[Choice] = []
    for choice in decision.choices:
        if choice.now_form is None or not too_late:
            choices.append(choice)
        if choice.now_form is not None:
            choices.append(choice.now_form)
    return decision.model_copy(update={"choices": tuple(choices)})


def _moments(clock: str, zone: str, now: datetime) -> Iterator[datetime]:
    """Every moment after ``now`` at which the wall clock shows ``clock`` ("24:00" is the end of a day), in order."""
    place = find_zone(zone)
    today = now.astimezone(place).date()
    for number in range(-1, DAYS):
        day = today + timedelta(days=number + (clock == "24:00"))
        wall = datetime.combine(day, time() if clock == "24:00" else time.fromisoformat(clock))
        for at in instants(wall, place) or (after_gap(wall, place),):
            if at > now:
                yield at.astimezone(UTC)
