"""Tell people: what the core found to be news is written down, then everything that is due is sent.

Called at the end of a pass or a task, when its own work is done. It never raises and takes no longer than its time
limit: whatever goes wrong is a line in the log and a row in the ledger, and the next pass tries again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pro2 import organization
from pro2.accounts import open_ledger
from pro2.links import PAGE, base_url
from pro2.organization import named, open_site

if TYPE_CHECKING:
    from pro2_reconciliation.repair.teller import Teller

log = logging.getLogger("pro2.notifying")
SECONDS = 10.0
"""For all deliveries of one call together."""
_said: set[str] = set()


def tell(*news: Callable[[Teller], None], context: Any = None, seconds: float = SECONDS) -> None:
    """Look for news, write it down, and send what is due. ``context``: Airflow's, to ask after a question."""
    try:
        _tell(news, context, seconds)
    except Exception as error:  # whatever it is, a repair does not depend on it
        log.warning("Nobody could be told anything now (%s); the next pass tries again", _words(error))


def _tell(news: tuple[Callable[[Teller], None], ...], context: Any, seconds: float) -> None:
    site = open_site()
    if site.notifications.silent:
        _once("Nobody is told of this: notifications.yaml names no connection (docs/notifications.md)")
        return
    from pro2_reconciliation.repair.delivering import deliver_due
    from pro2_reconciliation.repair.notices import Links
    from pro2_reconciliation.repair.teller import Teller

    base = base_url()
    if not base:
        _once(
            "The links in notifications are paths only; set base_url in section [api] of Airflow's configuration"
        )
    ledger = open_ledger()
    teller = Teller(
        site, ledger, Links(base, named(PAGE), organization.current()), partial(_still_asked, context)
    )
    for one in news:
        try:
            one(teller)
        except Exception as error:  # one kind of news does not hide another
            log.warning(
                "Some news could not be written down (%s)", _words(error), exc_info=not _for_people(error)
            )
    if ledger.due_deliveries(site.organization):
        from pro2.channels import send

        for sentence in deliver_due(ledger, site.organization, site.zone, lambda due: send(due, seconds)):
            log.log(logging.INFO if sentence.startswith("Told ") else logging.WARNING, "%s", sentence)


def _still_asked(context: Any, run_id: str) -> bool:
    """Whether the question of a dag run still waits; True where Airflow cannot be asked."""
    if not context:
        return True
    try:
        states = context["ti"].get_task_states(named("reconcile"), task_ids=["ask"], run_ids=[run_id])
        return states[run_id]["ask"] in ("awaiting_input", "deferred", "running")
    except Exception:  # a reminder too many is better than none
        return True


def _words(error: Exception) -> str:
    return str(error) if _for_people(error) else type(error).__name__


def _for_people(error: Exception) -> bool:
    """An error that was made for people says what it is about; another one is a bug, and its traceback is needed."""
    from pro2_reconciliation.domain.errors import ReconciliationError

    return isinstance(error, ReconciliationError)


def _once(sentence: str) -> None:
    if sentence not in _said:
        _said.add(sentence)
        log.info("%s", sentence)
