"""A transport that waits: which requests may be sent again, how often, and for how long at most.

::

    what happened                    read                     mutating
    Refused (429; 503 to a read)     after Retry-After, 5x    after Retry-After, 5x
    NeverSent (no byte left)         2 more tries             5 tries
    ReadOnly, TooLate                never                    never
    Unreadable                       2 more tries             (cannot happen)
    Rejected with 401 or 403         once more                never
    Ambiguous                        (cannot happen)          never: it may have landed

No try begins later than ``patience`` seconds after the first; then the last error is raised. A caller that
holds a lease chooses ``patience`` plus what one request may take (pacing and timeout) below it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tenacity import RetryCallState, Retrying

from pro2_reconciliation.domain.errors import (
    NeverSent,
    ReadOnly,
    Refused,
    Rejected,
    RequestError,
    TooLate,
    Unreadable,
)
from pro2_reconciliation.wire.deadline import require_time
from pro2_reconciliation.wire.exchange import Reply, Request, Transport, read_json

PATIENCE = 60.0
FIRST_WAIT = 0.5


class Patient:
    """Carries a request, again where that is harmless. ``sleep`` takes seconds and is injected by tests."""

    def __init__(
        self,
        transport: Transport,
        *,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self._transport = transport
        self._sleep = sleep
        self._patience = patience

    def carry(self, request: Request) -> Reply:
        """The reply of the last try.

        Errors that a reply amounts to are left to the exchange that reads it.
        """
        kept: list[Reply] = []

        def once() -> Reply:
            kept.clear()
            if request.mutating:
                require_time(f"{request.method} {request.path}")
            reply = self._transport.carry(request)
            kept.append(reply)
            read_json(request, reply)
            return reply

        def again(state: RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            return state.attempt_number < tries(request, error)

        retrying = Retrying(
            retry=again,
            wait=wait,
            stop=self._too_late,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(once)
        except RequestError:
            if kept:
                return kept[-1]
            raise

    def _too_late(self, state: RetryCallState) -> bool:
        passed = max(state.idle_for, state.seconds_since_start or 0.0)
        return passed + state.upcoming_sleep > self._patience


def tries(request: Request, error: BaseException | None) -> int:
    """How often in all a request may be sent when it ends with this error; 1 means never again."""
    match error:
        case ReadOnly() | TooLate():
            return 1
        case Refused():
            return 5
        case NeverSent():
            return 5 if request.mutating else 3
        case Unreadable() if not request.mutating:
            return 3
        case Rejected(status=401 | 403) if not request.mutating:
            return 2
        case _:
            return 1


def wait(state: RetryCallState) -> float:
    """Seconds until the next try: what the service asked for, else 0.5, 1, 2, ..."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Refused):
        return error.retry_after
    return float(FIRST_WAIT * 2 ** (state.attempt_number - 1))
