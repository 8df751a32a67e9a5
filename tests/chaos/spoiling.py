"""Answers of the sandbox, spoiled: one node of the JSON, or the whole text, as no server should ever send it.

In: a random generator and the text of a real answer. Out: another text, and in words what was done to it. What it
yields is what JSON parsers of the field let through: NaN, 1e400, numbers of 5,000 digits, lone surrogates, NUL.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

RAW = "@raw@"
"""A text that begins so is written into the JSON without its quotes."""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 4.5, "", " ", "0", "-7", "1e3", "NaN", "x" * 10_000, [], {}, [None], [[]], {"": None},
    10**12, 10**18, 2**63, -(10**30), f"{RAW}NaN", f"{RAW}Infinity", f"{RAW}-Infinity", f"{RAW}1e400", f"{RAW}1e308",
    f"{RAW}{'9' * 400}", f"{RAW}{'9' * 5000}", "\x00", "\ud800", "\u202e", "٣", "²", "1_000", "null", "103",
    "2031-03-04T09:30:00", "2031-03-04T09:30:00-06:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00",
    "2031-02-30T00:00:00Z", "2031-03-04T09:30:00+99:00", "2031-W10", "20310304T093000Z", "0000-00-00 00:00:00",
    "{{ conn.pro2.password }}", "../../secret", "%s {0} {}", "line\nline", ["2031-03-04"], {"id": "1"},
)  # fmt: skip
WHOLE = (
    "", " ", "null", "[]", "{}", "7", '"text"', "NaN", "<html>maintenance</html>", "\ufeff{}", "[" * 100_000, '{"a":',
    "OK", "\x00", '{"result_code": 1}', '{"errors": [5]}', '{"message": {"a": 1}}',
)  # fmt: skip


def spoiled(random: Random, text: str) -> tuple[str, str]:
    """(the spoiled text, what was done). What is no JSON becomes another text that is none."""
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    paths = list(nodes(body)) if body is not None else []
    if not paths or random.random() < 0.12:
        kind = random.randrange(len(WHOLE) + 1)
        if kind == len(WHOLE):
            return text[: random.randrange(len(text) + 1)], "cut short"
        return WHOLE[kind], f"the whole answer is {WHOLE[kind][:20]!r}"
    path = random.choice(paths)
    changed = copy.deepcopy(body)
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    told = _spoil(random, parent, path[-1])
    return _written(changed), f"{'/'.join(map(str, path))}: {told}"


def _spoil(random: Random, parent: Any, key: Any) -> str:
    deed = random.choice(
        ("drop", "replace", "replace", "replace", "retype", "extra", "twice", "wrap", "empty")
    )
    value = parent[key]
    match deed:
        case "drop":
            del parent[key]
        case "retype":
            parent[key] = _retyped(value)
        case "extra" if isinstance(value, dict):
            value[random.choice(("", "id", "extra", "errors", "0"))] = random.choice(VALUES)
        case "twice" if isinstance(parent, list):
            parent.insert(key, copy.deepcopy(value))
        case "wrap":
            parent[key] = random.choice(([value], {"value": value}))
        case "empty" if isinstance(value, (list, dict)):
            value.clear()
        case _:
            found = random.choice(VALUES)
            parent[key] = copy.deepcopy(found)
            return f"{str(value)[:40]!r} became {str(found)[:40]!r}"
    return deed


def _retyped(value: Any) -> Any:
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 15 else [value]
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps(value) if isinstance(value, list) else list(value)


def nodes(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value, parents before children."""
    entries = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from nodes(value, (*path, key))


def _written(body: Any) -> str:
    text = json.dumps(body)
    start = f'"{RAW}'
    while start in text:
        before, _, rest = text.partition(start)
        raw, _, after = rest.partition('"')
        text = before + raw + after
    return text
