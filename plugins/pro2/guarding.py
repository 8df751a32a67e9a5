"""The body of ``guard_repairs``: one pass over every original that was repaired. It raises where one woke.

That nothing is watched is worse than a red task, so whatever keeps a pass from looking makes it fail too.
"""

from __future__ import annotations

import logging
from typing import Any

from pro2.accounts import open_account, who_acts
from pro2.notifying import tell
from pro2_reconciliation.domain.errors import ReconciliationError

log = logging.getLogger("pro2.guard")


def guard(context: Any) -> dict[str, Any]:
    """One pass over every original that was repaired; raises when an original woke, so that it is seen."""
    from pro2_reconciliation.repair.guard import guard_pass

    result = guard_pass(open_account(who_acts(context), create=True))
    for sentence in result.unread:
        log.warning("An original could not be read: %s", sentence)
    log.info("%d originals were watched", result.watched)
    if result.plan_only:
        log.warning("%s", result.plan_only)
    tell(lambda teller: teller.guarded(result.plan_only if result.lost else ""))
    if result.alarms:
        for sentence in result.alarms:
            log.error("ALARM: %s", sentence)
        raise ReconciliationError("; ".join(result.alarms))
    if result.lost:
        raise ReconciliationError(f"What was repaired is watched by nobody. {result.plan_only}")
    return result.model_dump(mode="json")
