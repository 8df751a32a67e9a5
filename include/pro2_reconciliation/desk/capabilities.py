"""What this account was seen to do, at a desk: ``capabilities [--json]``, ``capabilities accept NAME... --why``.

``accept`` says that somebody saw it, ``capabilities withdraw NAME... --why`` that it did not, or that nobody is sure.
What is not proven is pressed by a person (ADR 14). Fails with one sentence; nothing was written then.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from pro2_reconciliation.desk.place import with_ledger
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.overview import commands
from pro2_reconciliation.overview.capabilities import capabilities, pressed_by_a_person
from pro2_reconciliation.repair.ground import ACCEPT

HOW = f"Once somebody saw it do what it should: {ACCEPT.format('NAME')}"


def add_commands(subparsers: Any) -> None:
    """Add the command to the subparsers of the desk."""
    seen = subparsers.add_parser("capabilities", help="what this account was seen to do")
    seen.add_argument("--json", action="store_true", help="for programs")
    seen.set_defaults(do=with_ledger(told))
    deeds = seen.add_subparsers(dest="deed", required=False)
    for name, about in (
        ("accept", "somebody saw it: from now on this software presses it"),
        ("withdraw", "it did not, or nobody is sure: from now on a person presses it"),
    ):
        deed = deeds.add_parser(name, help=about)
        deed.add_argument("names", nargs="+", metavar="NAME", help=f"as listed, or {commands.EVERYTHING}")
        deed.add_argument("--why", required=True, help="what was seen, where and when")


def told(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    """Say what was seen, or list every capability with its state, date and proof."""
    organization, zone = site.organization, site.zone
    if given.deed is not None:
        say = commands.accept_capabilities if given.deed == "accept" else commands.withdraw_capabilities
        return say(ledger, organization, zone, given.names, who=given.who, why=given.why)
    found = capabilities(ledger, organization)
    if given.json:
        return json.dumps([one.model_dump(mode="json") for one in found], indent=1, ensure_ascii=False)
    width = max(len(one.capability.value) for one in found)
    lines = []
    for one in found:
        at = f" {local(one.at, zone)}" if one.at else ""
        told = f" ({one.evidence}, {one.who})" if one.evidence else ""
        lines.append(f"{one.capability.value.ljust(width)}  {one.state}{at}: {one.meaning}{told}")
    left = pressed_by_a_person(ledger, organization)
    lines += ["", f"A person presses: {left}.", HOW] if left else []
    return "\n".join(lines)
