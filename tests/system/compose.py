"""docker-compose.yaml as it is meant, without Docker: what each container would run, and with which environment.

Only what our file uses is understood: ``${NAME:-default}`` with its default, which may hold another, ``$$`` for ``$``,
the command of a service, its environment, its image's ``ENV``, its volumes and ``deploy.replicas``. Anything else that
changes a command would be an error of this reader, so an unknown ``${...}`` fails.
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
DOCKERFILE = ROOT / "compose.Dockerfile"
ONE_SHOT = "airflow-init"
"""The service that ends by itself."""
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+):-([^${}]*)\}")
"""Source: the compose specification, section 12 "Interpolation"."""


def load() -> dict[str, Any]:
    """The file as YAML, with its aliases and merges resolved and nothing else."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Service:
    """What a container of one service runs. ``command`` is what stands behind the image's entrypoint; ``volumes`` are
    folders of the container, each with the named volume or the folder of ours behind it.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    volumes: Mapping[str, str]
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
        environment={
            **(image_environment() if "build" in body else {}),
            **{key: interpolated(str(value)) for key, value in body.get("environment", {}).items()},
        },
        volumes={
            target: source for source, target, *_ in (one.split(":") for one in body.get("volumes", ()))
        },
        replicas=int(interpolated(str(deploy.get("replicas", 1)))),
    )


def image_environment() -> dict[str, str]:
    """What our image sets by itself: the ``ENV`` of its Dockerfile."""
    lines = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    told = [line.removeprefix("ENV ").split() for line in lines if line.startswith("ENV ")]
    return dict(pair.split("=", 1) for pairs in told for pair in pairs)


def defaults() -> dict[str, str]:
    """Every variable that ``.env`` may set, with its value when it does not."""
    met: dict[str, str] = {}
    interpolated(FILE.read_text(encoding="utf-8"), met)
    return met


def interpolated(text: str, met: dict[str, str] | None = None) -> str:
    """A value as Compose hands it over when ``.env`` sets nothing; ``met`` gets the variables in it."""
    return "$".join(_filled(part, {} if met is None else met) for part in text.split("$$"))


def _filled(text: str, met: dict[str, str]) -> str:
    while found := _VARIABLE.search(
        text
    ):  # an inner one first: its outer one does not match until it is filled
        met[found[1]] = found[2]
        text = text[: found.start()] + found[2] + text[found.end() :]
    assert "${" not in text, f"{text!r} holds a form that this reader does not know"
    return text
