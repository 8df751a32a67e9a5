"""Turn one poll of the whole account into one observation per watched item.

One list of campaigns, one Activity Log and one Console serve every item; what belongs to a single item is only
remembered here (since when a counter stood still). A part that could not be read leaves its items as they were
last seen, with the error noted: a failed poll never makes anything look broken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.inventory import Inventory, WatchItem
from pro2_reconciliation.domain.jobs import ActivityLog, Console, Job
from pro2_reconciliation.domain.lineage import Lineup, live
from pro2_reconciliation.domain.matching import CLOCK_SKEW, Match, match
from pro2_reconciliation.domain.observation import CampaignState, Observation, OccurrenceState
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.states import UNSETTLED, campaign_state, console_row_of, occurrence_state
from pro2_reconciliation.domain.windows import touched_campaigns
from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.repair.suspects import suspect_since

GAP = timedelta(minutes=15)
"""Nobody looked at an item for longer than this: Airflow was away, or could not read."""
LOG_LEAD = timedelta(hours=1)
"""So long before the first due time the Activity Log is read."""


@dataclass(frozen=True)
class Snapshot:
    """One poll: None where a part could not be read, with the reason in ``errors``, or nobody waits for it.

    ``log_from``: the log was read from then on, so of what was due before it says nothing; None: all of it was.
    """

    read_at: datetime
    campaigns: tuple[Campaign, ...] | None = None
    log: ActivityLog | None = None
    console: Console | None = None
    errors: tuple[str, ...] = ()
    log_from: datetime | None = None

    def shows(self, due: datetime, lead: timedelta = timedelta(0)) -> bool:
        """Whether the log was read from ``lead`` before a due time on."""
        return self.log_from is None or self.log_from <= due - lead


def needs_watching(state: str, campaign: Campaign | None) -> bool:
    """Whether time alone may change the item: an unsettled state of something that we could repair."""
    if state not in UNSETTLED:
        return False
    if campaign is None:
        return True
    return campaign.type == "single" and not campaign.recurring and not campaign.from_automation


def observe_campaign(
    campaign_id: str, name: str, reading: CampaignReading, now: datetime, policy: Policy, source: str
) -> Observation:
    """A first observation of one campaign."""
    return Observation(
        kind=ItemKind.CAMPAIGN,
        item_id=campaign_id,
        name=name,
        state=campaign_state(reading, now, policy),
        seen_at=now,
        first_agreed=now,
        source=source,
        reading=reading,
    )


def observe_occurrence(
    found: Match, job: Job, console: Console | None, now: datetime, source: str
) -> Observation:
    """A first observation of one occurrence."""
    occurrence = found.occurrence
    own = console_row_of(occurrence, job, console.of(job.id) if console else (), found.row)
    state = occurrence_state(found.row, own, late=found.late)
    if found.repaired_by_hand is not None and state is not OccurrenceState.IN_PROGRESS:
        state = OccurrenceState.SUCCEEDED
    return Observation(
        kind=ItemKind.OCCURRENCE,
        item_id=occurrence.key,
        name=job.name,
        state=state,
        seen_at=now,
        first_agreed=now,
        source=source,
        row=found.row or found.repaired_by_hand,
        console=own,
    )


@dataclass
class Observer:
    """Remembers, across polls, when each item's state and counter last changed."""

    site: Site
    inventory: Inventory
    _last: dict[str, Observation] = field(default_factory=dict)
    _moved: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Site, inventory: Inventory) -> Observer:
        observer = cls(site, inventory)
        observer._last = dict(inventory.observations)
        for seen in inventory.observations.values():
            if seen.reading is not None and seen.reading.campaign is not None:
                observer._moved[seen.item_id] = (seen.reading.campaign.send_amt, seen.reading.read_at)
        return observer

    def observe(self, snapshot: Snapshot) -> dict[str, Observation]:
        """Item key to what is known of it now; an item of a part that was not read keeps its last observation."""
        if snapshot.campaigns is not None:
            lineup = Lineup(snapshot.campaigns)
            for campaign in snapshot.campaigns:
                if campaign.unreadable:
                    continue  # as if it had not been read at all
                reading = CampaignReading(campaign=campaign, report=None, read_at=snapshot.read_at)
                seen = observe_campaign(
                    campaign.id, campaign.name, reading, snapshot.read_at, self.site.policy, "campaign list"
                )
                self._note(self._flat(seen, campaign, snapshot), by_hand=self._by_hand(campaign, lineup))
        if snapshot.log is not None:
            jobs = self.site.jobs_by_id
            # those just before the edge are matched too: each has the first claim to its own row
            due = [one for one in self.inventory.occurrences if snapshot.shows(one.due, CLOCK_SKEW)]
            matches = match(due, snapshot.log.rows, jobs)
            for one in due:
                if not snapshot.shows(one.due, LOG_LEAD):
                    continue
                found, job = matches.of(one), jobs[one.job_id]
                if found.row is None and not found.repaired_by_hand and snapshot.console is None:
                    continue
                self._note(
                    observe_occurrence(
                        found, job, snapshot.console, snapshot.read_at, "activity log and console"
                    )
                )
        return dict(self._last)

    def judged_at(self, key: str) -> datetime | None:
        """When an item whose counter stands still counts as partly sent (rule C9), if it stands still until then."""
        seen = self._last.get(key)
        if seen is None or seen.state is not CampaignState.IN_FLIGHT or seen.item_id not in self._moved:
            return None
        return self._moved[seen.item_id][1] + timedelta(seconds=self.site.policy.partly_sent_flat_seconds)

    def _note(self, seen: Observation, *, by_hand: str = "") -> None:
        before = self._last.get(seen.key)
        gap = before is not None and seen.seen_at - before.seen_at > GAP
        same = before is not None and before.state == seen.state and not gap
        self._last[seen.key] = seen.model_copy(
            update={
                "reads": before.reads + 1 if same and before else 1,
                "first_agreed": before.first_agreed if same and before else seen.seen_at,
                "after_gap": seen.seen_at if gap else before.after_gap if before else None,
                "note": by_hand,
            }
        )

    def _by_hand(self, campaign: Campaign, lineup: Lineup) -> str:
        since = suspect_since(self.inventory.since(f"campaign:{campaign.id}"), campaign)
        copies, _ = lineup.suspects(campaign, since)
        return ", ".join(f"«{c.name}» ({c.id})" for c in copies if live(c))

    def _flat(self, seen: Observation, campaign: Campaign, snapshot: Snapshot) -> Observation:
        """In flight, but its counter stood still for the policy's time: partly sent (rule C9)."""
        if seen.state is not CampaignState.IN_FLIGHT:
            return seen
        amount, since = self._moved.get(campaign.id, (-1, snapshot.read_at))
        if amount != campaign.send_amt:
            self._moved[campaign.id] = (campaign.send_amt, snapshot.read_at)
            return seen
        if snapshot.read_at - since < timedelta(seconds=self.site.policy.partly_sent_flat_seconds):
            return seen
        return seen.model_copy(update={"state": CampaignState.PARTLY_SENT})


