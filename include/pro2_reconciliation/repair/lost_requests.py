"""Find out what became of a request of unknown outcome: read, never resend.

What each sight proves stands in ``evidence.py``; here is how it is looked for, and from when on an absence counts.
It fails with the errors of the ports: what cannot be read is not settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_reconciliation.domain.errors import NoConsole
from pro2_reconciliation.domain.jobs import ActivityRow, ConsoleRow, Job
from pro2_reconciliation.domain.lineage import is_visible_copy
from pro2_reconciliation.domain.matching import CLOCK_SKEW
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.schedule import occurrences
from pro2_reconciliation.domain.states import GOING, STOPPED_STATUSES, WENT
from pro2_reconciliation.domain.words import CampaignStatus, Verb
from pro2_reconciliation.ledger import ActionRecord, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.effects import copy_of
from pro2_reconciliation.repair.evidence import EVIDENCE_OF, Sight

MANUAL = "manual"
"""Stands in the details of an intent that a person was asked to carry out."""
LEAVES_BY = "leaves_by"
"""Stands in the details of an intent that we carry out: until when its request may leave (ISO, UTC)."""
LONGEST_REQUEST = timedelta(seconds=130)
"""The longest that a connection may let one request take: 10 s for connecting, 120 s for the answer."""
LONGEST_PAUSE = 30.0
"""Seconds between two looks at most: the lease of the step is renewed in between."""
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
    """``state`` DONE, NOT_DONE, NEEDS_HUMAN, or AMBIGUOUS: look again later. ``looks``: so many in a row prove it."""

    state: State
    why: str
    remote_id: str | None = None
    looks: int = 1


@dataclass(frozen=True)
class _Seen:
    sight: Sight
    why: str
    remote_id: str | None = None


def find_out(
    account: Account, decision: Decision, action: ActionRecord, step: StepRecord, floor: str
) -> Finding:
    """Read what became of a request that left at the step's intent. ``floor``: highest campaign id before it."""
    if step.when(State.INTENDED) is None:
        return Finding(State.NOT_DONE, "it was never sent")
    seen = _look(account, decision, action, step, floor)
    proof = EVIDENCE_OF[step.verb].of(seen.sight)
    if proof.quiet and account.now() < quiet_until(account, step):
        return Finding(State.AMBIGUOUS, f"{seen.why}; waiting until the request cannot arrive any more")
    return Finding(proof.state, seen.why, seen.remote_id, proof.looks)


def look_until_settled(
    account: Account,
    plan: Plan,
    decision: Decision,
    action: ActionRecord,
    step: StepRecord,
    *,
    keep_alive: Callable[[], object],
) -> Finding:
    """Look until something is proven, in as many looks in a row as that takes. Raises what a look raises."""
    gap = timedelta(seconds=account.policy.read_gap_seconds)
    first: tuple[State, datetime] | None = None
    while True:
        finding = find_out(account, decision, action, step, floor_of(plan, step))
        now = account.now()
        if finding.state is not State.AMBIGUOUS and finding.looks == 1:
            return finding
        if first is None or first[0] is not finding.state:
            first = (finding.state, now)
        elif finding.state is not State.AMBIGUOUS and now - first[1] >= gap:
            return finding
        keep_alive()
        account.clock.sleep(min(account.policy.poll_seconds, LONGEST_PAUSE))


def landed_before(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord, step_id: int
) -> Finding | None:
    """A no may be the answer to the second of two: an earlier one was late, or a proxy delivered it twice.

    Raises what the look raises: then nobody knows.
    """
    step = account.ledger.step(step_id)
    finding = find_out(account, decision, action, step, floor_of(plan, step))
    return finding if finding.state is State.DONE else None


def floor_of(plan: Plan, step: StepRecord) -> str:
    """The highest campaign id before a copy was asked for."""
    intent = step.move_to(State.INTENDED)
    return str((intent.details or {}).get("floor", plan.floor_id)) if intent else plan.floor_id


def quiet_until(account: Account, step: StepRecord) -> datetime:
    """From when (UTC) an absence counts: its sender has given up or is fenced off, and the quiet time has passed.

    A sender that died may have been stopped only, and wakes; until its lease had ended it could still send.
    """
    intent, given_up = step.move_to(State.INTENDED), step.when(State.AMBIGUOUS)
    if given_up is None:
        given_up = intent.at if intent else account.now()
        leaves_by = (intent.details or {}).get(LEAVES_BY) if intent else None
        if leaves_by is not None:
            given_up = datetime.fromisoformat(leaves_by) + LONGEST_REQUEST
    return given_up + timedelta(seconds=account.policy.quiet_seconds)


