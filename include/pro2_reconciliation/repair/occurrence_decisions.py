"""The decisions on the occurrences of an inventory, from a fresh look at the Activity Log and the Console."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pro2_reconciliation.domain.decide import decide_occurrence
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.jobs import ActivityRow, Job
from pro2_reconciliation.domain.matching import Match, earliest_start, match, traces
from pro2_reconciliation.domain.occurrence_facts import (
    OccurrenceEvidence,
    awaited_run,
    missed_of,
    occurrence_facts,
)
from pro2_reconciliation.domain.outage import OutageState
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.rules import RuleBook
from pro2_reconciliation.domain.schedule import previous
from pro2_reconciliation.domain.usual import usual_count, usual_failed_share
from pro2_reconciliation.domain.words import Outcome, ProcessType
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.drift import old_list, unique_tag
from pro2_reconciliation.repair.outage_ends import OutageEnds
from pro2_reconciliation.repair.world import World

ASKED_BEFORE = 3
"""So many occurrences before the outage are asked whether they left a trace (R5)."""


def occurrence_decisions(account: Account, world: World, book: RuleBook) -> list[Decision]:
    """One decision for each occurrence, by (due, job)."""
    inventory = world.inventory
    if not inventory.occurrences:
        return []
    log = world.log.rows if world.log else ()
    jobs = account.site.jobs_by_id
    rows = _by_job(log)
    matches = match(inventory.occurrences, log, jobs)
    touched: dict[str, list[Match]] = defaultdict(list)
    for found in matches.by_key.values():
        touched[found.occurrence.job_id].append(found)
    down = {outage.service for outage in account.ledger.outages(account.organization, [OutageState.OPEN])}
    ends = OutageEnds(account, inventory.window, inventory.origins)
    lists = _Lists(account)
    pasts = _Pasts(jobs, rows)
    pasts.look(
        (inventory.since(f"occurrence:{one.occurrence.key}"), job_id)
        for job_id, found in touched.items()
        for one in found
        if not one.found
    )
    decisions = []
    for job_id, siblings in touched.items():
        job, own_rows = jobs[job_id], rows.get(job_id, [])
        missed = tuple(missed_of(siblings))
        for found in siblings:
            key, due = found.occurrence.key, found.occurrence.due
            past = pasts.of(inventory.since(f"occurrence:{key}"), job_id)
            until = ends.of(f"occurrence:{key}", due)
            evidence = OccurrenceEvidence(
                occurrence=found.occurrence,
                job=job,
                match=found,
                siblings=missed,
                log=world.log,
                console=world.console,
                later=tuple(row for row in own_rows if row.started > due),
                matched_before=None if found.found else past.traced,
                asked_before=past.asked,
                usual_share=past.share,
                usual_count=past.count,
                awaited=awaited_run(job, found.occurrence, own_rows, account.now()),
                entries=_entries(account, found, job.automation, job.process_type),
                services_healthy=not down & set(job.needs),
                own=world.ours.get(f"occurrence:{key}"),
                list_problem=lists.problem(found, job, until),
            )
            facts = occurrence_facts(evidence, policy=account.policy, zone=account.zone, now=account.now())
            decisions.append(
                decide_occurrence(
                    evidence,
                    facts,
                    tag=unique_tag(found.occurrence),
                    fresh_since=until,
                    observation=world.seen.get(f"occurrence:{key}"),
                    book=book,
                )
            )
    place = {one.key: (one.due, one.job_id) for one in inventory.occurrences}
    return sorted(decisions, key=lambda decision: place[decision.item_id])


def _by_job(rows: Iterable[ActivityRow]) -> dict[str, list[ActivityRow]]:
    found: dict[str, list[ActivityRow]] = defaultdict(list)
    for row in rows:
        found[row.job_id].append(row)
    return found


@dataclass(frozen=True)
class _Past:
    """A job before an outage: ``traced`` of its last ``asked`` occurrences left a row, and what was usual of it."""

    asked: int
    traced: int
    share: float | None
    count: float | None


class _Pasts:
    """What is known of jobs before an outage began; an item that is open since an earlier one has an earlier past.

    Else the very run that a person has to see to would be what is usual a night later (rule R8).
    """

    def __init__(self, jobs: Mapping[str, Job], rows: Mapping[str, list[ActivityRow]]) -> None:
        self._jobs, self._rows = jobs, rows
        self._traced: dict[tuple[datetime, str], int] = {}
        self._known: dict[tuple[datetime, str], _Past] = {}

    def look(self, asked: Iterable[tuple[datetime, str]]) -> None:
        """Look for the traces before these starts: start and job. Each start at once, since one look is long."""
        by_start: dict[datetime, set[str]] = defaultdict(set)
        for start, job_id in asked:
            by_start[start].add(job_id)
        for start, job_ids in by_start.items():
            before = {job_id: previous(self._jobs[job_id], start, ASKED_BEFORE) for job_id in job_ids}
            rows = [row for job_id in job_ids for row in self._rows.get(job_id, ())]
            found = traces(before, rows, self._jobs)
            self._traced |= {(start, job_id): number for job_id, number in found.items()}

    def of(self, start: datetime, job_id: str) -> _Past:
        """The past of a job before ``start``; without traces where nobody looked for them."""
        key = (start, job_id)
        if key not in self._known:
            earlier = [row for row in self._rows.get(job_id, ()) if row.started < start]
            asked = len(previous(self._jobs[job_id], start, ASKED_BEFORE))
            share, count = usual_failed_share(earlier), usual_count(earlier)
            self._known[key] = _Past(asked, self._traced.get(key, 0), share, count)
        return self._known[key]


class _Lists:
    """Whether the list of a data sync that has to be repaired may be imported (rule R14); each is read once a plan."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._known: dict[tuple[str | None, datetime], str | None] = {}

    def problem(self, found: Match, job: Job, since: datetime) -> str | None:
        """Why it may not; None where it may, or nothing is to be repaired."""
        done = found.row is not None and found.row.outcome is Outcome.SUCCESS
        if job.process_type is not ProcessType.DATA_SYNC or done:
            return None
        asked = (job.tessitura_list, since)
        if asked not in self._known:
            try:
                self._known[asked] = old_list(self._account, job, since)
            except RequestError as error:
                self._known[asked] = f"its List Manager list {job.tessitura_list} cannot be read ({error})"
        return self._known[asked]


def _entries(account: Account, found: Match, automation: str | None, kind: ProcessType) -> int | None:
    """Contacts that entered a trigger's automation since it was due, None where that is not known."""
    if kind is not ProcessType.SCHEDULED_TRIGGER or automation is None or found.found:
        return None
    try:
        return account.contacts.entries(automation, earliest_start(found.occurrence.due), account.now())
    except RequestError:
        return None
