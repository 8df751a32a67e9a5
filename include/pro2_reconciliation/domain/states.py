"""From a reading to a state: what a campaign or an occurrence is doing now.

A counter that says mail left beats a status that says it did not; what fits nothing is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import CampaignReading
from pro2_reconciliation.domain.jobs import ActivityRow, ConsoleRow, Job, Occurrence
from pro2_reconciliation.domain.matching import earliest_start
from pro2_reconciliation.domain.observation import CampaignState, OccurrenceState
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import CampaignStatus, Outcome

_FIXED = {
    CampaignStatus.DRAFT: CampaignState.DRAFT,
    CampaignStatus.PENDING_REVIEW: CampaignState.APPROVAL_HOLD,
    CampaignStatus.PAUSED: CampaignState.HALTED,
    CampaignStatus.STOPPED: CampaignState.HALTED,
    CampaignStatus.DISABLED: CampaignState.HALTED,
}
_BY_OUTCOME = {
    Outcome.PARTIAL_ERROR: OccurrenceState.PARTIAL,
    Outcome.FULL_ERROR: OccurrenceState.FAILED,
    Outcome.IN_PROGRESS: OccurrenceState.IN_PROGRESS,
    Outcome.STOPPED: OccurrenceState.STOPPED,
}
STOPPED_STATUSES = frozenset({CampaignStatus.STOPPED, CampaignStatus.DISABLED})
"""A scheduled campaign that is stopped may show as disabled (help.activecampaign.com 115001800224)."""

GOING = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.SENDING})
"""A campaign in these may still mail somebody."""
WENT = GOING | {CampaignStatus.COMPLETE}
"""It goes out, or went, whatever its counters say."""

UNSETTLED = frozenset(
    {
        CampaignState.PENDING,
        CampaignState.IN_FLIGHT,
        CampaignState.COMPLETE_EMPTY,
        OccurrenceState.IN_PROGRESS,
        OccurrenceState.NO_TRACE,
    }
)
"""States that time alone may change: these are watched."""


def campaign_state(reading: CampaignReading, now: datetime, policy: Policy) -> CampaignState:
    """The state of a campaign by one reading; a report that was not read is taken as zero here, and only here."""
    campaign = reading.campaign
    if campaign is None:
        return CampaignState.GONE
    if campaign.status in _FIXED:
        return _FIXED[campaign.status]
    reported = reading.report.counters if reading.report else {}
    counted = any(campaign.counters.values()) or any(reported.values())
    match campaign.status:
        case CampaignStatus.COMPLETE:
            return CampaignState.SENT if counted else CampaignState.COMPLETE_EMPTY
        case CampaignStatus.SCHEDULED:
            if counted or campaign.mail_left:
                return CampaignState.COUNTERS_DISAGREE
            if campaign.due is None:
                return CampaignState.UNKNOWN
            overdue = campaign.due + timedelta(seconds=policy.overdue_grace_seconds) <= now
            return CampaignState.PENDING if overdue else CampaignState.DUE_LATER
        case CampaignStatus.SENDING:
            if campaign.send_amt:
                return CampaignState.IN_FLIGHT
            if counted:
                return CampaignState.COUNTERS_DISAGREE
            if campaign.mail_left:
                return CampaignState.IN_FLIGHT  # its counters are off
            return CampaignState.PENDING if campaign.due else CampaignState.UNKNOWN
        case _:
            return CampaignState.UNKNOWN


def occurrence_state(
    row: ActivityRow | None, console: ConsoleRow | None, *, late: bool = False
) -> OccurrenceState:
    """The state of an occurrence by its Activity Log row and its Console row (either may be None)."""
    if row is None:
        return OccurrenceState.IN_PROGRESS if console else OccurrenceState.NO_TRACE
    if row.outcome is Outcome.SUCCESS:
        return OccurrenceState.RAN_LATE if late else OccurrenceState.SUCCEEDED
    return _BY_OUTCOME.get(row.outcome, OccurrenceState.UNKNOWN)


def console_row_of(
    occurrence: Occurrence, job: Job, rows: Sequence[ConsoleRow], row: ActivityRow | None
) -> ConsoleRow | None:
    """The Console row that belongs to this occurrence: the same run, or one that began at its due time."""
    for candidate in rows:
        if row is not None and candidate.run_id == row.run_id:
            return candidate
        began = candidate.scheduled_for or candidate.started
        if row is not None or began is None:
            continue
        if earliest_start(occurrence.due) <= began <= occurrence.expected + job.grace:
            return candidate
    return None


def running_for_another(
    occurrence: Occurrence, job: Job, rows: Sequence[ConsoleRow], own: ConsoleRow | None
) -> bool:
    """Whether the job runs now for another occurrence (rule R7)."""
    return any(row.running and row is not own for row in rows if row.job_id == job.id)


def is_hanging(
    job: Job, row: ActivityRow | None, console: ConsoleRow | None, now: datetime, quiet: timedelta
) -> bool:
    """In progress for more than twice its usual length and without progress lately (the end of rule R6)."""
    started = (console.started if console else None) or (row.started if row else None)
    if started is None or now - started < 2 * job.usual:
        return False
    progressed = console.progressed if console else None
    return progressed is None or now - progressed > quiet
