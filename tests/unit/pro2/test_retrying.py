"""The retry policy: every class of the tree, what Airflow's own task runner makes of it, and every task that has it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from airflow.sdk import RetryAction
from airflow.sdk.execution_time import task_runner

from pro2.retrying import LATER, RETRY_POLICY, RULES, SOON
from pro2_reconciliation.domain import errors

FAIL, RETRY = RetryAction.FAIL, RetryAction.RETRY
DUE: dict[type[Exception], tuple[RetryAction, timedelta | None]] = {
    errors.ReconciliationError: (FAIL, None),
    errors.ConfigurationError: (FAIL, None),
    errors.LedgerError: (FAIL, None),
    errors.LeaseLost: (RETRY, LATER),
    errors.NoLedger: (FAIL, None),
    errors.LedgerUnavailable: (RETRY, SOON),
    errors.StepOpen: (RETRY, LATER),
    errors.RequestError: (FAIL, None),
    errors.NeverSent: (RETRY, SOON),
    errors.ReadOnly: (FAIL, None),
    errors.TooLate: (RETRY, SOON),
    errors.Refused: (RETRY, SOON),
    errors.Rejected: (FAIL, None),
    errors.Ambiguous: (RETRY, LATER),
    errors.Unreadable: (RETRY, SOON),
    errors.NoConsole: (FAIL, None),
}


def tree(root: type[Exception] = errors.ReconciliationError) -> list[type[Exception]]:
    """The classes that ``domain/errors.py`` defines; a subclass elsewhere is what its base is."""
    below = [one for kind in root.__subclasses__() for one in tree(kind)]
    return [one for one in (root, *below) if one.__module__ == errors.__name__]


def decided(error: BaseException) -> tuple[RetryAction, timedelta | None]:
    decision = RETRY_POLICY.evaluate(error, try_number=1, max_tries=2)
    return decision.action, decision.retry_delay


def test_every_class_of_the_tree_was_thought_of() -> None:
    assert set(tree()) == set(DUE)


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_each_class_is_tried_again_after_its_delay_or_fails_at_once(kind: type[Exception]) -> None:
    assert decided(kind("x")) == DUE[kind]


@pytest.mark.parametrize(("asked", "seconds"), [(0, 15), (14, 15), (45, 45), (60, 60)])
def test_a_refusal_is_tried_again_when_the_service_says(asked: float, seconds: float) -> None:
    assert decided(errors.Refused("x", retry_after=asked)) == (RETRY, timedelta(seconds=seconds))


@pytest.mark.parametrize("error", [RuntimeError("a bug"), OSError("x"), KeyError("x"), TimeoutError()])
def test_what_is_not_in_the_tree_is_left_to_airflow(error: Exception) -> None:
    assert decided(error) == (RetryAction.DEFAULT, None)


def test_a_reason_says_nothing_that_came_from_outside() -> None:
    """It is shown in Airflow's own pages."""
    secret = errors.Rejected("{{ conn.pro2.password }} <b>")
    assert RETRY_POLICY.evaluate(secret, 1, 2).reason in {rule.reason for rule in RULES}


class TestAirflowsTaskRunner:
    """What a worker sends to the server when a task fails: this is the code of the pinned Airflow."""

    def fails(self, error: Exception, *, tries_left: bool = True) -> tuple[Any, str]:
        ti: Any = SimpleNamespace(
            task=SimpleNamespace(retry_policy=RETRY_POLICY),
            _ti_context_from_server=SimpleNamespace(max_tries=2, should_retry=tries_left),
            try_number=1,
            stats_tags={},
            rendered_map_index=None,
            end_date=None,
            _failure_metrics_emitted=True,
        )
        message, state = task_runner._handle_current_task_failed(ti, error, structlog.get_logger(), {})  # type: ignore[arg-type,typeddict-item]
        return message, state.value

    def test_retries_with_our_delay_and_reason(self) -> None:
        message, state = self.fails(errors.Refused("429", retry_after=42))
        assert (state, message.retry_delay_seconds) == ("up_for_retry", 42)
        assert message.retry_reason == "the service said: not now"

    def test_fails_at_once_although_tries_are_left(self) -> None:
        _, state = self.fails(errors.Rejected("404"))
        assert state == "failed"

    def test_gives_no_try_that_the_task_does_not_have(self) -> None:
        assert self.fails(errors.NeverSent("x"), tries_left=False)[1] == "failed"

    def test_keeps_its_own_delay_for_a_bug(self) -> None:
        message, state = self.fails(RuntimeError("a bug"))
        assert (state, message.retry_delay_seconds) == ("up_for_retry", None)
