"""Everything that the decision table asks of an occurrence, worked out once (see ``facts.py``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_reconciliation.domain.facts import Facts, OwnAction
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Console, Job, Occurrence
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.matching import Match, earliest_start, same_audience
from pro2_reconciliation.domain.observation import OccurrenceState
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.schedule import next_due
from pro2_reconciliation.domain.states import (
    console_row_of,
    is_hanging,
    occurrence_state,
    running_for_another,
)
from pro2_reconciliation.domain.usual import unusual_count
from pro2_reconciliation.domain.words import Outcome, ProcessType

NEVER_REPAIRED = frozenset({ProcessType.SEGMENT_TRANSFER, ProcessType.EADDRESS_CHANGES})
_SELF_HEALING = frozenset({ProcessType.INTEGRATED_IMPORT, ProcessType.EADDRESS_CHANGES})
_NEWEST_COVERS = frozenset({*_SELF_HEALING, ProcessType.DATA_SYNC})
_ENDED_BADLY = frozenset({Outcome.FULL_ERROR, Outcome.PARTIAL_ERROR, Outcome.STOPPED})
_LOST = frozenset({OccurrenceState.FAILED, OccurrenceState.STOPPED})
"""Ends of a data sync whose contacts no later run brings (rule R14)."""


@dataclass(frozen=True)
class OccurrenceEvidence:
    """What was read about one occurrence. ``siblings`` are the touched occurrences of the same job, oldest first;
    those that went well may be left out.

    ``console`` None: it could not be read. ``matched_before`` counts how many of the last three occurrences
    before the outage left a trace (None: not asked). ``entries`` are contacts that entered its automation since it
    was due (None: unknown). ``list_problem``: why a data sync's list is not younger than the outage (None: it is).
    ``usual_count`` is the median of contacts of its last successes (None: unknown). ``awaited`` is when the job's
    next run is due that has not begun (``awaited_run``; None: none is).
    """

    occurrence: Occurrence
    job: Job
    match: Match
    siblings: tuple[Match, ...]
    log: ActivityLog | None
    console: Console | None
    later: tuple[ActivityRow, ...] = ()
    matched_before: int | None = None
    asked_before: int = 3
    usual_share: float | None = None
    entries: int | None = None
    services_healthy: bool = True
    own: OwnAction | None = None
    list_problem: str | None = None
    usual_count: float | None = None
    awaited: datetime | None = None


def occurrence_facts(evidence: OccurrenceEvidence, *, policy: Policy, zone: str, now: datetime) -> Facts:
    """The facts of one occurrence. Nothing readable means: no row, and a source that proves nothing."""
    job, occurrence, match = evidence.job, evidence.occurrence, evidence.match
    row = match.row
    by_hand = match.repaired_by_hand.outcome if match.repaired_by_hand else None
    rows = evidence.console.of(job.id) if evidence.console else ()
    console = console_row_of(occurrence, job, rows, row)
    state = occurrence_state(row, console, late=match.late)
    quiet = timedelta(seconds=policy.quiet_seconds)
    hanging = (
        state is OccurrenceState.IN_PROGRESS
        and evidence.console is not None
        and is_hanging(job, row, console, now, quiet)
    )
    problem = _source_problem(evidence)
    later = _later_success(evidence)
    missed = missed_of(evidence.siblings)
    if job.process_type is ProcessType.DATA_SYNC and state in _LOST:
        # What a missed run would have brought comes with the next one, and then nobody audits this one's loss.
        missed = [m for m in missed if occurrence_state(m.row, None) in _LOST]
    newest = missed[-1] if missed else None
    older = newest is not None and newest.occurrence.key != occurrence.key
    share = row.failed_share if row else None
    usual = max(job.usual_partial_share, evidence.usual_share or 0.0)
    trigger = job.process_type is ProcessType.SCHEDULED_TRIGGER
    same_now = same_audience(job, occurrence.due, now) if trigger else None
    unusual = unusual_count(row.counts.returned, evidence.usual_count) if row and row.counts else ""
    valid = job.audience.valid_hours
    expired = valid is not None and now >= occurrence.due + timedelta(hours=valid)
    awaited = evidence.awaited
    # A missed sync is judged by the very next run (R13): once that has ended badly, or did not come, nobody waits.
    judge = occurrence.next_due
    after = [
        r for r in evidence.later if judge and r.manual is not True and r.started >= earliest_start(judge)
    ]
    next_failed = any(r.outcome in _ENDED_BADLY for r in after)
    next_young = any(r.outcome is Outcome.IN_PROGRESS and now - r.started < 2 * job.usual for r in after)
    excused = occurrence.excused_until is not None and now <= occurrence.expected + job.grace
    flags = {
        "ours_done": evidence.own is not None and evidence.own.state == "done",
        "ours_open": evidence.own is not None and evidence.own.state == "open",
        "ours_needs_human": evidence.own is not None and evidence.own.state == "needs_human",
        "unknown_label": Outcome.UNKNOWN in (by_hand, row.outcome if row else None),
        "no_row": row is None and match.repaired_by_hand is None,
        "source_unusable": problem is not None,
        "by_hand": by_hand in (Outcome.SUCCESS, Outcome.PARTIAL_ERROR),
        "by_hand_running": by_hand is Outcome.IN_PROGRESS,
        "succeeded": state in (OccurrenceState.SUCCEEDED, OccurrenceState.RAN_LATE),
        "audience_moved": trigger
        and match.late
        and row is not None
        and same_audience(job, occurrence.due, row.started) is False,
        "later_success": _unfinished(state) and later is not None,
        "covered_by_later": job.process_type in _SELF_HEALING
        or (job.process_type is ProcessType.DATA_SYNC and state is OccurrenceState.NO_TRACE),
        "same_audience_as_later": later is not None
        and same_audience(job, occurrence.due, later.started) is True,
        "no_trace": state is OccurrenceState.NO_TRACE,
        "catalog_doubtful": evidence.matched_before == 0 and evidence.asked_before > 0,
        "in_progress": state is OccurrenceState.IN_PROGRESS,
        "hanging": hanging,
        "unfinished": _unfinished(state) and (hanging or state is not OccurrenceState.IN_PROGRESS),
        "job_busy": running_for_another(occurrence, job, rows, console),
        "in_maintenance": excused,
        "in_time": now < occurrence.expected + job.grace,
        "next_is_close": awaited is not None
        and awaited - now <= timedelta(minutes=policy.next_occurrence_wait_minutes),
        "next_within_wait": judge is not None
        and not next_failed
        and (
            next_young or (judge == awaited and judge - now <= timedelta(hours=policy.missed_sync_wait_hours))
        ),
        "partial": state is OccurrenceState.PARTIAL,
        "within_usual_share": share is not None and share <= usual,
        "data_sync": job.process_type is ProcessType.DATA_SYNC,
        "trigger": trigger,
        "import": job.process_type is ProcessType.INTEGRATED_IMPORT,
        "one_of_several": len(missed) > 1,
        "older_of_several": older,
        "newest_covers": job.process_type in _NEWEST_COVERS,
        "never_repaired": job.process_type in NEVER_REPAIRED,
        "failed": state is OccurrenceState.FAILED,
        "stopped_run": state is OccurrenceState.STOPPED,
        "second_failure": _failures(evidence) > 1,
        "services_healthy": evidence.services_healthy,
        "audience_shift": trigger and (expired or same_now is False),
        "prefers_next": job.audience.kind in ("range", "static"),
        "may_enter_twice": trigger and job.reentry != "once" and bool(evidence.entries),
        "audience_known": trigger
        and same_now is True
        and job.audience.kind == "exact"
        and valid is not None
        and (job.reentry == "once" or evidence.entries == 0),
        "lets_in_again": job.process_type is ProcessType.INTEGRATED_IMPORT
        and job.automation is not None
        and job.reentry != "once",
        "harmless_import": job.starts_mail == "no" and job.adds_to_list is False,
        "sync_configured": job.tessitura_list is not None
        and job.sync_tag is not None
        and job.mode is not None,
        "list_fresh": evidence.list_problem is None,
    }
    started = row.started if row else console.started if console else None
    shown = next((r for r in (match.repaired_by_hand, row) if r and r.outcome is Outcome.UNKNOWN), row)
    words = {
        "name": job.name,
        "state": state.value,
        "ours": evidence.own.text if evidence.own else "",
        "process_type": job.process_type.value.replace("_", " "),
        "raw_status": shown.raw_status if shown else "",
        "due_text": local(occurrence.due, zone),
        "row_text": local((match.repaired_by_hand or row).started, zone)  # type: ignore[union-attr]
        if match.found
        else local(started, zone)
        if started
        else "its due time",
        "late_note": ", late" if match.late else "",
        "count_note": f", {unusual}" if unusual else "",
        "excused_text": local(occurrence.expected, zone),
        "expected_text": local(occurrence.expected + job.grace, zone),
        "later_text": local(later.started, zone) if later else "",
        "source_problem": problem or "",
        "progress_text": f"{console.progress} contacts so far"
        if console and console.progress is not None
        else "still within its usual time"
        if evidence.console
        else "and the Console could not be read",
        "judge_text": local(judge, zone) if judge else "at an unknown time",
        "next_text": local(awaited, zone) if awaited else "at an unknown time",
        "share_text": f"{share:.1%} of contacts" if share is not None else "an unknown share",
        "newest_text": local(newest.occurrence.due, zone) if newest else "",
        "automation": job.automation or "",
        "reentry": job.reentry,
        "audience_kind": job.audience.kind,
        "audience_problem": f"its audience of {local(occurrence.due, zone)} has "
        + ("expired" if expired else "moved on"),
        "entries": evidence.entries if evidence.entries is not None else "unknown",
        "list_problem": evidence.list_problem or "",
        "list_id": job.tessitura_list or "",
    }
    return Facts(flags, words)


def missed_of(matches: Iterable[Match]) -> list[Match]:
    """Those that nobody repaired by hand and that left no good row."""
    return [
        m
        for m in matches
        if m.repaired_by_hand is None and _unfinished(occurrence_state(m.row, None, late=m.late))
    ]


def awaited_run(
    job: Job, occurrence: Occurrence, rows: Sequence[ActivityRow], now: datetime
) -> datetime | None:
    """When the job's next run after ``occurrence`` is due that may still begin by itself (R7, R13).

    A run is awaited until its grace has passed; one that left a row of its own has begun. None for a paused job.
    """
    due = next_due(job, max(occurrence.due, now - job.grace - timedelta.resolution))
    while due is not None and due <= now and _begun(due, job, rows):
        due = next_due(job, due)
    return due


def _begun(due: datetime, job: Job, rows: Sequence[ActivityRow]) -> bool:
    return any(
        row.job_id == job.id
        and row.manual is not True
        and earliest_start(due) <= row.started <= due + job.grace
        for row in rows
    )


def _unfinished(state: OccurrenceState) -> bool:
    return state in (
        OccurrenceState.NO_TRACE,
        OccurrenceState.FAILED,
        OccurrenceState.STOPPED,
        OccurrenceState.IN_PROGRESS,
    )


def _later_success(evidence: OccurrenceEvidence) -> ActivityRow | None:
    done = [r for r in evidence.later if r.outcome is Outcome.SUCCESS and r.started > evidence.occurrence.due]
    own = evidence.match.row
    done = [r for r in done if own is None or r.run_id != own.run_id]
    return min(done, key=lambda r: r.started) if done else None


def _failures(evidence: OccurrenceEvidence) -> int:
    """Full errors for this due time: its own row and any further one before the next occurrence."""
    own = evidence.match.row
    rows: Sequence[ActivityRow] = [r for r in evidence.later if r.outcome is Outcome.FULL_ERROR and r.manual]
    return len(rows) + (1 if own and own.outcome is Outcome.FULL_ERROR else 0)


def _source_problem(evidence: OccurrenceEvidence) -> str | None:
    """Why the absence of a row proves nothing (invariant 11), or None when it does prove something."""
    if evidence.log is None:
        return "the Activity Log could not be read"
    if not evidence.log.covers(evidence.occurrence.expected + evidence.job.grace):
        return "the Activity Log ends before it was due"
    if evidence.log.begins_after(earliest_start(evidence.occurrence.due)):
        return "the Activity Log begins after it was due"
    if not evidence.log.rows:
        return "the Activity Log is empty for the whole window"
    if evidence.console is None:
        return "the Console could not be read"
    if evidence.console.as_of < evidence.occurrence.expected + evidence.job.grace:
        return "the Console was read before it was due"
    return None
