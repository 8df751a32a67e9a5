"""Who acted, written and read in one place."""

from __future__ import annotations

import pytest

from pro2_reconciliation.domain.actor import Actor

TASKS = [
    (
        Actor("reconcile", "outage__3f2a__g1", "send_campaign", 2, "worker-1"),
        "reconcile/outage__3f2a__g1/send_campaign[2] on worker-1",
    ),
    (Actor("guard_repairs", "scheduled__2026-11-20T00:05:00+00:00", "guard"), None),
    (Actor("reconcile", "manual__a/b", "clear", 0), "reconcile/manual__a/b/clear[0]"),
]


@pytest.mark.parametrize(("actor", "text"), TASKS)
def test_what_is_written_is_read_again(actor: Actor, text: str | None) -> None:
    assert text is None or str(actor) == text
    assert Actor.parse(str(actor)) == actor


@pytest.mark.parametrize(
    "who", ["Ada", "in process", "guard", "", "Kim / ops", "world", "a/b", "nobody (timeout)"]
)
def test_a_person_is_no_task(who: str) -> None:
    assert Actor.parse(who) is None
