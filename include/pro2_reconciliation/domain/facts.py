"""Everything that the decision table asks of a campaign, worked out once.

A fact is a boolean that a rule may name; words fill the sentences. The functions are pure: what was read comes in,
nothing is fetched. A fact that cannot be known is False in the direction that does not act.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.lineage import live, may_go_out
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.observation import CampaignState, Observation
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.states import campaign_state
from pro2_reconciliation.domain.words import CampaignStatus, Remedy

MIN_HELD = 2
"""So many campaigns due after the outage must hang, and none be mailed, before it looks like an account hold."""

_HALTED = frozenset(
    {CampaignStatus.STOPPED, CampaignStatus.DISABLED, CampaignStatus.PAUSED, CampaignStatus.DRAFT}
)


@dataclass(frozen=True)
class Facts:
    """``flags`` for the conditions, ``words`` for the sentences."""

    flags: dict[str, bool]
    words: dict[str, Any] = field(default_factory=dict)

    def holds(self, condition: str) -> bool:
        """Whether a condition holds. Raises KeyError for a condition that no fact answers."""
        if condition.startswith("not "):
            return not self.flags[condition[4:]]
        return self.flags[condition]


@dataclass(frozen=True)
class OwnAction:
    """What the ledger says of our latest action on an item: ``state`` is done, open or needs_human."""

    state: str
    text: str
    remedy: Remedy = Remedy.NONE


def campaign_facts(
    reading: CampaignReading,
    *,
    first: CampaignReading | None,
    observation: Observation | None,
    original_name: str,
    window_start: datetime,
    suspects: Sequence[Campaign],
    look_alikes: Sequence[Campaign],
    root: str,
    own: OwnAction | None,
    health: str,
    policy: Policy,
    zone: str,
    now: datetime,
    left_at: datetime | None = None,
) -> Facts:
    """The facts of one campaign from its fresh ``reading``.

    ``first`` is the reading of the inventory (the earlier of the two reads), ``observation`` what watching ended
    with; None means that it was not watched or that its sensor failed. ``window_start``: of the window that it came
    from, which is an earlier one for what has been open since. ``left_at``: when a snapshot after its due time had it
    scheduled no more.
    """
    state = campaign_state(reading, now, policy)
    campaign = reading.campaign
    if (
        observation is not None
        and observation.state == CampaignState.UNKNOWN
        and state is CampaignState.PENDING
    ):
        state = CampaignState.UNKNOWN
    if state is CampaignState.PENDING and began(first.campaign if first else None, campaign):
        state = CampaignState.IN_FLIGHT
    flat = observation is not None and observation.state == CampaignState.PARTLY_SENT
    if flat and state is CampaignState.IN_FLIGHT:
        state = CampaignState.PARTLY_SENT
    modified = campaign.modified if campaign else None
    halted_before = (
        campaign is not None
        and campaign.status in _HALTED
        and modified is not None
        and modified < window_start
    )
    zero_twice = (
        first is not None
        and first.zero_everywhere
        and reading.zero_everywhere
        and reading.read_at - first.read_at >= timedelta(seconds=policy.read_gap_seconds)
    )
    by_hand = [c for c in suspects if live(c)]
    alike = [c for c in look_alikes if may_go_out(c)]
    status = campaign.status.value.replace("_", " ") if campaign else "gone"
    due = next((r.campaign.due for r in (reading, first) if r and r.campaign and r.campaign.due), None)
    send_by = policy.send_by(campaign) if campaign else now
    flags = {
        "ours_done": own is not None and own.state == "done",
        "ours_open": own is not None and own.state == "open",
        "ours_needs_human": own is not None and own.state == "needs_human",
        "ours_holds_back": own is not None and own.remedy is Remedy.HOLD_BACK,
        "from_automation": campaign is not None and campaign.from_automation,
        "halted_before": halted_before,
        "our_copy": campaign is not None and root != campaign.id,
        "sent": state is CampaignState.SENT,
        "due_later": state is CampaignState.DUE_LATER,
        "repaired_by_hand": bool(by_hand),
        "copied_by_hand": bool(suspects),
        "look_alike": bool(alike),
        "counters_disagree": state is CampaignState.COUNTERS_DISAGREE,
        "left_schedule": left_at is not None,
        "plain": campaign is None
        or (campaign.type == "single" and not campaign.recurring and not campaign.awaiting_winner),
        "in_flight": state is CampaignState.IN_FLIGHT,
        "partly_sent": state is CampaignState.PARTLY_SENT,
        "complete_empty": state is CampaignState.COMPLETE_EMPTY,
        "pending": state is CampaignState.PENDING,
        "zero_twice": zero_twice,
        "watched_to_the_end": observation is not None
        and observation.state == CampaignState.PENDING
        and (observation.still_pending or observation.waived),
        "big_enough": campaign is not None
        and (
            campaign.status is CampaignStatus.SCHEDULED
            or campaign.total_amt >= policy.min_sending_recipients
            or policy.predictive_sending == "never"
        ),
        "before_send_by": campaign is not None and campaign.due is not None and now < send_by,
        "health_closed": health == "closed",
        "approval_hold": state is CampaignState.APPROVAL_HOLD,
        "halted": state is CampaignState.HALTED,
        "draft_or_gone": state in (CampaignState.DRAFT, CampaignState.GONE),
    }
    words = {
        "name": original_name,
        "state": f"{state.value} ({campaign.unreadable})"
        if campaign and campaign.unreadable
        else state.value,
        "status": status,
        "ours": own.text if own else "",
        "root": root,
        "series_id": campaign.series_id if campaign else "",
        "type": campaign.type if campaign and not campaign.recurring else "recurring",
        "send_amt": campaign.send_amt if campaign else 0,
        "total_amt": campaign.total_amt if campaign else 0,
        "sent_note": _sent_note(campaign, policy) if campaign else "",
        "due_text": local(due, zone) if due else "an unknown time",
        "send_by_text": local(send_by, zone),
        "counters_text": signs_of(reading, zone),
        "left_text": local(left_at, zone) if left_at else "",
        "suspects": _names(by_hand or suspects),
        "look_alikes": _names(alike),
    }
    return Facts(flags, words)


def _sent_note(campaign: Campaign, policy: Policy) -> str:
    """ "on time", "late by ..." or "short": fewer than the policy's share of its recipients."""
    notes = []
    if campaign.due and campaign.last_sent and campaign.last_sent - campaign.due > timedelta(minutes=5):
        minutes = int((campaign.last_sent - campaign.due).total_seconds() // 60)
        notes.append(f"late by {minutes // 60} h {minutes % 60} min")
    if campaign.total_amt and campaign.send_amt < policy.short_share * campaign.total_amt:
        notes.append(f"short: {campaign.send_amt} of {campaign.total_amt}")
    return ", ".join(notes) or "on time"


def began(before: Campaign | None, now: Campaign | None) -> bool:
    """Whether it began to go out between two reads; its counters may still be 0, or off."""
    if before is None or now is None:
        return False
    return before.status is CampaignStatus.SCHEDULED and now.status is CampaignStatus.SENDING


def signs_of(reading: CampaignReading, zone: str) -> str:
    """What speaks of mail that left: the higher of each counter and, where all are 0, when it was last sent."""
    counters = dict(reading.campaign.counters) if reading.campaign else {}
    for key, value in (reading.report.counters if reading.report else {}).items():
        counters[key] = max(counters.get(key, 0), value)
    counted = ", ".join(f"{key} {value}" for key, value in counters.items() if value)
    sent = reading.campaign.last_sent if reading.campaign else None
    return counted or (f"last sent {local(sent, zone)}" if sent else "nothing")


def _names(campaigns: Sequence[Campaign]) -> str:
    return ", ".join(f"«{c.name}» ({c.id}, {c.status.value})" for c in campaigns)


def health_of(
    *,
    window_end: datetime,
    campaigns: Sequence[Campaign],
    successes_since: int,
    now: datetime,
    policy: Policy,
) -> str:
    """The health gate of invariant 6: "open", "unproven" or "closed", by what was due AFTER the outage only."""
    after = [c for c in campaigns if c.due and c.due >= window_end and not c.from_automation]
    mailed = [c for c in campaigns if c.send_amt and c.last_sent and c.last_sent >= window_end]
    held = [
        c
        for c in after
        if campaign_state(CampaignReading(campaign=c, report=None, read_at=now), now, policy)
        is CampaignState.PENDING
    ]
    if len(held) >= MIN_HELD and not mailed:
        return "closed"
    return "open" if mailed or successes_since else "unproven"
