"""The site configuration that fits an incident: the job catalog with its crons, the policy, and the sources."""

from __future__ import annotations

from typing import Any

import yaml

from pro2_sandbox.export import COLUMNS, FILE_NAME
from pro2_sandbox.incident import Incident
from pro2_sandbox.incident_jobs import JobModel
from pro2_sandbox.incident_outages import COMPONENTS
from pro2_sandbox.world import World

PROBES = {"sending": "pro2", "dashboard": "pro2_dashboard", "tessitura": "tessitura"}
"""The connections that a probe of a service goes through."""
PASSED_THROUGH = (
    "usual_partial_share",
    "tessitura_list",
    "sync_tag",
    "mode",
    "automation",
    "reentry",
    "feeds",
    "needs",
)


def jobs_yaml(world: World) -> str:
    """``jobs.yaml``: crons in the organization's zone, computed from T0."""
    jobs = [_job(world, model) for model in world.incident.jobs]
    content = {"organization": world.incident.organization, "zone": world.incident.zone, "jobs": jobs}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def policy_yaml(world: World) -> str:
    """``policy.yaml``: what the incident says, unchanged."""
    return yaml.safe_dump(world.incident.policy, sort_keys=False, allow_unicode=True)


def sources_yaml(world: World) -> str:
    """``sources.yaml``: the status page, our own probe of sending, and whatever the incident puts in their place."""
    return yaml.safe_dump(sources(world.incident), sort_keys=False, allow_unicode=True)


def sources(incident: Incident) -> dict[str, Any]:
    """One feed for each service that the page tells of, sending at least. Nothing is inferred unless asked for."""
    told = {one.told_service: one.component for one in incident.outages if one.feed is not None}
    announced = {service for work in incident.maintenance for service in work.services}
    components = dict.fromkeys(("sending", *told, *sorted(announced)))
    feeds = [
        {"connection": "status_feed", "service": service, "components": _components(incident, service)}
        for service in components
    ]
    found: dict[str, Any] = {
        "feeds": feeds,
        "probes": [{"connection": PROBES["sending"], "service": "sending"}],
        "activity": {"enabled": False},
    }
    return found | incident.sources


def export_yaml(world: World, path: str) -> str:
    """``activity_export.yaml`` for files of ``/sandbox/activity.csv`` that are kept under ``path``."""
    content = {
        "path": path,
        "columns": COLUMNS,
        "as_of": "name",
        "name_format": FILE_NAME,
        "day_first": True,
        "delimiter": ";",
        "totals": {"required": True},
    }
    return yaml.safe_dump(content, sort_keys=False)


def _components(incident: Incident, service: str) -> list[str]:
    named = [
        one.component for one in incident.outages if one.feed is not None and one.told_service == service
    ]
    return list(dict.fromkeys(named)) or [COMPONENTS[service]]


def _job(world: World, model: JobModel) -> dict[str, Any]:
    job: dict[str, Any] = {
        "id": model.id,
        "name": model.name,
        "process_type": model.process_type,
        "cron": world.jobs.schedules[model.id].cron,
        "zone": world.incident.zone,
        "grace_minutes": model.grace_minutes,
        "usual_minutes": model.usual_minutes,
        "starts_mail": model.starts_mail,
        "adds_to_list": model.adds_to_list,
    }
    given = model.model_dump(mode="json", include=set(PASSED_THROUGH))
    job |= {key: given[key] for key in PASSED_THROUGH if given[key] not in (None, [], ())}
    if model.audience is not None:
        job["audience"] = model.audience.model_dump(exclude_none=True)
    return job | {"paused": False} | model.config
