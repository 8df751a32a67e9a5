"""What a person says about the ledger itself, and about what it holds as done: adopt, repeat.

Both are recorded with name and reason. Adopting is a promise that this ledger is the newest there is; repeating takes
only our own memory of an item out of the way, so the next plan decides on it by what the world shows, and asks again.
Fails with one sentence that names the value and the next step.
"""

from __future__ import annotations

import argparse
from typing import Any

from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.ledger import Ledger, why_plan_only
from pro2_reconciliation.overview import commands as say

COMMANDS = frozenset({"adopt", "repeat"})


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of the desk."""
    adopt = commands.add_parser("adopt", help="this ledger is the one to go by")
    adopt.add_argument("--why", required=True)
    adopt.add_argument("--create", action="store_true", help="begin a new ledger where there is none")
    repeat = commands.add_parser("repeat", help="plan an ended action once more")
    repeat.add_argument("item", help="a key such as campaign:103 or occurrence:j-211@2026-11-24T17:25:00Z")
    repeat.add_argument("--why", required=True)


def do(given: argparse.Namespace, ledger: Ledger, organization: str, zone: str) -> str:
    """Carry out one command; returns a sentence. Raises ``ReconciliationError``."""
    if given.command == "adopt":
        return say.adopt(ledger, organization, zone, who=given.who, why=given.why)
    return say.repeat(ledger, organization, zone, given.item, who=given.who, why=given.why)


def told(ledger: Ledger, zone: str) -> list[str]:
    """The lines of ``status`` about the ledger itself."""
    identity = ledger.identity
    lines = [f"Ledger {identity.uuid} at {ledger.address}, epoch {identity.epoch}"]
    for one in ledger.adoptions()[-1:]:
        lines.append(f"Adopted {local(one.at, zone)} on host {one.host} by {one.who}: {one.why}")
    refusal = why_plan_only(ledger, None, zone)
    return [*lines, f"Plans only: {refusal}"] if refusal else lines