def verdict(item: WatchItem, seen: Observation | None, now: datetime, *, waived: bool) -> Observation | None:
    """The observation that ends the watch of one item, or None: keep watching.

    It ends when the item settled, was repaired by hand, the wait was waived (after the read gap), or at the
    deadline, which is absolute: then it says "still pending" and does not fail. A deadline that passed while nobody
    looked counts as no observation (invariant 11): "unknown". Whoever looks again by then (Airflow was away, its
    triggerer was started anew) waits for a second read first, however late that is.
    """
    if seen is not None and (
        not needs_watching(seen.state, seen.reading.campaign if seen.reading else None) or seen.note
    ):
        return seen
    lately = seen is not None and now - seen.seen_at <= GAP
    agreed = seen is not None and lately and _agreed(item, seen)
    ended = now >= item.deadline or (waived and (agreed or seen is None) and now >= item.not_before)
    # it cannot wait for ever: when reading fails again, what was seen is not of lately any more
    if not ended or (lately and not agreed):
        return None
    if seen is None or not agreed:
        return Observation(
            kind=item.kind,
            item_id=item.item_id,
            name=item.name,
            state="unknown",
            seen_at=now,
            source="nothing",
            note="nobody looked when its time was up" if seen else "it was never read while it was watched",
        )
    return seen.model_copy(update={"still_pending": True, "waived": waived and now < item.deadline})


def _agreed(item: WatchItem, seen: Observation) -> bool:
    """Whether it was read for the read gap since the last time that nobody had looked."""
    since = seen.after_gap
    return since is None or seen.seen_at - since >= timedelta(seconds=item.read_gap_seconds)


def watch_span(inventory: Inventory, site: Site, watched: Collection[str]) -> tuple[datetime, datetime]:
    """(oldest due time of a watched campaign, from when the Activity Log is read) for a poll about ``watched``.

    In: item keys. A campaign without a due time may stand anywhere in the window; a log is read from an hour before.
    """
    edge = touched_campaigns(inventory.window, site.policy).start
    dues = {
        f"{ItemKind.CAMPAIGN.value}:{key}": reading.campaign.due
        for key, reading in inventory.readings.items()
        if reading.campaign and reading.campaign.due
    }
    due = {f"{ItemKind.OCCURRENCE.value}:{one.key}": one.due for one in inventory.occurrences}
    known = [dues.get(key, edge) for key in watched if key.startswith(f"{ItemKind.CAMPAIGN.value}:")]
    asked = [due[key] for key in watched if key in due]
    return min(known, default=edge), min(asked, default=inventory.window.start) - LOG_LEAD


def poll(
    campaigns: Callable[[], Sequence[Campaign]] | None,
    log: Callable[[], ActivityLog] | None,
    console: Callable[[], Console] | None,
    now: Callable[[], datetime],
    *,
    log_from: datetime | None = None,
) -> Snapshot:
    """Read the parts that are wanted; one that fails is None and named in ``errors``."""
    errors: list[str] = []
    parts: list[object] = []
    for read in (campaigns, log, console):
        try:
            parts.append(read() if read is not None else None)
        except RequestError as error:
            errors.append(str(error))
            parts.append(None)
    listed, activity, running = parts
    return Snapshot(
        read_at=now(),
        campaigns=tuple(listed) if listed is not None else None,  # type: ignore[arg-type]
        log=activity if isinstance(activity, ActivityLog) else None,
        console=running if isinstance(running, Console) else None,
        errors=tuple(errors),
        log_from=log_from,
    )
