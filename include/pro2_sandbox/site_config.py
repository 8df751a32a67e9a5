"""The site configuration that fits an incident: the job catalog with its crons, and the policy."""

from __future__ import annotations

from typing import Any

import yaml

from pro2_sandbox.incident_jobs import JobModel
from pro2_sandbox.world import World

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
    return job | {"paused": False}
