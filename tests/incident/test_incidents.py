"""Every incident that is shipped, played from its first detection pass to its last; and each of them broken once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.incident.judging import differences
from tests.incident.player import Player
from tests.incident.test_evening import without

from pro2_sandbox import Incident, build_incident, load_incident
from pro2_sandbox.loader import INCIDENTS

SHIPPED = sorted(path.stem for path in INCIDENTS.glob("*.yaml"))
Change = Callable[[dict[str, Any]], Mapping[str, Any]]


IN_THE_LONG_FORM = pytest.mark.skipif(
    os.environ.get("CHAOS") != "long", reason="it tests the tests: CHAOS=long scripts/test incident"
)


@pytest.mark.parametrize("name", SHIPPED)
def test_an_incident_ends_as_it_says(tmp_path: Path, name: str) -> None:
    played = Player(tmp_path, name).play()

    assert differences(played) == []


def only_play(**changes: Any) -> Change:
    return lambda content: {"play": content.get("play", {}) | changes}


def without_the_last_news(content: dict[str, Any]) -> Mapping[str, Any]:
    return {"outages": [*content["outages"][:-1], content["outages"][-1] | {"feed": None}]}


def nothing_else_hangs(content: dict[str, Any]) -> Mapping[str, Any]:
    return {"campaigns": content["campaigns"][::3], "must_reach": {}}


def another_catalog(content: dict[str, Any]) -> Mapping[str, Any]:
    """jobs.yaml has the last job an hour later than Pro2 runs it."""
    last = content["jobs"][-1] | {"config": {"cron": "30 1 * * *"}}
    return {"jobs": [*content["jobs"][:-1], last]}


RULES = {
    "airflow-away": "C12",
    "copy-hit-again": "C3",
    "dashboard-alone": "R10",
    "dst-autumn": "R4",
    "evening-outage": "C12",
    "everything-down": "R10",
    "export-and-manual": "R1",
    "flapping": "C4",
    "half-synced": "R14",
    "live-outage": "C6",
    "overlapping-outages-reversed": "C0",
    "people-everywhere": "C6",
    "restored": "C7",
    "tessitura-alone": "R13",
    "trigger-kinds": "R11",
    "worked-example": "C11",
}
"""The rule that the incident hangs on, broken: it never fits."""
FACTS: Mapping[str, tuple[Change, str]] = {
    "account-review": (nothing_else_hangs, "101: C11"),
    "feed-alone": (only_play(desk=[]), "there is no dag run 2"),
    "inferred": (
        lambda content: {"sources": {"activity": {"enabled": False}}},
        "outage not found: dashboard",
    ),
    "known-maintenance": (
        lambda content: {"sources": {key: content["sources"][key] for key in ("probes",)}},
        "outage not found: tessitura T0+120 min",
    ),
    "no-midnight": (another_catalog, "j-2@2026-04-23T22:00:00Z is in no report"),
    "overlapping-outages": (without_the_last_news, "outage not found: sending"),
    "still-open": (only_play(desk=[]), "outage not found: sending T0+35 min to now, confirmed"),
    "three-organizations": (only_play(answers="approve_none"), "ballet: j-1"),
}
"""The fact that the incident hangs on, changed, and what is said of it."""


def test_every_incident_is_broken_once() -> None:
    assert sorted([*RULES, *FACTS]) == SHIPPED


@IN_THE_LONG_FORM
@pytest.mark.parametrize("name", sorted(RULES))
def test_without_its_rule_an_incident_is_found_out(tmp_path: Path, name: str) -> None:
    played = Player(tmp_path, name, book=without(RULES[name])).play()

    assert any(f"expected {RULES[name]}," in line for line in differences(played))


@IN_THE_LONG_FORM
@pytest.mark.parametrize("name", sorted(FACTS))
def test_with_another_fact_an_incident_is_found_out(tmp_path: Path, name: str) -> None:
    change, told = FACTS[name]
    played = Player(tmp_path, changed(load_incident(name), change)).play()

    assert any(told in line for line in differences(played))


def changed(incident: Incident, change: Change) -> Incident:
    content = incident.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return build_incident(content | dict(change(content)))
