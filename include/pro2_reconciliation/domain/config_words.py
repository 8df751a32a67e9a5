"""Reads YAML without its surprises, and turns pydantic's errors into sentences that a person can act on.

YAML 1.1 reads ``no`` as false, ``21:30`` as 1290 and lets the second of two equal keys win without a word.
Here ``no`` and ``21:30`` stay text, times stay text until their zone is known, and a key that stands twice
is an error. Nothing is guessed either: text is no number, true is no 1, and a number is no time.
Fails with ConfigurationError that names the file and the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pro2_reconciliation.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound="BaseModel")
_HELP = "see docs/configuration.md"
_LIMITS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}
_KINDS = {
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list such as [a, b]",
    "model_type": "keys with values",
    "dict_type": "keys with values",
    "datetime_type": "a time such as 2026-11-23T18:00",
}
_EXAMPLES = {
    "id": 'id: "j-201"',
    "name": "name: Members sync",
    "process_type": "process_type: data_sync",
    "cron": 'cron: "30 18 * * *"',
    "connection": "connection: pro2_status",
    "service": "service: sending",
    "start": "start: 2026-11-23T18:00",
    "reason": "reason: announced by the vendor",
    "match": 'match: "Gala*"',
}


def read_yaml(path: Path, *, needed: bool) -> Mapping[str, Any]:
    """The top level of a YAML file; {} for an absent or empty one that is not ``needed``."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if needed:
            raise ConfigurationError(f"{path} does not exist; copy the example and fill it in") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); save it as UTF-8 text") from None
    try:
        body = yaml.load(text, Loader=_loader())  # noqa: S506 (a SafeLoader with fewer types)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigurationError(f"{path}{where}: {problem}; correct the YAML there") from None
    except (RecursionError, ValueError) as error:  # lists in lists in lists; a number of 5,000 digits
        raise ConfigurationError(
            f"{path} cannot be read ({error}); write it like the example in docs/configuration.md"
        ) from None
    try:
        json.dumps(body, allow_nan=False)
    except TypeError:
        raise ConfigurationError(f"{path} holds a key that is no text; write keys such as zone:") from None
    except ValueError as error:
        raise ConfigurationError(
            f"{path} holds a number without end or an alias of itself ({error}); write the value out"
        ) from None
    if body is None and not needed:
        return {}
    if not isinstance(body, dict):
        raise ConfigurationError(f"{path} holds {_short(body)}, not keys with values; {_HELP}")
    return body


def read_strictly(model: type[Model], body: Mapping[str, Any]) -> Model:
    """The model of what stands in a file, as strict as its JSON schema. Raises pydantic's ``ValidationError``."""
    return model.model_validate_json(json.dumps(body, default=lambda value: value.isoformat()), strict=True)


def pick_unknown(body: Mapping[str, Any], known: Collection[str], name: str) -> list[str]:
    """One sentence for each key that nobody knows."""
    return [_unknown(str(key), known, name) for key in body if key not in known]


def sentences(error: ValidationError, name: str) -> list[str]:
    """One sentence for each mistake that pydantic found in what ``name`` calls the thing."""
    return [_sentence(detail, name) for detail in error.errors(include_url=False)]


def _unknown(key: str, known: Collection[str], name: str) -> str:
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}" if known else _HELP
    return f"{name}: unknown key {key!r}; {hint}"


def _sentence(detail: ErrorDetails, name: str) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    key, place = _place(detail["loc"])
    name = f"{name}, {place}" if place else name
    if kind == "extra_forbidden":
        return _unknown(key, (), name)
    if kind == "missing":
        example = _EXAMPLES.get(key)
        return f"{name}: {key!r} is missing; add " + (f"for example {example}" if example else f"it, {_HELP}")
    said = f"{name}: {key} {_short(value)}"
    if kind in ("enum", "literal_error"):
        allowed = (
            re.sub(r"'|\bor ", "", str(context.get("expected", ""))).replace(" ", ", ").replace(",,", ",")
        )
        return f"{said} is not known; write one of {allowed}"
    if kind == "string_type":
        return f'{said} is not text; write it in quotes, {key}: "{value}"'
    if kind in _LIMITS:
        limit, words = _LIMITS[kind]
        return f"{said} {words} {context.get(limit)}; {_HELP}"
    if kind in _KINDS:
        return f"{said} is not {_KINDS[kind]}; {_HELP}"
    problem = detail["msg"].removeprefix("Value error, ")
    return f"{said} cannot be used ({problem}); {_HELP}"


def _place(loc: tuple[int | str, ...]) -> tuple[str, str]:
    """("service", "feeds number 2") for ("feeds", 1, "service"): the key, and where it stands."""
    parts: list[str] = []
    for step in loc:
        if isinstance(step, int) and parts:
            parts[-1] += f" number {step + 1}"
        else:
            parts.append(str(step))
    return (parts[-1], ", ".join(parts[:-1])) if parts else ("the entry", "")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _loader() -> Any:
    """yaml's SafeLoader that knows only null, true, false and decimal numbers, and no key twice."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (yaml's own way)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen: set[str] = set()
            for key_node, _ in node.value:
                key = str(key_node.value)
                if key in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key!r} stands twice", key_node.start_mark
                    )
                seen.add(key)
            return super().construct_mapping(node, deep)

    for tag, pattern, first in (
        ("null", r"^(?:~|null|)$", ["~", "n", ""]),
        ("bool", r"^(?:true|false)$", list("tf")),
        ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
        ("float", r"^[-+]?[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?$", list("-+0123456789")),
    ):
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
    return Loader
