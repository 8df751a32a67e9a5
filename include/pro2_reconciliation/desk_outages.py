"""What a person says about outages at a desk: declare, confirm, end, withdraw.

The next detection pass takes it up (every five minutes). Times are read as in the form: local time of the
organization, or with an offset. Fails with one sentence that names the value and the next step.
"""

from __future__ import annotations

import argparse
from typing import Any

from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.window_form import parse_moment
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger

COMMANDS = frozenset({"declare", "confirm", "ended", "withdraw"})
EXAMPLE = "2026-11-19T18:00"


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of the desk."""
    declare = commands.add_parser("declare", help="vouch for an outage")
    declare.add_argument("service", choices=[service.value for service in Service])
    declare.add_argument("--from", dest="start", required=True, metavar="TIME")
    declare.add_argument("--to", dest="end", metavar="TIME", help="leave it out while it lasts")
    declare.add_argument("--why", required=True)
    confirm = commands.add_parser("confirm", help="a suspected outage was one")
    confirm.add_argument("outage")
    confirm.add_argument("--why", default="confirmed at the desk")
    ended = commands.add_parser("ended", help="a declared outage has ended")
    ended.add_argument("number", type=int)
    ended.add_argument("--at", required=True, metavar="TIME")
    commands.add_parser("withdraw", help="take a declaration back").add_argument("number", type=int)


def do(given: argparse.Namespace, ledger: Ledger, organization: str, zone: str) -> str:
    """Carry out one command; returns a sentence. Raises ``ReconciliationError``."""
    match given.command:
        case "declare":
            start = parse_moment(given.start, zone, example=EXAMPLE)
            end = parse_moment(given.end, zone, example=EXAMPLE) if given.end else None
            said = ledger.declare(organization, Service(given.service), start, end, given.who, given.why)
            return f"Declared as number {said.number}; the next detection pass takes it up"
        case "confirm":
            outage = ledger.outage(given.outage)
            if outage is None or outage.organization != organization:
                known = ", ".join(one.id for one in ledger.outages(organization)) or "none"
                raise ReconciliationError(f"outage {given.outage!r} is not known; known are: {known}")
            said = ledger.declare(
                organization, outage.service, outage.start, outage.end, given.who, given.why
            )
            return f"Outage {outage.id} is confirmed (declaration {said.number}); the next detection pass goes on"
        case "ended":
            at = parse_moment(given.at, zone, example=EXAMPLE)
            said = ledger.end_declaration(organization, given.number, at)
            return f"Declaration {said.number} ended {local(at, zone)}"
        case _:
            taken_back = ledger.withdraw(organization, given.number, given.who)
            if taken_back is None:
                raise ReconciliationError(f"there is no declaration {given.number}; list them by: status")
            return f"Declaration {given.number} is withdrawn; what was not begun because of it will not be"


def told(ledger: Ledger, organization: str, zone: str) -> list[str]:
    """A line for each declaration that stands."""
    lines = []
    for one in ledger.declarations(organization):
        if one.withdrawn_at is None:
            end = local(one.end, zone) if one.end else "now"
            lines.append(
                f"Declaration {one.number}: {one.service.value} down {local(one.start, zone)} to {end}, "
                f"by {one.who}: {one.why}"
            )
    return lines
