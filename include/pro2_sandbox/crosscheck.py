"""Checks between the parts of an incident: a name that is used must exist, a number must fit.

Answers a list of problems, each with the place, the value and what to do, so that a writer sees all of them at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from pro2_sandbox.incident import CampaignModel, Incident
from pro2_sandbox.incident_jobs import JobModel
from pro2_sandbox.incident_outages import MaintenanceModel, OutageModel
from pro2_sandbox.incident_play import ExpectedModel
from pro2_sandbox.timeshift import parse, written

DRIFT = ("+add", "+remove", "+drift")
"""Ends of the ids of what a data sync's import gives rise to; items of their own."""


def problems(incident: Incident) -> list[str]:
    """Everything that does not fit together, in the order of the file; empty when all is well."""
    found: list[str] = []
    dated = incident.t0 is not None
    lists = {entry.id: entry.members for entry in incident.lists}
    tessitura = {entry.id for entry in incident.tessitura_lists}
    tags = {entry.name for entry in incident.tags}
    automations = {entry.id for entry in incident.automations}
    campaigns = {entry.id for entry in incident.campaigns}
    jobs = {entry.id for entry in incident.jobs}
    for section in ("lists", "tags", "tessitura_lists", "campaigns", "jobs", "automations"):
        found += _twice(section, (entry.id for entry in getattr(incident, section)))
    found += _spans("outages", incident.outages) + _spans("maintenance", incident.maintenance)
    for tag in incident.tags:
        if tag.like is not None:
            found += _missing(f"tags[{tag.id}].like", tag.like, tessitura, "tessitura_lists")
    for campaign in incident.campaigns:
        found += _campaign(campaign, lists, campaigns)
    for job in incident.jobs:
        found += _job(job, tessitura, tags, automations, dated)
    for index, person in enumerate(incident.people):
        presses = person.does in ("run_now", "repeat_import", "stop_run")
        known, section = (jobs, "jobs") if presses else (campaigns, "campaigns")
        if person.does == "import":
            known, section = tessitura, "tessitura_lists"
        found += _missing(f"people[{index}].item", person.item, known, section)
        if person.does == "reschedule" and person.to is None:
            found.append(f"people[{index}] reschedules without a time; add to: +20h")
    for index, fault in enumerate(incident.faults):
        if fault.item is not None:
            found += _missing(f"faults[{index}].item", fault.item, campaigns, "campaigns")
        if fault.at < timedelta(0):
            found.append(f"faults[{index}].at lies before T0; write 0 or a later offset")
    for reach in incident.must_reach.campaigns:
        found += _missing("must_reach.campaigns", reach, campaigns, "campaigns")
    by_id = {job.id: job for job in incident.jobs}
    for reach in incident.must_reach.jobs:
        found += _occurrence("must_reach.jobs", reach, by_id, offset_needed=False, dated=dated)
    for name in [one.organization for one in incident.neighbours]:
        if name == incident.organization:
            found.append(f"neighbours names {name!r}, the incident's own organization; give another name")
    for name in incident.alarms:
        found += _missing("alarms", name, campaigns, "campaigns")
    for index, act in enumerate(incident.play.desk):
        if act.does == "declare" and act.start is None:
            found.append(f"play.desk[{index}] declares an outage without start; add start: -1h")
    for index, item in enumerate(incident.expected):
        where = f"expected[{index}].id"
        if item.kind == "occurrence":
            found += _occurrence(where, item.id, by_id, offset_needed=True, dated=dated)
        else:
            known = campaigns if item.kind == "campaign" else automations
            found += _missing(where, item.id.partition("+")[0], known, f"{item.kind}s")
        found += _expectation(index, item)
    return found


def _spans(section: str, spans: Iterable[OutageModel | MaintenanceModel]) -> list[str]:
    return [
        f"{section}[{index}].end lies before its start; give it a later offset"
        for index, span in enumerate(spans)
        if span.end is not None and span.end <= span.start
    ]


def _expectation(index: int, item: ExpectedModel) -> list[str]:
    if item.absent or None not in (item.rule, item.decision, item.outcome):
        return []
    return [f"expected[{index}] ({item.id}) lacks rule, decision or outcome; or say absent: true"]


