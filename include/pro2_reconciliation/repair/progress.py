"""How far long work is, said to whoever looks on: in the log, and in the ledger for the page.

Saying it is never a reason to stop: what cannot be written is left out. Silent unless somebody listens.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Protocol

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.ports import Clock
from pro2_reconciliation.ledger import Ledger

log = logging.getLogger("pro2.reconcile")
EVERY = timedelta(seconds=5)
"""At most so often is something said; work that is shorter says nothing."""


class Progress(Protocol):
    """Somebody who is told how far long work is."""

    def say(self, sentence: str) -> None:
        """Tell it, such as "inventory: 300 of 1,000 campaigns read"; the empty sentence: it is over. Never raises."""
        ...


class Silent:
    """Nobody looks on."""

    def say(self, sentence: str) -> None:
        """Nothing."""


class RunProgress:
    """Tells the log and the ledger, about one dag run, at most every ``EVERY``."""

    def __init__(self, ledger: Ledger, organization: str, dag_run: str, clock: Clock) -> None:
        self._ledger = ledger
        self._organization = organization
        self._dag_run = dag_run
        self._clock = clock
        self._last: datetime = clock.now()
        self._told = ""

    def say(self, sentence: str) -> None:
        now = self._clock.now()
        if (now - self._last < EVERY and sentence) or sentence == self._told:
            return
        self._last, self._told = now, sentence
        if sentence:
            log.info(one_line(sentence))
        with unharmed():
            self._ledger.note_run(self._organization, self._dag_run, progress=one_line(sentence))


@contextmanager
def unharmed() -> Iterator[None]:
    """What is only written for those who look on, and may not be written: said in the log, and gone on."""
    try:
        yield
    except LedgerError as error:
        log.warning("How far it is could not be noted for the page: %s", error)
