"""What is usual of a job's runs: the share that fails, and how many contacts it picks (rules R2, R8).

In: rows of the Activity Log of one job. Where they say too little the answer is None, and nothing is called unusual.
It cannot fail.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from pro2_reconciliation.domain.jobs import ActivityRow
from pro2_reconciliation.domain.words import Outcome

USUAL_RUNS = 20
"""So many of a job's last runs say what is usual (R2, R8)."""

UNUSUAL_FACTOR = 3.0
"""So many times more or fewer contacts than usual are an unusual count (R2)."""

MIN_USUAL_RUNS = 3
"""Fewer successes than this say nothing about what is usual (R2)."""


def usual_failed_share(rows_before: Iterable[ActivityRow], last: int = USUAL_RUNS) -> float | None:
    """The share of failed contacts, 0 to 1, that nine of ten of the last runs did not exceed (R8).

    Only runs with counts that ended in success or partial error say what is usual; None when there is none.
    """
    usual = (Outcome.SUCCESS, Outcome.PARTIAL_ERROR)
    counted = [row for row in rows_before if row.outcome in usual and row.failed_share is not None]
    counted.sort(key=lambda row: (row.started, row.run_id))
    shares = sorted(row.failed_share or 0.0 for row in counted[-last:])
    return shares[math.ceil(len(shares) * 0.9) - 1] if shares else None


def usual_count(rows_before: Iterable[ActivityRow], last: int = USUAL_RUNS) -> float | None:
    """The median of the contacts that the last successes picked (R2); None when there are fewer than three."""
    counted = [
        (row.started, row.run_id, row.counts.returned)
        for row in rows_before
        if row.outcome is Outcome.SUCCESS and row.counts and row.counts.returned is not None
    ]
    counts = [count for _, _, count in sorted(counted)[-last:]]
    return statistics.median(counts) if len(counts) >= MIN_USUAL_RUNS else None


def unusual_count(count: int | None, usual: float | None) -> str:
    """What is unusual about a count of contacts, to be read after a comma; "" when nothing is, or nobody knows."""
    if count is None or usual is None:
        return ""
    if count * UNUSUAL_FACTOR < usual:
        how = "unusually few"
    elif count > UNUSUAL_FACTOR * max(usual, 1):
        how = "unusually many"
    else:
        return ""
    return f"{how}: {count} contacts, usually {usual:g} (more than {UNUSUAL_FACTOR:g} times off)"
