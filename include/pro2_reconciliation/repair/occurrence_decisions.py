"""The decisions on the occurrences of an inventory, from a fresh look at the Activity Log and the Console."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
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
from pro2_reconciliation.repair.drift import OutageEnds, old_list, unique_tag
from pro2_reconciliation.repair.world import World


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
    ends = OutageEnds(account, inventory.window)
    lists = _Lists(account)
    before = {job_id: previous(jobs[job_id], inventory.window.start, 3) for job_id in touched}
    missing = {job for job, found in touched.items() if not all(one.found for one in found)}
    traced = traces({job: before[job] for job in missing}, log, jobs)
    decisions = []
    for job_id, siblings in touched.items():
        job, own_rows = jobs[job_id], rows.get(job_id, [])
        earlier = [row for row in own_rows if row.started < inventory.window.start]
        usual = usual_failed_share(earlier), usual_count(earlier)
        missed = tuple(missed_of(siblings))
        for found in siblings:
            key, due = found.occurrence.key, found.occurrence.due
            evidence = OccurrenceEvidence(
                occurrence=found.occurrence,
                job=job,
                match=found,
                siblings=missed,
                log=world.log,
                console=world.console,
                later=tuple(row for row in own_rows if row.started > due),
                matched_before=None if found.found else traced[job_id],
                asked_before=len(before[job_id]),
                usual_share=usual[0],
                usual_count=usual[1],
                awaited=awaited_run(job, found.occurrence, own_rows, account.now()),
                entries=_entries(account, found, job.automation, job.process_type),
                services_healthy=not down & set(job.needs),
                own=world.ours.get(f"occurrence:{key}"),
                list_problem=lists.problem(found, job, ends.of(due)),
            )
            facts = occurrence_facts(evidence, policy=account.policy, zone=account.zone, now=account.now())
            decisions.append(
                decide_occurrence(
                    evidence,
                    facts,
                    tag=unique_tag(found.occurrence),
                    fresh_since=ends.of(due),
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