def _occurrence(
    where: str, reference: str, jobs: dict[str, JobModel], offset_needed: bool, dated: bool
) -> list[str]:
    """Whether ``j-211@-35m`` names a due time of a job."""
    job_id, _, text = reference.partition("@")
    if job_id not in jobs:
        return _missing(where, job_id, jobs, "jobs")
    for drift in DRIFT:
        text = text.removesuffix(drift)
    if not text:
        return [f"{where} {reference!r} names no occurrence; write {job_id}@-35m"] if offset_needed else []
    try:
        offset = parse(text)
    except ValueError as error:
        return [f"{where} {reference!r}: {error}"]
    return _due(where, offset, jobs[job_id], dated)


def _due(where: str, offset: timedelta, job: JobModel, dated: bool) -> list[str]:
    schedule = job.schedule
    base = schedule.daily or schedule.hourly or schedule.at or timedelta(0)
    hours = 1 if schedule.hourly is not None else schedule.every_hours or 24
    apart = (offset - base) % timedelta(hours=hours)
    # On the day of a clock change it is up to an hour more or less; the world itself looks closely.
    if not apart or (dated and min(apart, timedelta(hours=hours) - apart) <= timedelta(hours=1)):
        return []
    return [
        f"{where} {written(offset)} is no due time of {job.id}; it is due at {written(base)} and every {hours} h"
    ]


def _campaign(campaign: CampaignModel, lists: dict[str, int], campaigns: set[str]) -> list[str]:
    where = f"campaigns[{campaign.id}]"
    found = _missing(f"{where}.list", campaign.list, lists, "lists")
    members = lists.get(campaign.list)
    if members is not None and campaign.recipients > members:
        found.append(
            f"{where}.recipients {campaign.recipients} is more than list {campaign.list!r} has ({members}); "
            "lower it or enlarge the list"
        )
    if campaign.kin is not None:
        found += _missing(f"{where}.kin", campaign.kin, campaigns, "campaigns")
    if campaign.counters.send_amt > campaign.recipients:
        found.append(f"{where}.counters.send_amt is more than recipients; lower it")
    if campaign.status == 1 and campaign.due is None:
        found.append(f"{where} is scheduled (status 1) without due; give it an offset")
    if campaign.grows is not None and (campaign.status != 2 or campaign.grows.at_start > campaign.recipients):
        found.append(f"{where}.grows needs status: 2 and from <= recipients")
    return found


def _job(job: JobModel, tessitura: set[str], tags: set[str], automations: set[str], dated: bool) -> list[str]:
    where = f"jobs[{job.id}]"
    found: list[str] = []
    if job.process_type in ("data_sync", "integrated_import") and job.tessitura_list is None:
        found.append(f"{where} is a {job.process_type} without tessitura_list; name one")
    if job.tessitura_list is not None:
        found += _missing(f"{where}.tessitura_list", job.tessitura_list, tessitura, "tessitura_lists")
    if job.process_type == "data_sync" and job.sync_tag is None:
        found.append(f"{where} is a data_sync without sync_tag; name a tag")
    for key, tag in (("sync_tag", job.sync_tag), ("tag", job.tag)):
        if tag is not None:
            found += _missing(f"{where}.{key}", tag, tags, "tags (by name)")
    if job.process_type == "scheduled_trigger" and job.automation is None:
        found.append(f"{where} is a scheduled_trigger without automation; name one")
    if job.automation is not None:
        found += _missing(f"{where}.automation", job.automation, automations, "automations")
    for index, run in enumerate(job.runs):
        if run.due is not None:
            found += _due(f"{where}.runs[{index}].due", run.due, job, dated)
    return found


def _missing(where: str, value: str, known: Iterable[str], section: str) -> list[str]:
    if value in known:
        return []
    return [f"{where} {value!r} does not exist; add it to {section} or correct it"]


def _twice(section: str, ids: Iterable[str]) -> list[str]:
    return [
        f"{section} has the id {name!r} {times} times; ids are unique"
        for name, times in Counter(ids).items()
        if times > 1
    ]