def _look(account: Account, decision: Decision, action: ActionRecord, step: StepRecord, floor: str) -> _Seen:
    match step.verb:
        case Verb.STOP_CAMPAIGN:
            return _stop(account, decision)
        case Verb.COPY_CAMPAIGN:
            return _copy(account, decision, floor)
        case Verb.SEND_CAMPAIGN:
            return _send(account, action)
        case Verb.STOP_RUN:
            return _stop_run(account, decision)
        case Verb.ADD_TAG | Verb.REMOVE_TAG:
            return _Seen(Sight.EACH_CONTACT, "the contacts' tags are read again, contact by contact")
        case _:
            return _run(account, decision, step)


def _stop(account: Account, decision: Decision) -> _Seen:
    campaign = account.campaigns.get(decision.item_id)
    status = campaign.status if campaign else CampaignStatus.UNKNOWN
    if status in STOPPED_STATUSES:
        return _Seen(Sight.HALTED, f"the campaign is {status.value}")
    if status in GOING:
        return _Seen(Sight.PENDING, f"the campaign is still {status.value}")
    return _Seen(Sight.ANOTHER_STATUS, f"the campaign is {status.value}")


def _copy(account: Account, decision: Decision, floor: str) -> _Seen:
    original = account.campaigns.get(decision.item_id)
    if original is None:
        return _Seen(Sight.NO_ORIGINAL, "the original is gone")
    young = account.campaigns.newer_than(floor)
    known = account.ledger.copies_among(account.organization, [one.id for one in young])
    found = [c for c in young if c.id not in known and is_visible_copy(c, original)]
    if len(found) == 1:
        return _Seen(Sight.ONE_COPY, f"one new copy, {found[0].id}", found[0].id)
    if found:
        return _Seen(Sight.SEVERAL_COPIES, f"{len(found)} new copies: {', '.join(c.id for c in found)}")
    return _Seen(Sight.NO_COPY, "no new copy")


def _send(account: Account, action: ActionRecord) -> _Seen:
    copy_id = copy_of(action)
    copy = account.campaigns.get(copy_id)
    if copy is None:
        return _Seen(Sight.NO_DRAFT, f"the copy {copy_id} is gone")
    report = account.report_of(copy_id)
    counted = any(copy.counters.values()) or bool(report and any(report.counters.values()))
    if counted or copy.status in WENT:
        return _Seen(Sight.LEAVING, f"the copy is {copy.status.value}", copy_id)
    if copy.status is not CampaignStatus.DRAFT:
        return _Seen(Sight.NO_DRAFT, f"the copy {copy_id} is {copy.status.value}")
    return _Seen(Sight.DRAFT, f"the copy {copy_id} is still a draft")


def _stop_run(account: Account, decision: Decision) -> _Seen:
    job_id = decision.item_id.partition("@")[0]
    try:
        running = [row for row in account.dashboard.console().of(job_id) if row.running]
    except NoConsole:
        return _Seen(Sight.NO_CONSOLE, "there is no Console that shows whether it was stopped")
    if running:
        return _Seen(Sight.RUNNING, "it is still in the Console")
    if decision.observation is None or decision.observation.console is None:
        return _Seen(
            Sight.NEVER_RUNNING, "it never was in the Console, and the answer to the stop is not known"
        )
    return _Seen(Sight.NOT_RUNNING, "it is not in the Console any more")


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
    """The runs that may be the one asked for: after the intent, and not their schedule's (docs/lost-requests.md).

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
    return bool(occurrences(job, row.started - job.grace, row.started + CLOCK_SKEW + timedelta.resolution))


def _run(account: Account, decision: Decision, step: StepRecord) -> _Seen:
    asked = step.when(State.INTENDED) or account.now()
    job_id = decision.item_id.partition("@")[0]
    rows = account.dashboard.activity(began_after(step, asked), account.now()).rows
    for row in asked_rows(account, decision, step, rows):
        why = f"run {row.run_id} started after it was asked for"
        return _Seen(Sight.RUN, why, _remote(decision, step, row.run_id))
    for run in console_rows(account):
        own = run.job_id == (f"import:{decision.tag}" if step.verb is Verb.IMPORT_LIST else job_id)
        if own and run.scheduled_for is None and (run.started or account.now()) >= asked:
            why = f"run {run.run_id} is in the Console"
            return _Seen(Sight.RUN, why, _remote(decision, step, run.run_id))
    return _Seen(Sight.NO_RUN, "nothing shows that it started, and absence proves nothing")
