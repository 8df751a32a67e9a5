"""docker-compose.yaml as it is meant, without Docker: what each container would run, and with which environment.

Only what our file uses is understood: ``${NAME:-default}`` with its default, ``$$`` for ``$``, the command of a
service, its environment and ``deploy.replicas``. Anything else that changes a command would be an error of this reader,
so an unknown ``${...}`` fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yaml"
ONE_SHOT = "airflow-init"
"""The service that ends by itself."""
_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Z0-9_]+):-([^}]*)\})")
"""Source: the compose specification, section 12 "Interpolation"."""


def load() -> dict[str, Any]:
    """The file as YAML, with its aliases and merges resolved and nothing else."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Service:
    """What a container of one service runs. ``command`` is what stands behind the image's entrypoint."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    replicas: int

    @property
    def arguments(self) -> list[str]:
        """The process of the container: Airflow's entrypoint runs ``airflow`` unless a shell is named.

        Source: the image's ``/entrypoint``, "Entrypoint commands" of Airflow's docker stack.
        """
        return list(self.command) if self.command[0] in ("bash", "sh") else ["airflow", *self.command]


def services() -> dict[str, Service]:
    """Every service by its name."""
    return {name: _service(name, body) for name, body in load()["services"].items()}


def _service(name: str, body: Mapping[str, Any]) -> Service:
    deploy = body.get("deploy", {})
    return Service(
        name=name,
        command=tuple(interpolated(part) for part in body.get("command", ())),
        environment={key: interpolated(str(value)) for key, value in body.get("environment", {}).items()},
        replicas=int(interpolated(str(deploy.get("replicas", 1)))),
    )


def interpolated(text: str) -> str:
    """A value as Compose hands it over when ``.env`` sets nothing."""
    told = _VARIABLE.sub(lambda found: found[1] or found[3], text)
    assert "${" not in _VARIABLE.sub("", text).replace("$$", ""), (
        f"{text!r} holds a form that this reader does not know"
    )
    return told
