"""What proves that a request of unknown outcome happened, or did not: read, never resend (decisions, section 5).

::

    verb          DONE                                   NOT DONE                               else
    stop          status 4 or 6                          still 1 or 2 after the quiet time      a person
    copy          exactly one new visible copy           none after the quiet time              a person
    send          copy is 1, 2 or 5, or counts anything  still a draft after the quiet time     a person
    runs, import  a row or Console run after the intent  never provable by absence              a person
    tags          the contacts' tags                     the contacts' tags                     -
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_reconciliation.domain.errors import NoConsole
from pro2_reconciliation.domain.jobs import ActivityRow, ConsoleRow, Job
from pro2_reconciliation.domain.lineage import is_visible_copy
from pro2_reconciliation.domain.matching import CLOCK_SKEW
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.schedule import occurrences
from pro2_reconciliation.domain.states import STOPPED_STATUSES
from pro2_reconciliation.domain.words import CampaignStatus, Verb
from pro2_reconciliation.ledger import ActionRecord, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.effects import copy_of

SEND_AGAIN = frozenset(
    {Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN, Verb.ADD_TAG, Verb.REMOVE_TAG}
)
"""Verbs that may be tried again once NOT DONE is proven."""


MANUAL = "manual"
"""Stands in the details of an intent that a person was asked to carry out."""
TOLERANCE = timedelta(seconds=1)
"""So far may the dashboard's clock be behind ours."""
ROUNDED = timedelta(minutes=1)
"""An export may tell the minute of a start only."""


def is_manual(step: StepRecord) -> bool:
    """A person was asked for it, whatever the connections say by now: it is never sent by us after that."""
    intent = step.move_to(State.INTENDED)
    return bool(intent and (intent.details or {}).get(MANUAL))


def began_after(step: StepRecord, asked: datetime) -> datetime:
    """From when (UTC) a run may be the one that was asked for at ``asked``."""
    return asked - (ROUNDED if is_manual(step) else TOLERANCE)


@dataclass(frozen=True)
class Finding:
    """``state`` DONE, NOT_DONE, NEEDS_HUMAN, or AMBIGUOUS: look again later."""

    state: State
    why: str
    remote_id: str | None = None


def find_out(
    account: Account, decision: Decision, action: ActionRecord, step: StepRecord, floor: str
) -> Finding:
    """Read what became of a request that left at the step's intent. ``floor``: highest campaign id before it."""
    asked = step.when(State.INTENDED)
    if asked is None:
        return Finding(State.NOT_DONE, "it was never sent")
    quiet = account.now() - asked >= timedelta(seconds=account.policy.quiet_seconds)
    match step.verb:
        case Verb.STOP_CAMPAIGN:
            return _stop(account, decision, quiet)
        case Verb.COPY_CAMPAIGN:
            return _copy(account, decision, floor, quiet)
        case Verb.SEND_CAMPAIGN:
            return _send(account, action, quiet)
        case Verb.ADD_TAG | Verb.REMOVE_TAG:
            return Finding(State.NOT_DONE, "the contacts' tags are read again, contact by contact")
        case _:
            return _run(account, decision, step, asked, quiet)


def _stop(account: Account, decision: Decision, quiet: bool) -> Finding:
    campaign = account.campaigns.get(decision.item_id)
    status = campaign.status if campaign else CampaignStatus.UNKNOWN
    if status in STOPPED_STATUSES:
        return Finding(State.DONE, f"the campaign is {status.value}")
    if status in (CampaignStatus.SCHEDULED, CampaignStatus.SENDING):
        if quiet:
            return Finding(State.NOT_DONE, f"the campaign is still {status.value}")
        return Finding(State.AMBIGUOUS, "waiting until the request cannot arrive any more")
    return Finding(State.NEEDS_HUMAN, f"the campaign is {status.value}")


