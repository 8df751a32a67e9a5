"""Try a policy at a desk: what a recorded reconciliation would decide under it, without Airflow and without Pro2.

    plan RECORDING [--config DIR] [--against DIR2] [--mode MODE] [--json]

RECORDING is the ``.recording.json`` that ``reconcile`` keeps beside its report. What inventory and sensors had seen
by then is fixed, so a policy's times of watching and of reading around the outage change nothing here. The mode is
``ask`` unless given; ``auto`` marks what would run by itself. Fails with one sentence.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pro2_reconciliation.desk.site import folder_of
from pro2_reconciliation.domain.config import Site, load_site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.localtime import describe_window, local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.repair.clearing import automatic_choices
from pro2_reconciliation.repair.replaying import Replayed, load_recording, replay
from pro2_reconciliation.repair.timeline import cut, printable

NOT_THE_SAME = "This is not the plan that was made then: configuration or version differ."
HEADS = ("kind", "id", "name", "rule", "decision", "would be asked", "reason")


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    plan = commands.add_parser("plan", help="what a recording leads to under a policy")
    plan.add_argument("recording", help="a .recording.json from the folder of the reports")
    plan.add_argument("--config", default=argparse.SUPPRESS, help="directory with jobs.yaml and policy.yaml")
    plan.add_argument(
        "--against", metavar="DIR", help="a second directory: what would be decided differently"
    )
    plan.add_argument("--mode", choices=[mode.value for mode in Mode], default="ask", help="ask unless given")
    plan.add_argument("--json", action="store_true", help="for programs")
    plan.set_defaults(do=_plan)


def _plan(given: argparse.Namespace) -> str:
    """The plan as text or JSON. Raises ``ReconciliationError``."""
    mode = Mode(given.mode)
    recording = load_recording(_on_this_machine(given.recording))
    site = load_site(folder_of(given.config))
    here = replay(recording, site)
    there = replay(recording, load_site(given.against)) if given.against else None
    if given.json:
        return json.dumps(_as_json(here, there, mode), indent=1, ensure_ascii=False)
    lines = _table(here, site, mode)
    lines += [] if here.plan.hash == recording.plan_hash else ["", NOT_THE_SAME]
    if there is not None:
        lines += ["", *_differences(here.plan, there, given.against)]
    return "\n".join(lines)


def _on_this_machine(named: str) -> Path:
    """The path of a recording, also where it is given as the log of ``reconcile`` names it (``file://``)."""
    scheme, found, path = named.partition("://")
    if found and scheme != "file":
        raise ConfigurationError(f"{named} is not on this machine; copy it here and name the copy")
    return Path(path if found else named)


def _table(found: Replayed, site: Site, mode: Mode) -> list[str]:
    plan = found.plan
    by_itself = _by_itself(plan, mode)
    lines = [
        f"{printable(plan.organization)}, {describe_window(plan.window, site.zone)}, run {printable(plan.run) or '-'}",
        "Nothing is asked and nothing is done: this is what the recording leads to.",
    ]
    rows = [HEADS, *(_cells(one, _asked(one, mode, by_itself)) for one in plan.decisions)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines += ["", *("  ".join(map(str.ljust, cells, widths)).rstrip() for cells in rows)]
    return [*lines, *_missing(found)]


def _by_itself(plan: Plan, mode: Mode) -> frozenset[str]:
    return frozenset(automatic_choices(plan)) if mode is Mode.AUTO else frozenset()


def _asked(decision: Decision, mode: Mode, by_itself: frozenset[str]) -> str:
    if decision.key in by_itself:
        return "runs by itself"
    choices = [choice.value for choice in decision.choices if choice is not Choice.LEAVE]
    return ", ".join(choices) if choices and mode is not Mode.PLAN else "-"


def _cells(decision: Decision, asked: str) -> tuple[str, ...]:
    return (
        decision.kind.value,
        printable(decision.item_id),
        cut(decision.name, 32),
        _rule(decision),
        decision.remedy.value,
        asked,
        cut(decision.reason, 100),
    )


def _rule(decision: Decision) -> str:
    return f"{decision.rule} via {', '.join(decision.via)}" if decision.via else decision.rule


def _missing(found: Replayed) -> list[str]:
    if not found.missing:
        return []
    what = "; ".join(map(printable, found.missing))
    return ["", f"The recording does not hold {what}. What needs it may be decided otherwise in real."]


def _changed(here: Plan, there: Plan) -> list[tuple[str, Decision | None, Decision | None]]:
    """The items that both plans do not decide alike: key and both decisions."""
    keys = dict.fromkeys(decision.key for plan in (here, there) for decision in plan.decisions)
    pairs = ((key, here.decision(key), there.decision(key)) for key in keys)
    return [(key, one, other) for key, one, other in pairs if _essence(one) != _essence(other)]


def _essence(decision: Decision | None) -> object:
    """What a decision comes down to; who says it in other words decides alike."""
    return decision and decision.model_dump(
        include={"rule", "via", "remedy", "choices", "reach", "send_by", "feeds", "stop_first", "covers"}
    )


def _differences(here: Plan, there: Replayed, directory: str) -> list[str]:
    changed = _changed(here, there.plan)
    items = "1 item" if len(changed) == 1 else f"{len(changed)} items"
    lines = [f"{items} would be decided differently with {directory}{':' if changed else ''}"]
    for key, one, other in changed:
        name = printable((one or other).name) if one or other else key  # type: ignore[union-attr]
        lines += [
            f"«{name}» ({printable(key)})",
            f"  here   {_said(one, here.zone)}",
            f"  there  {_said(other, here.zone)}",
        ]
    return [*lines, *_missing(there)]


def _said(decision: Decision | None, zone: str) -> str:
    if decision is None:
        return "is no item"
    asked = ", ".join(choice.value for choice in decision.choices)
    more = [f"asked: {asked}"] if asked else []
    more += ["stopped first"] if decision.stop_first else []
    more += [f"covers {printable(', '.join(decision.covers))}"] if decision.covers else []
    more += [f"send by {local(decision.send_by, zone)}"] if decision.send_by else []
    more += [f"waits for {', '.join(decision.feeds)}"] if decision.feeds else []
    return "; ".join([f"{_rule(decision)}, {decision.remedy.value}: {printable(decision.reason)}", *more])


def _as_json(here: Replayed, there: Replayed | None, mode: Mode) -> dict[str, Any]:
    body: dict[str, Any] = {"mode": mode.value, **_plan_json(here, mode)}
    if there is not None:
        keys = [key for key, _, _ in _changed(here.plan, there.plan)]
        body["against"] = {**_plan_json(there, mode), "different": keys}
    return body


def _plan_json(found: Replayed, mode: Mode) -> dict[str, Any]:
    by_itself = _by_itself(found.plan, mode)
    kept = {
        "kind",
        "item_id",
        "name",
        "rule",
        "via",
        "remedy",
        "reach",
        "reason",
        "choices",
        "send_by",
        "feeds",
        "stop_first",
        "covers",
    }
    return {
        "organization": found.plan.organization,
        "run": found.plan.run,
        "window": found.plan.window.model_dump(mode="json"),
        "health": found.plan.health,
        "decisions": [
            {
                "key": one.key,
                **one.model_dump(mode="json", include=kept),
                "by_itself": one.key in by_itself,
            }
            for one in found.plan.decisions
        ],
        "missing": list(found.missing),
    }
