"""What is said at the end: the table, the effects in order, the verdict; and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from pro2_sandbox.demo.table import table
from pro2_sandbox.demo.verdict import UNNAMED, Evening, Json, Verdict

HEAD = ("kind", "id", "name", "rule", "observation", "decision", "outcome", "expected")


def items_table(evening: Evening, verdict: Verdict) -> str:
    return table(
        HEAD,
        [
            (i.kind, i.id, i.name, i.rule, i.observation, i.decision, i.outcome, verdict.marks[i.key])
            for i in evening.items
        ],
    )


def effects_table(effects: Sequence[Json], zone: str) -> str:
    """One line for each effect, in order; the same again and again (a tag on 40 contacts) is one line."""
    rows = []
    for _, same in groupby(effects, key=_alike):
        group = list(same)
        first = group[0]
        times = f" x {len(group)}" if len(group) > 1 else ""
        detail = "" if times else ", ".join(f"{key} {value}" for key, value in first["detail"].items())
        moment = datetime.fromisoformat(first["at"]).astimezone(ZoneInfo(zone))
        rows.append(
            (f"{moment:%d %b %H:%M:%S %Z}", first["by"], f"{first['kind']}{times}", first["item"], detail)
        )
    return table(("at", "by", "effect", "item", "detail"), rows)


def conclusion(verdict: Verdict, evening: Evening) -> str:
    """Who was mailed twice, what is missing, and either how many items are as they should be or what differs."""
    named = sum(mark != UNNAMED for mark in verdict.marks.values())
    lines = [
        *_listed("Mailed twice", evening.mailed_twice, "nobody"),
        *_listed("Missing", verdict.missing, "nothing"),
    ]
    if verdict.good and verdict.hands_off:
        return "\n".join(
            [*lines, f"Verdict: ok. We did nothing, and all {named} items of the incident are reported"]
        )
    if verdict.good:
        return "\n".join([*lines, f"Verdict: ok. All {named} items of the incident ended as they should"])
    return "\n".join(
        [
            *lines,
            f"Verdict: {len(verdict.differences)} differences",
            *(f"  {one}" for one in verdict.differences),
        ]
    )


def as_json(evening: Evening, verdict: Verdict) -> str:
    """The whole evening for a program."""
    left_out = {"detail"}
    items = [
        {
            **{key: value for key, value in asdict(item).items() if key not in left_out | {"log_url"}},
            "expected": verdict.marks[item.key],
            "log_url": item.log_url,
        }
        for item in evening.items
    ]
    effects = [
        {key: effect[key] for key in ("at", "kind", "item", "by", "detail")} for effect in evening.effects
    ]
    whole = {
        "items": items,
        "effects": effects,
        "mailed_twice": list(evening.mailed_twice),
        "missing": list(verdict.missing),
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _alike(effect: Json) -> tuple[Any, ...]:
    """Effects on single contacts are alike; any other is a line of its own."""
    alone = (
        ""
        if "contact" in effect["detail"]
        else effect["at"] + json.dumps(dict(effect["detail"]), default=str)
    )
    return effect["by"], effect["kind"], effect["item"], alone


def _listed(title: str, found: Sequence[Mapping[str, Any]], none: str) -> list[str]:
    return [f"{title}: {len(found) or none}", *(f"  {_fields(one)}" for one in found)]


def _fields(one: Mapping[str, Any]) -> str:
    words = []
    for key, value in one.items():
        if value is not None:
            text = " and ".join(map(str, value)) if isinstance(value, list) else str(value)
            words.append(f"{key.replace('_', ' ')} {text}")
    return ", ".join(words)
