"""One evening for the tests of the decision table: down from 18:00 to 21:05 in Chicago, looked at until 21:45.

The defaults are the plainest case that may be repaired; a test says only what is different in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading, CampaignReport
from pro2_reconciliation.domain.decide import decide_campaign, decide_occurrence
from pro2_reconciliation.domain.facts import Facts, OwnAction, campaign_facts
from pro2_reconciliation.domain.jobs import (
    ActivityLog,
    ActivityRow,
    Audience,
    Console,
    ConsoleRow,
    Counts,
    Job,
    Occurrence,
)
from pro2_reconciliation.domain.matching import Match
from pro2_reconciliation.domain.observation import CampaignState, Observation, OccurrenceState
from pro2_reconciliation.domain.occurrence_facts import OccurrenceEvidence, occurrence_facts
from pro2_reconciliation.domain.plan import Decision, Plan, Window
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import CampaignStatus, ItemKind, Outcome, ProcessType, Reach, Remedy

ZONE = "America/Chicago"
START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
END = START + timedelta(hours=3, minutes=5)
NOW = START + timedelta(hours=3, minutes=45)
DUE = START + timedelta(minutes=30)
WINDOW = Window(start=START, end=END, source="outage 3f2a", outage_known=True)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
COUNTERS = ("send_amt", "opens", "clicks", "bounces", "unsubscribes")
DEFAULT: Any = object()


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """A strategy that draws ``usual`` nine times of ten: a world in which little is wrong, so that it matters."""
    usual = usual if isinstance(usual, st.SearchStrategy) else st.just(usual)
    rest = [other if isinstance(other, st.SearchStrategy) else st.just(other) for other in others]
    return st.integers(0, 9).flatmap(lambda n: usual if n else st.one_of(rest))


def campaign(**more: Any) -> Campaign:
    """Scheduled for 18:30, still scheduled, nothing left."""
    plain = {
        "id": "103",
        "name": "Season opener",
        "status": CampaignStatus.SCHEDULED,
        "due": DUE,
        "created": START - timedelta(days=2),
        "modified": START - timedelta(days=1),
        "total_amt": 1200,
        "lists": ("1",),
        "messages": ("7",),
        "subject": "Curtain up",
    }
    return Campaign(**{**plain, **more})


def reading(of: Campaign | None = DEFAULT, at: datetime = NOW, *, unread: bool = False, **report: int):
    """A read at ``at`` with a report of these counters; ``unread``: the report could not be read."""
    of = campaign() if of is DEFAULT else of
    totals = None if unread or of is None else CampaignReport(campaign_id=of.id, **report)
    return CampaignReading(campaign=of, report=totals, read_at=at)


def watched(state: str = CampaignState.PENDING, **more: Any) -> Observation:
    plain = {
        "kind": ItemKind.CAMPAIGN,
        "item_id": "103",
        "name": "Season opener",
        "state": state,
        "seen_at": NOW - MINUTE,
        "source": "campaign list",
        "still_pending": True,
    }
    return Observation(**{**plain, **more})


def campaign_inputs(
    second: CampaignReading = DEFAULT,
    *,
    first: CampaignReading | None = DEFAULT,
    observation: Observation | None = DEFAULT,
    suspects: Sequence[Campaign] = (),
    look_alikes: Sequence[Campaign] = (),
    root: str | None = None,
    own: OwnAction | None = None,
    health: str = "open",
    policy: Policy = DEFAULT,
    now: datetime = NOW,
    left_at: datetime | None = None,
) -> dict[str, Any]:
    second = reading(at=now) if second is DEFAULT else second
    shown = second.campaign
    return {
        "reading": second,
        "first": reading(at=second.read_at - 30 * MINUTE) if first is DEFAULT else first,
        "observation": watched() if observation is DEFAULT else observation,
        "original_name": shown.name if shown else "Season opener",
        "window_start": START,
        "suspects": suspects,
        "look_alikes": look_alikes,
        "root": root or (shown.id if shown else "103"),
        "own": own,
        "health": health,
        "policy": Policy() if policy is DEFAULT else policy,
        "zone": ZONE,
        "now": now,
        "left_at": left_at,
    }


def facts_of_campaign(second: CampaignReading = DEFAULT, **more: Any) -> Facts:
    inputs = campaign_inputs(second, **more)
    return campaign_facts(inputs.pop("reading"), **inputs)


def decided(second: CampaignReading = DEFAULT, **more: Any) -> Decision:
    """The decision on a campaign; without arguments: pending in two reads and watched to the end."""
    inputs = campaign_inputs(second, **more)
    seen = inputs.pop("reading")
    return decide_campaign(
        seen,
        campaign_facts(seen, **inputs),
        item_id=seen.campaign.id if seen.campaign else "103",
        name=inputs["original_name"],
        root=f"campaign:{inputs['root']}",
        policy=inputs["policy"],
        observation=inputs["observation"],
    )


def job(kind: ProcessType = ProcessType.INTEGRATED_IMPORT, **more: Any) -> Job:
    """An import that starts no mail, a sync that is configured, a trigger with an exact evening's audience."""
    plain: dict[str, Any] = {
        "organization": "playhouse",
        "id": "j-1",
        "name": "Nightly job",
        "process_type": kind,
        "cron": "30 18 * * *",
        "zone": ZONE,
        "starts_mail": "no",
        "adds_to_list": False,
    }
    if kind is ProcessType.DATA_SYNC:
        plain |= {"tessitura_list": "501", "sync_tag": "Members", "mode": "add_only"}
    if kind is ProcessType.SCHEDULED_TRIGGER:
        plain |= {"automation": "12", "reentry": "once"}
        plain |= {"audience": Audience(kind="exact", window_hours=14, valid_hours=9)}
    return Job(**{**plain, **more})


