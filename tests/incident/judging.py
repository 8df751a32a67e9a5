"""Compares what was played with what the incident expects, in sentences; an empty list is a good end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tests.incident.player import Played

from pro2_sandbox.demo.reports import Item

ACTING = frozenset({"resend", "hold_back", "repeat_import", "run_now", "data_sync", "add_tag", "remove_tag"})
BUTTONS = ("campaign_", "run_now", "repeat_import", "job_stopped", "import", "tag_")
"""Beginnings of the effects that somebody's press has."""


def differences(played: Iterable[Played]) -> list[str]:
    """Everything that is not as the incident says, of all its organizations."""
    found = []
    for one in played:
        house = one.house
        truth = house.truth()
        mine = [
            *_outages(one, truth["expected_outages"]),
            *_items(one, truth["expected"]),
            *_unexpected(one, truth["expected"]),
            *(f"mailed twice: {entry}" for entry in truth["mailed_twice"]),
            *(f"missing: {entry}" for entry in truth["missing"]),
            *_alarms(one),
            *(f"refused: {sentence}" for sentence in one.refused),
            *(f"{run.run_id} failed: {run.failure}" for run in one.runs if run.failure),
        ]
        found += [f"{house.site.organization}: {sentence}" for sentence in mine]
    return found


def _outages(one: Played, expected: list[Mapping[str, Any]] | None) -> list[str]:
    if expected is None:
        return []
    t0 = one.house.world.t0
    wanted = {
        _outage(o["service"], _time(o["start"]), _time(o["end"]), o["suspected"], o["state"], t0)
        for o in expected
    }
    got = {_outage(o.service.value, o.start, o.end, o.suspected, o.state.value, t0) for o in one.outages}
    return [f"outage not found: {text}" for text in sorted(wanted - got)] + [
        f"outage not expected: {text}" for text in sorted(got - wanted)
    ]


def _outage(
    service: str, start: datetime | None, end: datetime | None, suspected: bool, state: str, t0: datetime
) -> str:
    def offset(moment: datetime | None) -> str:
        return "now" if moment is None else f"T0{(moment - t0).total_seconds() / 60:+g} min"

    return f"{service} {offset(start)} to {offset(end)}, {'suspected' if suspected else 'confirmed'}, {state}"


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _alarms(one: Played) -> list[str]:
    """The guard rings for the campaigns that the incident names, once each, and for nothing else."""
    wanted = [f"({name})" for name in one.house.incident.alarms]
    found = [f"no alarm about {name}" for name in wanted if not any(name in told for told in one.alarms)]
    return found + [
        f"alarm: {told}"
        for number, told in enumerate(one.alarms)
        if not any(name in told for name in wanted) or told in one.alarms[:number]
    ]


def _items(one: Played, expected: list[Mapping[str, Any]]) -> list[str]:
    found = []
    for want in expected:
        run = want["run"]
        if run is not None and run > len(one.runs):
            found.append(f"{want['id']}: there is no dag run {run}")
            continue
        items = {item.key: item for item in (one.items if run is None else one.runs[run - 1].items)}
        item = items.get(f"{want['kind']}:{want['id']}")
        if want["absent"] or item is None:
            if want["absent"] != (item is None):
                found.append(
                    f"{want['id']} is {'an item and should not be' if want['absent'] else 'in no report'}"
                )
            continue
        got = (item.rule, item.decision, item.outcome)
        if got != (want["rule"], want["decision"], want["outcome"]):
            found.append(
                f"{want['id']}: {', '.join(got)}; expected {want['rule']}, {want['decision']}, {want['outcome']} "
                f"({_why(one, item)})"
            )
    return found


def _why(one: Played, item: Item) -> str:
    reasons = [row.reason for run in one.runs for row in run.report.rows if row.key == item.key]
    return "; ".join([*dict.fromkeys(reasons), item.detail])


def _unexpected(one: Played, expected: list[Mapping[str, Any]]) -> list[str]:
    """Decisions to act that nobody expected, and effects of ours on anything else."""
    named = {f"{want['kind']}:{want['id']}" for want in expected if not want["absent"]}
    found = [
        f"{item.id} is not expected at all: {item.rule}, {item.decision}, {item.outcome} ({_why(one, item)})"
        for item in one.items
        if item.key not in named and (item.decision in ACTING or item.outcome in ("needs_human", "failed"))
    ]
    acted = {
        want["id"].partition("@")[0].partition("+")[0] for want in expected if want["decision"] in ACTING
    }
    imports = any(want["decision"] in ("data_sync", "add_tag", "remove_tag") for want in expected)
    root: dict[str, str] = {}
    for effect in one.house.effects():
        item = root.get(effect["item"], effect["item"])
        if effect["kind"] == "campaign_copied":
            root[effect["detail"]["copy"]] = item
        if not effect["kind"].startswith(BUTTONS):
            continue
        if item not in acted and not (imports and effect["kind"].startswith(("import", "tag_"))):
            found.append(f"we did {effect['kind']} on {effect['item']}, which is not expected")
    return found
