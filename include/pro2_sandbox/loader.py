"""Reads an incident from YAML, or says which key of which file is wrong and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pro2_sandbox.crosscheck import problems
from pro2_sandbox.incident import Incident

NEXT_STEP = "docs/sandbox.md describes the format; check again with: python -m pro2_sandbox --check {file}"
INCIDENTS = Path(__file__).with_name("incidents")


class IncidentError(ValueError):
    """The file is not an incident. The text names file, key, value and the next step."""


def load_incident(source: str | Path) -> Incident:
    """An incident from a file, or by the name of one that is shipped (``evening-outage``).

    Raises :class:`IncidentError`.
    """
    path = Path(source)
    shipped = INCIDENTS / f"{source}.yaml"
    if not path.exists() and shipped.exists():
        path = shipped
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise IncidentError(
            f"{path}: cannot be read ({error.strerror}); give the path of a YAML file"
        ) from error
    return parse_incident(text, str(path))


def parse_incident(text: str, file: str = "incident") -> Incident:
    """An incident from YAML text. Raises :class:`IncidentError`."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise IncidentError(f"{file}: is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise IncidentError(f"{file}: holds no mapping at the top level; " + NEXT_STEP.format(file=file))
    return build_incident(content, file)


def build_incident(content: dict[str, Any], file: str = "incident") -> Incident:
    """An incident from plain data. Raises :class:`IncidentError`."""
    try:
        incident = Incident.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{_place(content, detail['loc'])}: {_reason(detail['msg'])} (value: {_short(detail['input'])})"
            for detail in error.errors()
        ]
        raise IncidentError(_report(file, lines)) from error
    found = problems(incident)
    if found:
        raise IncidentError(_report(file, found))
    return incident


def organizations(incident: Incident) -> list[Incident]:
    """The incident of each organization: its own first, then its neighbours'. Raises :class:`IncidentError`."""
    content = incident.model_dump(mode="json", by_alias=True, exclude_unset=True)
    others = [
        build_incident(
            content | dict(one.changes) | {"organization": one.organization, "neighbours": []},
            f"neighbours[{one.organization}]",
        )
        for one in incident.neighbours
    ]
    return [incident, *others]


def incident_schema() -> dict[str, Any]:
    """The JSON schema of an incident file (docs/incident.schema.json), for editors and for writers."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | Incident.model_json_schema(by_alias=True)


def _report(file: str, lines: list[str]) -> str:
    return "\n".join([f"{file}: {line}" for line in lines] + [NEXT_STEP.format(file=file)])


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ").replace(
        "Extra inputs are not permitted", "this key does not exist"
    )


def _place(content: Any, where: tuple[int | str, ...]) -> str:
    """``campaigns[103].due`` rather than ``campaigns.2.due``: a writer knows ids, not positions."""
    text = ""
    for step in where:
        content = _inside(content, step)
        if isinstance(step, int):
            name = content.get("id", step) if isinstance(content, dict) else step
            text += f"[{name}]"
        else:
            text += f".{step}" if text else step
    return text


def _inside(content: Any, step: int | str) -> Any:
    if isinstance(content, dict):
        return content.get(step)
    if isinstance(content, list) and isinstance(step, int) and step < len(content):
        return content[step]
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
