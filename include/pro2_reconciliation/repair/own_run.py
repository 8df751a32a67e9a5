"""The run of one occurrence in a fresh Activity Log, whatever it did while a question waited.

The rows of the log begin where a run begins, and that may be long before it was due to be looked at: a minute early
because clocks differ, hours ago because it hung. In: a plan and one of its decisions about an occurrence. It reads
nothing itself, and fails with KeyError for a job that the catalog lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.jobs import ActivityRow, Job
from pro2_reconciliation.domain.matching import earliest_start, match
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.schedule import occurrence_at, previous
from pro2_reconciliation.domain.words import Outcome

RAN = frozenset({Outcome.SUCCESS, Outcome.PARTIAL_ERROR, Outcome.UNKNOWN})
"""Ends after which it is not done again by software: contacts may have come through."""


def job_of(site: Site, decision: Decision) -> Job:
    return site.jobs_by_id[decision.item_id.partition("@")[0]]


def due_of(plan: Plan, decision: Decision) -> datetime:
    return decision.due or plan.window.start


def log_from(plan: Plan, decision: Decision) -> datetime:
    """From when on (UTC) the Activity Log has to be read to show the occurrence's own run and all that followed."""
    seen = decision.observation
    starts = [one.started for one in (seen.row, seen.console) if one and one.started] if seen else []
    return min([earliest_start(due_of(plan, decision)), *starts])


def ran(site: Site, plan: Plan, decision: Decision, rows: Sequence[ActivityRow]) -> ActivityRow | None:
    """The latest row, of those since :func:`log_from`, by which the job did what is about to be done again.

    That is any success since it was due, and the occurrence's own run unless it failed or was stopped: the run that
    the plan saw, or the one that matching gives to its due time.
    """
    job, due = job_of(site, decision), due_of(plan, decision)
    seen = decision.observation
    own = {one.run_id for one in (seen.row, seen.console) if one is not None} if seen else set()
    dues = [
        *previous(job, due, 1),
        occurrence_at(job, due),
    ]  # the one before has the first claim to its own row
    matched = match(dues, rows, {job.id: job}).of(dues[-1]).row
    own |= {matched.run_id} if matched else set()
    found = [
        row
        for row in rows
        if row.job_id == job.id
        and (
            (row.outcome is Outcome.SUCCESS and row.started >= due)
            or (row.outcome in RAN and row.run_id in own)
        )
    ]
    return max(found, key=lambda row: row.started, default=None)
