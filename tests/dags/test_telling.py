"""Where the DAGs tell people: at the question, and where a dag run fails before it could say how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pro2.notifier import FailureNotifier, QuestionNotifier

DAGS = Path(__file__).resolve().parents[2] / "dags"


@pytest.fixture(scope="module")
def reconcile() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(DAGS / "reconcile.py", load_op_links=False).dags["reconcile"]


def test_the_question_is_told_of(reconcile: Any) -> None:
    assert [type(one) for one in reconcile.get_task("ask").notifiers] == [QuestionNotifier]


def test_a_dag_run_that_fails_is_told_of_once_by_its_last_task(reconcile: Any) -> None:
    """``report`` runs whatever failed before it, and knows more: it fails where an item has no end."""
    telling = [
        task.task_id
        for task in reconcile.tasks
        if any(isinstance(one, FailureNotifier) for one in task.on_failure_callback or ())
    ]
    assert telling == ["report"]
    assert reconcile.get_task("report").downstream_task_ids == set()


@pytest.mark.parametrize("notifier", [FailureNotifier, QuestionNotifier])
def test_nothing_of_a_message_is_ever_rendered(notifier: Any) -> None:
    assert notifier.template_fields == ()
    assert notifier().render_template_fields({"x": 1}) is None
