"""What a person says about outages at a desk: declare, confirm, end, withdraw.

The next detection pass takes it up (every five minutes). Times are read as in the form: local time of the
organization, or with an offset. Fails with one sentence that names the value and the next step.
"""

from __future__ import annotations

import argparse
from typing import Any

from pro2_reconciliation.desk.place import with_ledger
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.overview import commands as say


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of the desk."""
    declare = commands.add_parser("declare", help="vouch for an outage")
    declare.add_argument("service", choices=[service.value for service in Service])
    declare.add_argument("--from", dest="start", required=True, metavar="TIME")
    declare.add_argument("--to", dest="end", metavar="TIME", help="leave it out while it lasts")
    declare.add_argument("--why", required=True)
    declare.set_defaults(do=with_ledger(_declare))
    confirm = commands.add_parser("confirm", help="a suspected outage was one")
    confirm.add_argument("outage")
    confirm.add_argument("--why", default="confirmed at the desk")
    confirm.set_defaults(do=with_ledger(_confirm))
    ended = commands.add_parser("ended", help="a declared outage has ended")
    ended.add_argument("number", type=int)
    ended.add_argument("--at", required=True, metavar="TIME")
    ended.set_defaults(do=with_ledger(_ended))
    withdraw = commands.add_parser("withdraw", help="take a declaration back")
    withdraw.add_argument("number", type=int)
    withdraw.set_defaults(do=with_ledger(_withdraw))


def _declare(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    organization, zone, end = site.organization, site.zone, given.end or ""
    return say.declare(
        ledger, organization, zone, given.service, given.start, end, who=given.who, why=given.why
    )


def _confirm(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    return say.confirm(ledger, site.organization, site.zone, given.outage, who=given.who, why=given.why)


def _ended(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    return say.end_declaration(ledger, site.organization, site.zone, given.number, given.at, who=given.who)


def _withdraw(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    return say.withdraw(ledger, site.organization, site.zone, given.number, who=given.who)


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