def due(at: datetime = DUE, *, following: datetime | None = DUE + 24 * HOUR) -> Occurrence:
    return Occurrence(organization="playhouse", job_id="j-1", due=at, next_due=following)


def row(at: datetime = DUE, outcome: Outcome = Outcome.SUCCESS, **more: Any) -> ActivityRow:
    plain = {"run_id": f"r{at:%d%H%M}", "process_type": None, "manual": False}
    return ActivityRow(
        organization="playhouse", job_id="j-1", started=at, outcome=outcome, **{**plain, **more}
    )


def running(at: datetime = DUE, run: str | None = None, **more: Any) -> ConsoleRow:
    plain = {"running": True, "started": at}
    return ConsoleRow(
        organization="playhouse", job_id="j-1", run_id=run or f"r{at:%d%H%M}", **{**plain, **more}
    )


def log(*rows: ActivityRow, as_of: datetime = NOW) -> ActivityLog:
    """A readable log: it always holds a run of another job."""
    other = ActivityRow(
        organization="playhouse",
        run_id="other",
        process_type=None,
        job_id="j-9",
        started=START,
        outcome=Outcome.SUCCESS,
    )
    return ActivityLog(as_of=as_of, rows=(other, *rows))


def console(*rows: ConsoleRow, as_of: datetime = NOW) -> Console:
    return Console(as_of=as_of, rows=rows)


def evidence(of: Job = DEFAULT, found: ActivityRow | None = None, **more: Any) -> OccurrenceEvidence:
    """An occurrence with its own row (None: no trace) and readable sources that show nothing else."""
    of = job() if of is DEFAULT else of
    occurrence = more.pop("occurrence", due())
    own = Match(occurrence, found, more.pop("late", False), more.pop("by_hand", None))
    older, newer = more.pop("older", ()), more.pop("newer", ())
    plain = {
        "siblings": (*older, own, *newer),
        "log": log(),
        "console": console(),
        "matched_before": 3,
        "entries": 0,
        "awaited": occurrence.next_due,
    }
    return OccurrenceEvidence(occurrence=occurrence, job=of, match=own, **{**plain, **more})


def facts_of_occurrence(of: OccurrenceEvidence, now: datetime = NOW, policy: Policy = DEFAULT) -> Facts:
    return occurrence_facts(of, policy=Policy() if policy is DEFAULT else policy, zone=ZONE, now=now)


def judged(of: Job = DEFAULT, found: ActivityRow | None = None, now: datetime = NOW, **more: Any) -> Decision:
    """The decision on an occurrence; without arguments: an import that left no trace anywhere."""
    observation = more.pop("observation", DEFAULT)
    if observation is DEFAULT:
        observation = watched(OccurrenceState.NO_TRACE, kind=ItemKind.OCCURRENCE, item_id="j-1")
    shown = evidence(of, found, **more)
    return decide_occurrence(
        shown, facts_of_occurrence(shown, now), tag="reconcile j-1", observation=observation
    )


def decision(**more: Any) -> Decision:
    plain = {
        "kind": ItemKind.CAMPAIGN,
        "item_id": "103",
        "name": "Season opener",
        "root": "campaign:103",
        "rule": "C4",
        "remedy": Remedy.NONE,
        "reach": Reach.DATA,
        "reason": "sent on time",
    }
    return Decision(**{**plain, **more})


def plan(*decisions: Decision, **more: Any) -> Plan:
    plain = {
        "organization": "playhouse",
        "zone": ZONE,
        "window": WINDOW,
        "created_at": NOW,
        "ledger_uuid": "u-1",
        "ledger_epoch": 1,
        "run": "manual__1",
    }
    return Plan(**{**plain, **more}, decisions=decisions)


SYNC = job(ProcessType.DATA_SYNC)
IMPORT = job(ProcessType.INTEGRATED_IMPORT)
TRIGGER = job(ProcessType.SCHEDULED_TRIGGER)
TRANSFER = job(ProcessType.SEGMENT_TRANSFER)
ADDRESSES = job(ProcessType.EADDRESS_CHANGES)
EVERY_JOB = [SYNC, IMPORT, TRIGGER, TRANSFER, ADDRESSES]
FAILED = row(outcome=Outcome.FULL_ERROR)
STOPPED = row(outcome=Outcome.STOPPED)
GOING = row(outcome=Outcome.IN_PROGRESS)
LATER = row(DUE + 2 * HOUR)
GRACE = timedelta(minutes=10)


def outcome(decision):
    return decision.rule, decision.remedy


def partial(failed: int, returned: int = 100):
    return row(outcome=Outcome.PARTIAL_ERROR, counts=Counts(returned=returned, failed=failed))


def missed(at, **more):
    return Match(due(at), **more)
