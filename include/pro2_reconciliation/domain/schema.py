"""The JSON schemas of a site's files, made from the models that read them; kept in ``docs/schemas``.

A schema refuses what an editor can see: unknown keys, words that are not on the list, numbers out of range. What
needs a second look (a cron, a zone, an id that stands twice) only the loader refuses. Never fails.
"""

from __future__ import annotations

from typing import Any

from pro2_reconciliation.domain.export import ActivityExport
from pro2_reconciliation.domain.jobs import Job
from pro2_reconciliation.domain.notifications import Notifications
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.sources import Sources

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TOP_OF_JOBS = {
    "organization": "Name of the account; every item and every plan carries it",
    "zone": "IANA zone of the wall clock of all crons, forms and reports",
    "jobs": "One entry for each integrated process",
}
"""The keys that stand above the jobs, with their meaning."""


def _jobs() -> dict[str, Any]:
    job = Job.model_json_schema()
    kinds = job.pop("$defs")
    del job["properties"]["organization"]
    job["required"] = [key for key in job["required"] if key not in ("organization", "zone")]
    text = {"type": "string", "minLength": 1}
    return {
        "description": "The integrated processes of one organization",
        "type": "object",
        "additionalProperties": False,
        "required": list(TOP_OF_JOBS),
        "properties": {
            "organization": {**text, "description": TOP_OF_JOBS["organization"]},
            "zone": {**text, "description": TOP_OF_JOBS["zone"]},
            "jobs": {
                "type": "array",
                "items": {"$ref": "#/$defs/Job"},
                "description": TOP_OF_JOBS["jobs"],
            },
        },
        "$defs": {**kinds, "Job": job},
    }


def _policy() -> dict[str, Any]:
    return Policy.model_json_schema()


def _sources() -> dict[str, Any]:
    return Sources.model_json_schema()


def _export() -> dict[str, Any]:
    return ActivityExport.model_json_schema()


def _notifications() -> dict[str, Any]:
    return Notifications.model_json_schema()


_MADE = {
    "jobs": _jobs,
    "policy": _policy,
    "sources": _sources,
    "activity_export": _export,
    "notifications": _notifications,
}
SCHEMAS = tuple(_MADE)
"""The names of the files that have a schema, without their ending."""


def schema_of(name: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of one of ``SCHEMAS``."""
    return {"$schema": DIALECT, **_plain(_MADE[name]()), "title": f"{name}.yaml"}


def _plain(schema: Any) -> Any:
    """Without pydantic's second name of every key, and without ``date-time``: a local time has no offset."""
    if isinstance(schema, dict):
        return {
            key: _plain(value)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str)) and (key, value) != ("format", "date-time")
        }
    return [_plain(one) for one in schema] if isinstance(schema, list) else schema