def _copy(account: Account, decision: Decision, floor: str, quiet: bool) -> Finding:
    original = account.campaigns.get(decision.item_id)
    if original is None:
        return Finding(State.NEEDS_HUMAN, "the original is gone")
    known = set(account.ledger.copies(account.organization))
    found = [
        c for c in account.campaigns.newer_than(floor) if c.id not in known and is_visible_copy(c, original)
    ]
    if len(found) == 1:
        return Finding(State.DONE, f"one new copy, {found[0].id}", found[0].id)
    if found:
        return Finding(State.NEEDS_HUMAN, f"{len(found)} new copies: {', '.join(c.id for c in found)}")
    if quiet:
        return Finding(State.NOT_DONE, "no new copy")
    return Finding(State.AMBIGUOUS, "waiting until the request cannot arrive any more")


def _send(account: Account, action: ActionRecord, quiet: bool) -> Finding:
    copy_id = copy_of(action)
    copy = account.campaigns.get(copy_id)
    if copy is None:
        return Finding(State.NEEDS_HUMAN, f"the copy {copy_id} is gone")
    report = account.report_of(copy_id)
    counted = any(copy.counters.values()) or bool(report and any(report.counters.values()))
    on_its_way = (CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.COMPLETE)
    if counted or copy.status in on_its_way:
        return Finding(State.DONE, f"the copy is {copy.status.value}", copy_id)
    if copy.status is not CampaignStatus.DRAFT:
        return Finding(State.NEEDS_HUMAN, f"the copy {copy_id} is {copy.status.value}")
    if quiet:
        return Finding(State.NOT_DONE, f"the copy {copy_id} is still a draft")
    return Finding(State.AMBIGUOUS, "waiting until the request cannot arrive any more")


def _remote(decision: Decision, step: StepRecord, run_id: str) -> str:
    """What the proof goes by: the unique tag of an import, the run of anything else."""
    return decision.tag or run_id if step.verb is Verb.IMPORT_LIST else run_id


def console_rows(account: Account) -> tuple[ConsoleRow, ...]:
    """What is queued or running now; nothing where there is no Console, and nothing is concluded from that."""
    try:
        return account.dashboard.console().rows
    except NoConsole:
        return ()


def asked_rows(
    account: Account, decision: Decision, step: StepRecord, rows: Iterable[ActivityRow]
) -> list[ActivityRow]:
    """The runs that may be the one that was asked for: after the intent, and not their schedule's (decisions, 5).

    Where the log does not say who started a run, one at a due time of its job is its schedule's.
    """
    asked = step.when(State.INTENDED) or account.now()
    job_id = decision.item_id.partition("@")[0]
    since = began_after(step, asked)
    if step.verb is Verb.IMPORT_LIST:  # its unique tag says whose it is
        return [r for r in rows if r.tag == decision.tag and r.started >= since and r.manual is not False]
    job = account.site.jobs_by_id.get(job_id)
    return [
        row
        for row in rows
        if row.job_id == job_id
        and row.started >= since
        and (row.manual or (row.manual is None and job is not None and not _is_due(job, row)))
    ]


def _is_due(job: Job, row: ActivityRow) -> bool:
    """Whether a due time of the job would explain the run."""
    return bool(occurrences(job, row.started - job.grace, row.started + CLOCK_SKEW))


def _run(account: Account, decision: Decision, step: StepRecord, asked: datetime, quiet: bool) -> Finding:
    job_id = decision.item_id.partition("@")[0]
    rows = account.dashboard.activity(asked - timedelta(minutes=5), account.now()).rows
    for row in asked_rows(account, decision, step, rows):
        why = f"run {row.run_id} started after it was asked for"
        return Finding(State.DONE, why, _remote(decision, step, row.run_id))
    for run in console_rows(account):
        own = run.job_id == (f"import:{decision.tag}" if step.verb is Verb.IMPORT_LIST else job_id)
        if own and run.scheduled_for is None and (run.started or account.now()) >= asked:
            return Finding(
                State.DONE, f"run {run.run_id} is in the Console", _remote(decision, step, run.run_id)
            )
    if quiet:
        return Finding(State.NEEDS_HUMAN, "nothing shows that it started, and absence proves nothing")
    return Finding(State.AMBIGUOUS, "waiting for a row of it")
