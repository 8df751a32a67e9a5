"""The verdict on a run: who was mailed twice, what did not arrive, and what the incident expected of each item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pro2_sandbox.answers import utc_time
from pro2_sandbox.crosscheck import DRIFT
from pro2_sandbox.timeshift import parse

if TYPE_CHECKING:
    from pro2_sandbox.world import World


def expected(world: World) -> list[dict[str, Any]]:
    """The incident's items, occurrences by their due time in UTC (``j-211@2026-11-24T17:25:00Z``)."""
    entries: list[dict[str, Any]] = []
    for model in world.incident.expected:
        entry = model.model_dump()
        match model.kind:
            case "occurrence":
                entry["id"] = occurrence_id(world, model.id)
            case "campaign":
                entry["id"] = _campaign_id(world, model.id)
        entry["name"] = _name(world, model.kind, model.id.partition("@")[0])
        entries.append(entry)
    return entries


def occurrence_id(world: World, reference: str) -> str:
    """``j-211@-35m`` as the id that everybody else can compute."""
    job_id, _, offset = reference.partition("@")
    ends = next((end for end in DRIFT if offset.endswith(end)), "")
    offset = offset.removesuffix(ends)
    return f"{job_id}@{world.jobs.due(job_id, parse(offset)):%Y-%m-%dT%H:%M:%SZ}{ends}"


def expected_outages(world: World) -> list[dict[str, Any]] | None:
    """The outages that detection should know of in the end, in UTC; None where the incident does not say."""
    named = world.incident.expected_outages
    if named is None:
        return None
    return [
        one.model_dump(include={"service", "suspected", "state"})
        | {
            "start": utc_time(world.t0 + one.start),
            "end": None if one.end is None else utc_time(world.t0 + one.end),
        }
        for one in named
    ]


def _campaign_id(world: World, reference: str) -> str:
    """``103+1`` as the id of the first copy of campaign 103; itself while there is none."""
    root, _, number = reference.partition("+")
    copies = [
        str(effect.detail["copy"])
        for effect in world.effects.log
        if effect.kind == "campaign_copied" and world.campaigns.root(effect.item) == root
    ]
    return copies[int(number) - 1] if number and int(number) <= len(copies) else reference


def mailed_twice(world: World) -> list[dict[str, Any]]:
    return [
        {"patron_count": found.patrons, "campaigns": list(found.campaigns), "lineage": found.lineage}
        for found in world.effects.mailed_twice()
    ]


def missing(world: World) -> list[dict[str, Any]]:
    """What must have reached patrons or data, and did not."""
    found: list[dict[str, Any]] = []
    for campaign_id in world.incident.must_reach.campaigns:
        root = world.campaigns.all[int(campaign_id)]
        lacking: set[int] = set(root.audience) - world.effects.reached(root.lineage)
        if lacking:
            found.append({"kind": "campaign", "item": campaign_id, "patron_count": len(lacking)})
    for reference in world.incident.must_reach.jobs:
        if not _job_done(world, reference):
            item = occurrence_id(world, reference) if "@" in reference else reference
            found.append({"kind": "job", "item": item, "patron_count": None})
    return found


def _job_done(world: World, reference: str) -> bool:
    """A successful run since it was due; an import of a data sync's own list counts for the sync."""
    job_id, _, offset = reference.partition("@")
    now = world.now
    since = world.jobs.due(job_id, parse(offset)) if offset else world.t0 + world.incident.begin
    own_list = world.jobs.models[job_id].tessitura_list
    for run in world.jobs.activity(since, now, now):
        if run.status(now) != "Completed":
            continue
        if run.process_id == job_id or (
            own_list is not None and _imported(world, run.process_id) == own_list
        ):
            return True
    return False


def _imported(world: World, process_id: str) -> str | None:
    """The List Manager list of an import that somebody started under a tag of their own."""
    for effect in world.effects.log:
        if effect.kind == "import" and effect.item == process_id:
            return str(effect.detail["list"])
    return None


def _name(world: World, kind: str, item: str) -> str:
    if kind == "campaign":
        number = int(item.partition("+")[0])
        return world.campaigns.all[number].name if number in world.campaigns.all else item
    if kind == "occurrence":
        return world.jobs.models[item].name
    return world.automations.models[item].name
