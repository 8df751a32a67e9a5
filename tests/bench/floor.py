"""The fewest requests that a reconciliation can make and keep its rules: pages that must be read, effects, proofs.

Worked out from the incident and from what the ledger says was done; nothing here looks at a request that was sent.
The vendor documents no filter by time or status on the list of campaigns, and 100 of them to a page; a report is read
campaign by campaign; details come ten to a page; the dashboard's contract allows 500 rows to a page. When it looks is
the policy's choice, what a look has to read is counted here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.claims import every_action

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.schedule import previous
from pro2_reconciliation.domain.usual import USUAL_RUNS
from pro2_reconciliation.domain.words import ProcessType, Verb

if TYPE_CHECKING:
    from tests.bench.budget import Counting

CAMPAIGNS_A_PAGE, DETAILS_A_PAGE, ROWS_A_PAGE = 100, 10, 500
RUN_TAKES = timedelta(minutes=1)
FRESH_CAMPAIGN = 4
"""Before each step on a campaign: itself, its report, its content, what was made since (invariant 3)."""
ACT = 1
STOP_PROOF, COPY_PROOF, SEND_PROOF = 4, 1, 3
"""Two reads of campaign and report; the draft; the copy, and the original with its report."""
TAG_PROOF = 2
"""The tag by its name, and how many hold it."""


@dataclass(frozen=True)
class Floor:
    """The fewest requests by phase. ``polls``: so many looks the watch had."""

    phases: dict[str, float]
    polls: int

    @property
    def total(self) -> float:
        return sum(self.phases.values())

    def of(self, phase: str) -> float:
        return self.phases.get(phase, 0)


def lowest(evening: Counting, plan: Plan, looks: Sequence[datetime]) -> Floor:
    """The floor of one reconciliation that watched at these moments."""
    return Floor(
        {
            "take_inventory": _inventory(evening),
            "watch": sum(
                _look(evening, before, at)
                for before, at in zip([evening.world.t0, *looks], looks, strict=False)
            ),
            "build_plan": _plan(evening, looks[-1] if looks else evening.world.t0),
            "run_lanes": _lanes(evening, plan),
        },
        len(looks),
    )


def sensors(evening: Counting) -> int:
    """What one sensor per unsettled item would send that sees the same at the policy's pace.

    A campaign is one request a look; an occurrence is two, since without a row in the Activity Log the Console says
    whether it is running.
    """
    every = evening.site.policy.poll_seconds
    ends = [(1, end) for _, end in _watched_campaigns(evening)]
    ends += [(2, end) for _, end in _watched_runs(evening)]
    return sum(
        requests * math.ceil((end - evening.world.t0).total_seconds() / every) for requests, end in ends
    )


# ------------------------------------------------------------------------------------------------ the parts


def _inventory(evening: Counting) -> float:
    """The list, a report for each campaign that hangs, the log, the Console, the automations."""
    hanging = len(_hanging_campaigns(evening))
    start = evening.window().start
    return (
        _campaign_pages(evening, start - timedelta(hours=evening.site.policy.lead_hours))
        + hanging
        + _log_pages(evening, start, evening.world.t0)
        + 1
        + 1
    )


def _look(evening: Counting, before: datetime, at: datetime) -> float:
    """One look for those that still hung at the look before: whether they still do has to be read."""
    campaigns = [due for due, end in _watched_campaigns(evening) if end > before]
    runs = [due for due, end in _watched_runs(evening) if end > before]
    pages = _campaign_pages(evening, min(campaigns)) if campaigns else 0
    return pages + (_log_pages(evening, min(runs), at) + 1 if runs else 0)


def _plan(evening: Counting, at: datetime) -> float:
    """The list, the second report and the content of what still hangs, the log as far as "usual" reaches, the Console,
    who entered an automation of a trigger that is missing, and each List Manager list that would be imported.
    """
    window, site = evening.window(), evening.site
    hanging = sum(end is None for _, end in _hanging_campaigns(evening))
    missing = [job for job, end in _hanging_jobs(evening) if end is None]
    lists = {job.tessitura_list for job in missing if job.process_type is ProcessType.DATA_SYNC}
    triggers = sum(job.process_type is ProcessType.SCHEDULED_TRIGGER for job in missing)
    history = min(one.due for job in site.jobs for one in previous(job, window.start, USUAL_RUNS))
    return (
        _campaign_pages(evening, window.start - timedelta(hours=site.policy.lead_hours))
        + hanging
        + math.ceil(hanging / DETAILS_A_PAGE)
        + 1  # what was made since the outage began
        + _log_pages(evening, history, at)
        + 1
        + triggers
        + len(lists)
    )


def _lanes(evening: Counting, plan: Plan) -> float:
    """Each step that was done: a fresh look, the request, the proof (decisions, section 3)."""
    ledger, total = evening.ledger(), 0.0
    for action in every_action(ledger, evening.site.organization):
        decision = plan.decision(action.item_key)
        assert decision is not None
        for step in action.latest:
            if not step.had_effect:
                continue
            asked = step.moves[0].at
            log = _log_pages(evening, decision.due, asked) if decision.due else 1
            back = _log_pages(evening, _before(evening, decision), asked)
            total += {
                Verb.STOP_CAMPAIGN: FRESH_CAMPAIGN + ACT + STOP_PROOF,
                Verb.COPY_CAMPAIGN: FRESH_CAMPAIGN + ACT + COPY_PROOF,
                Verb.SEND_CAMPAIGN: FRESH_CAMPAIGN + 1 + ACT + SEND_PROOF,
                Verb.STOP_RUN: log + 1 + ACT + 2,
                Verb.REPEAT_IMPORT: log + 1 + back + TAG_PROOF + ACT + 1 + TAG_PROOF,
                Verb.IMPORT_LIST: log + 1 + 1 + ACT + 1 + TAG_PROOF,
                Verb.RUN_NOW: log + 1 + ACT + 1 + 1,
            }[step.verb]
    return total


def _before(evening: Counting, decision: Any) -> datetime:
    """When the run before the missing one of a job was due: its row has the tag that an import will get."""
    job = evening.site.jobs_by_id.get(decision.item_id.partition("@")[0])
    found = previous(job, decision.due, 1) if job is not None and decision.due else []
    return found[0].due if found else evening.world.t0


# -------------------------------------------------------------------------------------------- what there is


def _campaign_pages(evening: Counting, edge: datetime) -> int:
    """Newest first, down to ``edge``."""
    due = (evening.world.t0 + one.due for one in evening.incident.campaigns if one.due is not None)
    return max(1, math.ceil(sum(one >= edge for one in due) / CAMPAIGNS_A_PAGE))


def _log_pages(evening: Counting, since: datetime, until: datetime) -> int:
    rows = sum(since <= run.started < until for run in evening.world.jobs.runs)
    return max(1, math.ceil(rows / ROWS_A_PAGE))


def _hanging_campaigns(evening: Counting) -> list[tuple[datetime, datetime | None]]:
    """(due, when it comes right by itself) of each that hung at T0."""
    t0 = evening.world.t0
    return [
        (t0 + one.due, None if one.sends_itself is None else t0 + one.sends_itself)
        for one in evening.incident.campaigns
        if one.status == 1 and one.due is not None and one.due < timedelta(0)
    ]


def _hanging_jobs(evening: Counting) -> list[tuple[Any, datetime | None]]:
    """(job, when its run comes after all) of each that was due in the outage and had left no row at T0."""
    found = []
    for model in evening.incident.jobs:
        if model.schedule.daily is None:
            continue
        late = [run.started for run in model.runs if run.started is not None]
        end = evening.world.t0 + late[0] + RUN_TAKES if late else None
        found.append((evening.site.jobs_by_id[model.id], end))
    return found


def _watched_campaigns(evening: Counting) -> list[tuple[datetime, datetime]]:
    """(due, until when it is watched): until it comes right, or as long as the policy watches."""
    most = evening.world.t0 + timedelta(seconds=evening.site.policy.watch_campaign_seconds)
    return [(due, min(end or most, most)) for due, end in _hanging_campaigns(evening)]


def _watched_runs(evening: Counting) -> list[tuple[datetime, datetime]]:
    """As of campaigns; these jobs are usually done in minutes, so they are watched for the policy's least time."""
    dues = {model.id: model.schedule.daily or timedelta(0) for model in evening.incident.jobs}
    t0 = evening.world.t0
    most = t0 + timedelta(seconds=evening.site.policy.watch_occurrence_min_seconds)
    return [(t0 + dues[job.id], min(end or most, most)) for job, end in _hanging_jobs(evening)]
