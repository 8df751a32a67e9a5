"""Everything that can go wrong, in one tree. For a request the first question is: was it sent?

::

    ReconciliationError              what, value and next step, for a person
    ├── ConfigurationError           a file, form or connection says something impossible; nothing was sent
    ├── LedgerError                  the ledger refuses: illegal move, foreign plan, wrong identity
    │   ├── LeaseLost                somebody else may be at the step by now; nothing was written
    │   ├── NoLedger                 where it should be there is none, and nothing that acts begins one
    │   └── LedgerUnavailable        its database is down, locked or full; nothing was written
    ├── StepOpen                     a step was left without an end; the next try reads before it does anything
    └── RequestError                 about one request
        ├── NeverSent                no byte left (connection refused, name lookup, read-only): may be sent again
        │   └── TooLate              its lease has run out; whoever claims the step next reads first
        ├── Refused                  the service said "not now" (429, 503 to a read): may be sent again later
        ├── Rejected                 the service said no (4xx, result_code 0): it did not happen, do not repeat
        ├── Ambiguous                it may have happened (timeout, dropped connection, 5xx, HTML): read, never resend
        └── Unreadable               an answer to a READ that cannot be understood: the observation is UNKNOWN
            └── NoConsole            this dashboard shows no Console at all; the person who presses looks there

Only ``NeverSent`` and ``Refused`` may lead to a second request (architecture: invariant 2). What becomes of a REQUEST
says the table of ``wire/exchange.py``; what becomes of a TASK says the one of ``pro2/retrying.py``.
"""

from __future__ import annotations


class ReconciliationError(Exception):
    """A failure that a person reads: it names the thing, the value and the next step."""


class ConfigurationError(ReconciliationError):
    """Configuration, form or connection is wrong; raised before anything is sent."""


class LedgerError(ReconciliationError):
    """The ledger refused a move, a claim or a plan."""


class LeaseLost(LedgerError):
    """The lease of a step ran out or was taken over: whoever claims it next reads first."""


class NoLedger(LedgerError):
    """Where a ledger should be there is none; a person looks where it went, or begins one."""


class LedgerUnavailable(LedgerError):
    """The ledger's database cannot be used now: it is down, locked, or its disk is full."""


class StepOpen(ReconciliationError):
    """A step is neither done nor given up: its request may have landed, or is not to be sent again just yet."""


class RequestError(ReconciliationError):
    """One request went wrong. ``status`` is the HTTP status where there was one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NeverSent(RequestError):
    """The request did not leave this machine."""


class ReadOnly(NeverSent):
    """The connection is read-only: the request was not even built."""


class TooLate(NeverSent):
    """The lease under which the request was to leave has run out: somebody else may be at the step by now."""


class Refused(RequestError):
    """The service explicitly refused for now. ``retry_after`` is in seconds."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float = 1.0) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class Rejected(RequestError):
    """The service said no: the effect did not happen."""


class Ambiguous(RequestError):
    """The request may have landed; only a fresh read can tell."""


class Unreadable(RequestError):
    """The answer to a read could not be understood."""


class NoConsole(Unreadable):
    """The dashboard is read from an export, which has no Console: it will not be there next time either."""
