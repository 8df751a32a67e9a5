"""What stands in the ledger at this moment, for a person at a desk: what stops, what waits, what is open.

Reads only. One line for each thing; times are those of the organization.
"""

from __future__ import annotations

import argparse
from typing import Any

from pro2_reconciliation.desk import ledger as of_ledger
from pro2_reconciliation.desk import outages
from pro2_reconciliation.desk.place import with_ledger
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.ledger import ActionKey, Ledger
from pro2_reconciliation.repair.notices import Links
from pro2_reconciliation.repair.questions import Unanswered, unanswered
from pro2_reconciliation.repair.timeline import printable


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    status = commands.add_parser("status", help="switch, guard, outages, questions that wait, open items")
    status.set_defaults(do=with_ledger(_status))


def _status(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    return status_of(ledger, site)


def status_of(ledger: Ledger, site: Site) -> str:
    """The lines, what presses first in front."""
    organization, zone = site.organization, site.zone
    switch = ledger.switch(organization)
    by = f", by {switch.who}: {switch.why}" if switch.at else ""
    beat = ledger.heartbeat("guard_repairs")
    lines = [
        *of_ledger.told(ledger, zone),
        f"Kill switch: {switch.stage.value}{by}",
        f"guard_repairs last passed {local(beat, zone)}" if beat else "guard_repairs has never passed",
        *(
            _question(ledger, one)
            for one in unanswered(ledger, ledger.now())
            if one.organization == organization
        ),
    ]
    for outage in ledger.outages(organization):
        end = local(outage.end, zone) if outage.end else "now"
        lines.append(
            f"Outage {outage.id} of {outage.service.value}: {local(outage.start, zone)} to {end}, "
            f"{outage.state.value}{', only suspected' if outage.suspected else ''}"
        )
    lines += outages.told(ledger, organization, zone)
    for key, note in ledger.holds(organization).items():
        lines.append(f"Held: {key} by {note.who}: {note.why}")
    for repeat in ledger.repeats(organization):
        if ledger.action(ActionKey(organization, repeat.root, repeat.remedy, repeat.generation).id) is None:
            remedy = repeat.remedy.value.replace("_", " ")
            lines.append(f"To be done once more: {repeat.root}, {remedy}, for {repeat.who}: {repeat.why}")
    for item in ledger.open_items(organization):
        lines.append(
            f"Open since {local(item.opened_at, zone)}: «{item.name}» ({item.item_key}), {item.rule}: "
            f"{item.reason}"
        )
    return "\n".join(lines)


def _question(ledger: Ledger, one: Unanswered) -> str:
    """A question that waits, and where it is answered: in Airflow, which knows who somebody is."""
    run = ledger.run(one.organization, one.dag_run)
    behind = run.dag_id.partition("__")[2] if run else ""
    items = "1 item" if len(one.items) == 1 else f"{len(one.items)} items"
    soonest = min(
        (item.send_by for item in one.items if item.send_by and item.send_by > ledger.now()), default=None
    )
    first = f"; the first must not be sent after {local(soonest, one.zone)}" if soonest else ""
    return (
        f"Waits for an answer until {local(one.until, one.zone)}: {items}, dag run {printable(one.dag_run)}{first}. "
        "Answer in Airflow: Outages, Browse → Required Actions, or "
        f"{Links(organization=behind).question(one.dag_run).url}"
    )
