"""Progress is told in plain words, once."""

from __future__ import annotations

from datetime import UTC, datetime

from pro2_sandbox.demo.progress import Progress
from pro2_sandbox.local.rest import TaskRow


def row(task: str, state: str | None, index: int = -1, second: int = 0) -> TaskRow:
    start = datetime(2026, 11, 24, 1, 0, second, tzinfo=UTC)
    return TaskRow(task, index, state, None, 1, start, None)


def test_a_mapped_task_is_counted_by_state():
    rows = [
        row("watch_campaign", "deferred", 0),
        row("watch_campaign", "deferred", 1),
        row("watch_campaign", "success", 2),
    ]
    assert Progress().news(rows) == "watch_campaign: 2 watching, 1 done"


def test_nothing_is_said_twice():
    progress = Progress()
    assert progress.news([row("ask", "awaiting_input")]) == "ask: waiting for an answer"
    assert progress.news([row("ask", "awaiting_input")]) is None
    assert progress.news([row("ask", "success")]) == "ask: done"


def test_tasks_are_told_in_the_order_in_which_they_began():
    rows = [row("a_later_one", "running", second=2), row("the_first", "success", second=1)]
    assert Progress().news(rows) == "the_first: done; a_later_one: running"


def test_what_is_queued_or_not_needed_is_no_news():
    assert (
        Progress().news([row("send_campaign", "skipped"), row("clear", "queued"), row("report", None)])
        is None
    )
