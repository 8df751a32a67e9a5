"""The words, shapes and colours of the page that the rest of the package has already: nothing is said twice.

``looks_css`` is a stylesheet made of the report's colours, so that page and report look alike.
"""

from __future__ import annotations

from typing import Any

from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.overview.views import Now
from pro2_reconciliation.repair.timeline import (
    END_WORDS,
    GROUPS,
    LOOK_OF,
    LOOKS,
    PERSON,
    QUIET,
    WATCHED,
    Look,
)

NOW_WORDS: dict[Now, tuple[str, Look]] = {
    Now.ASKED: ("waits for an answer", PERSON),
    Now.UNDER_WAY: ("under way", WATCHED),
    Now.WATCHING: ("being watched", WATCHED),
    Now.SEEN: ("seen, not decided yet", QUIET),
    Now.CLOSED: ("closed", QUIET),
}
STAGE_WORDS = {
    Stage.OFF: "Off. Nothing is stopped",
    Stage.SCHEDULES: "Schedules. Detection starts no dag run; what runs goes on, and a person can start one",
    Stage.EVERYTHING: "Everything. No step acts any more, also of dag runs that are at work, and the guard stops no "
    "original that wakes: while originals wake, pause reconcile instead",
}
KIND_WORDS = {
    ItemKind.CAMPAIGN: "campaign",
    ItemKind.OCCURRENCE: "job",
    ItemKind.AUTOMATION: "automation",
}


def words() -> dict[str, Any]:
    """What a browser needs to name things: outcomes in the order of urgency, kinds, stages of the switch."""
    asked = {now.value: _outcome(*NOW_WORDS[now]) for now in NOW_WORDS}
    ended = {end.value: _outcome(END_WORDS[end], LOOK_OF[end]) for end in END_WORDS}
    return {
        "outcomes": {Now.ASKED.value: asked[Now.ASKED.value], **ended, **asked},
        "looks": {look.name: {"path": look.path, "hollow": look.hollow} for look in LOOKS},
        "kinds": {kind.value: KIND_WORDS[kind] for kind in ItemKind},
        "groups": {kind.value: GROUPS[kind] for kind in ItemKind},
        "stages": {stage.value: STAGE_WORDS[stage] for stage in Stage},
    }


def looks_css() -> str:
    """Custom properties and classes of the looks, light and dark."""
    light = "".join(f"--{look.name}:{look.light};" for look in LOOKS)
    dark = "".join(f"--{look.name}:{look.dark};" for look in LOOKS)
    classes = "".join(f".{look.name}{{color:var(--{look.name})}}" for look in LOOKS)
    return f":root{{{light}}}:root.dark{{{dark}}}{classes}\n"


def _outcome(label: str, look: Look) -> dict[str, str]:
    return {"label": label, "look": look.name, "glyph": look.glyph}
