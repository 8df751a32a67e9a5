"""What is going on in a dag run, in plain words, and only when it changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pro2_sandbox.local.rest import TaskRow

WORDS = {
    "running": "running",
    "deferred": "watching",
    "awaiting_input": "waiting for an answer",
    "success": "done",
    "failed": "FAILED",
    "up_for_retry": "to be tried again",
    "up_for_reschedule": "waiting",
    "upstream_failed": "not reached",
}
"""A state that is not here (queued, scheduled, skipped) is no news."""


def counts(rows: Sequence[TaskRow]) -> dict[str, str]:
    """Task id to words such as ``2 watching, 1 done``; tasks of which there is nothing to say are left out."""
    found: dict[str, Counter[str]] = {}
    order = list(WORDS.values())
    for row in sorted(rows, key=_begun):
        if row.state in WORDS:
            found.setdefault(row.task_id, Counter())[WORDS[row.state]] += 1
    return {task: _words(states, order) for task, states in found.items()}


class Progress:
    """Remembers what was said. ``news`` answers one line, or None when nothing changed."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def news(self, rows: Sequence[TaskRow]) -> str | None:
        now = counts(rows)
        changed = [f"{task}: {words}" for task, words in now.items() if self._said.get(task) != words]
        self._said = now
        return "; ".join(changed) or None


def _begun(row: TaskRow) -> float:
    return row.start.timestamp() if row.start is not None else float("inf")


def _words(states: Counter[str], order: list[str]) -> str:
    if sum(states.values()) == 1:
        return next(iter(states))
    return ", ".join(f"{states[word]} {word}" for word in sorted(states, key=order.index))
