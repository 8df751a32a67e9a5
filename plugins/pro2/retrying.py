"""Which failure of a task is tried again, and after how long: one table over the tree of ``domain/errors.py``.

``RETRY_POLICY`` stands in the ``default_args`` of every DAG. Airflow asks it on the worker with the exception itself;
the scheduler only sees the delay. It can fail a task early, never give it more tries than its ``retries``. What is
not in the tree (a bug, a killed process) has Airflow's own behaviour. A second try of a step never sends what may
have landed: the ledger sees to that, not this table.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.definitions.retry_policy import RetryDecision

from pro2_reconciliation.domain import errors

SOON = timedelta(seconds=15)
LATER = timedelta(seconds=30)

RULES = [
    RetryRule(errors.ReadOnly, RetryAction.FAIL, reason="the connection is read-only; a person changes that"),
    RetryRule(errors.NoConsole, RetryAction.FAIL, reason="there is no Console, and there will be none"),
    RetryRule(
        errors.LeaseLost, RetryAction.RETRY, LATER, reason="its lease was lost; the next try reads first"
    ),
    RetryRule(
        errors.LedgerUnavailable, RetryAction.RETRY, SOON, reason="the ledger's database did not answer"
    ),
    RetryRule(errors.NeverSent, RetryAction.RETRY, SOON, reason="the request did not leave"),
    RetryRule(errors.Refused, RetryAction.RETRY, SOON, reason="the service said: not now"),
    RetryRule(errors.Unreadable, RetryAction.RETRY, SOON, reason="a read could not be understood"),
    RetryRule(
        errors.Ambiguous, RetryAction.RETRY, LATER, reason="it may have happened; the next try only reads"
    ),
    RetryRule(errors.StepOpen, RetryAction.RETRY, LATER, reason="the step is open; the next try reads first"),
    RetryRule(errors.ReconciliationError, RetryAction.FAIL, reason="only a person can go on; see the log"),
]
"""The first that fits counts. The last: wrong configuration, a no of the ledger or the service, an open report."""


class ReconciliationRetryPolicy(ExceptionRetryPolicy):
    """The table, with a refusal's own delay where that is longer."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Any = None
    ) -> RetryDecision:
        """The decision of the first rule that fits; what to do about anything else is left to Airflow."""
        decision = super().evaluate(exception, try_number, max_tries, context)
        if isinstance(exception, errors.Refused) and decision.retry_delay is not None:
            asked = timedelta(seconds=exception.retry_after)
            return replace(decision, retry_delay=max(decision.retry_delay, asked))
        return decision


RETRY_POLICY = ReconciliationRetryPolicy(RULES)
