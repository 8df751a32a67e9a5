"""The same results by plain Python, simply and honestly: what the core is measured against.

No pandas, no index, no cache: what somebody writes who knows the rules and wants to be done. The decision table itself
is shared, so a plan is compared in how its facts are gathered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.decide import decide_campaign, decide_occurrence
from pro2_reconciliation.domain.drift import Drift
from pro2_reconciliation.domain.facts import campaign_facts, health_of
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.jobs import ActivityRow, Job, Occurrence
from pro2_reconciliation.domain.lineage import is_visible_copy, look_alike
from pro2_reconciliation.domain.matching import CLOCK_SKEW, Match
from pro2_reconciliation.domain.occurrence_facts import OccurrenceEvidence, awaited_run, occurrence_facts
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.schedule import previous
from pro2_reconciliation.domain.usual import usual_count, usual_failed_share
from pro2_reconciliation.domain.words import Outcome
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.drift import unique_tag

LEAD = timedelta(hours=30)
"""So far before the window the log is read: for what is usual of an hourly job."""


def match(
    occurrences: Sequence[Occurrence], rows: Sequence[ActivityRow], jobs: Mapping[str, Job]
) -> dict[str, Match]:
    """Each due time with its row, job by job: nearest pairs in time first, then late rows, then those by hand.

    For occurrences without a gap between them, so that nothing due in between has a claim.
    """
    due_of: dict[str, list[Occurrence]] = defaultdict(list)
    rows_of: dict[str, list[ActivityRow]] = defaultdict(list)
    for one in occurrences:
        due_of[one.job_id].append(one)
    for row in rows:
        rows_of[row.job_id].append(row)
    found: dict[str, Match] = {}
    for job_id, dues in due_of.items():
        dues.sort(key=lambda one: one.due)
        own = sorted(rows_of[job_id], key=lambda row: (row.started, row.run_id))
        for one, at in _of_job(dues, own, jobs[job_id]).items():
            found[dues[one].key] = at
    return found


def _of_job(dues: list[Occurrence], rows: list[ActivityRow], job: Job) -> dict[int, Match]:
    scheduled = [number for number, row in enumerate(rows) if row.manual is not True]
    pairs = []
    first = 0
    for number in scheduled:
        started = rows[number].started
        while first < len(dues) and dues[first].due + job.grace < started:
            first += 1
        for place in range(first, len(dues)):
            due = dues[place].due
            if due - CLOCK_SKEW > started:
                break
            pairs.append((abs(due - started), min(due, started), place, number))
    taken: dict[int, int] = {}
    used: set[int] = set()
    for _, _, place, number in sorted(pairs):
        if place not in taken and number not in used:
            taken[place] = number
            used.add(number)
    late: set[int] = set()
    for number in scheduled:
        if number in used:
            continue
        for place in range(len(dues) - 1, -1, -1):
            if dues[place].due <= rows[number].started and place not in taken:
                taken[place] = number
                late.add(place)
                break
    by_hand: dict[int, int] = {}
    for number, row in enumerate(rows):
        if row.manual is True and row.outcome not in (Outcome.FULL_ERROR, Outcome.STOPPED):
            for place in range(len(dues) - 1, -1, -1):
                ran = taken.get(place)
                in_need = ran is None or rows[ran].outcome is not Outcome.SUCCESS
                if dues[place].due <= row.started and place not in by_hand and in_need:
                    by_hand[place] = number
                    break
    return {
        place: Match(
            one,
            rows[taken[place]] if place in taken else None,
            place in late,
            rows[by_hand[place]] if place in by_hand else None,
        )
        for place, one in enumerate(dues)
    }


def drift(should: Iterable[str], have: Iterable[str]) -> Drift:
    """Both sorted and walked side by side, as one does with two lists."""
    left, right = sorted(should), sorted(have)
    add, remove = [], []
    one = other = 0
    while one < len(left) or other < len(right):
        if other == len(right) or (one < len(left) and left[one] < right[other]):
            add.append(left[one])
            one += 1
        elif one == len(left) or right[other] < left[one]:
            remove.append(right[other])
            other += 1
        else:
            one, other = one + 1, other + 1
    return Drift("", "", len(left), len(right), frozenset(add), frozenset(remove))


def plan(account: Account, inventory: Inventory) -> list[Decision]:
    """The decisions on the campaigns and occurrences of an inventory in which nothing is watched any more."""
    policy, zone, now = account.policy, account.zone, account.now()
    window = inventory.window
    listed = {one.id: one for one in account.campaigns.scheduled_since(window.start - LEAD)}
    log = account.dashboard.activity(window.start - LEAD, now)
    console = account.dashboard.console()
    jobs = {job.id: job for job in account.site.jobs}
    health = health_of(
        window_end=window.end,
        campaigns=list(listed.values()),
        successes_since=sum(r.outcome is Outcome.SUCCESS and r.started >= window.end for r in log.rows),
        now=now,
        policy=policy,
    )
    found = []
    for number, first in inventory.readings.items():
        campaign = listed[number]
        report = account.campaigns.report(number) if not campaign.send_amt else None
        reading = CampaignReading(campaign=campaign, report=report, read_at=now)
        young = sorted(
            (one for one in listed.values() if _made(one) >= window.start), key=lambda c: int(c.id)
        )
        facts = campaign_facts(
            reading,
            first=first,
            observation=inventory.observations[f"campaign:{number}"],
            original_name=campaign.name,
            window_start=window.start,
            suspects=[one for one in young if is_visible_copy(one, campaign)],
            look_alikes=[one for one in young if look_alike(one, campaign)],
            root=number,
            own=None,
            health=health,
            policy=policy,
            zone=zone,
            now=now,
        )
        found.append(
            decide_campaign(
                reading,
                facts,
                item_id=number,
                name=campaign.name,
                root=f"campaign:{number}",
                policy=policy,
                observation=inventory.observations[f"campaign:{number}"],
            )
        )
    matches = match(inventory.occurrences, log.rows, jobs)
    for one in inventory.occurrences:
        job, mine = jobs[one.job_id], matches[one.key]
        rows = [row for row in log.rows if row.job_id == job.id]
        earlier = [row for row in rows if row.started < window.start]
        before = previous(job, window.start, 3)
        evidence = OccurrenceEvidence(
            occurrence=one,
            job=job,
            match=mine,
            siblings=tuple(m for m in matches.values() if m.occurrence.job_id == job.id),
            log=log,
            console=console,
            later=tuple(row for row in rows if row.started > one.due),
            matched_before=None if mine.found else len(match(before, rows, jobs)),
            asked_before=len(before),
            usual_share=usual_failed_share(earlier),
            usual_count=usual_count(earlier),
            awaited=awaited_run(job, one, rows, now),
        )
        facts = occurrence_facts(evidence, policy=policy, zone=zone, now=now)
        found.append(
            decide_occurrence(
                evidence,
                facts,
                tag=unique_tag(one),
                fresh_since=window.end,
                observation=inventory.observations[f"occurrence:{one.key}"],
            )
        )
    return found


def _made(campaign: Campaign) -> datetime:
    assert campaign.created is not None
    return campaign.created
