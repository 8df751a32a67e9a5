"""What a person says about one item at a desk: hold, release, waive, close, repeat.

Recorded with name and reason. Repeating takes only our own memory of an item out of the way: the next plan decides on
it by what the world shows, and asks again. Fails with one sentence that names the value and the next step.
"""

from __future__ import annotations

import argparse
from typing import Any

from pro2_reconciliation.desk.place import with_ledger
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.overview import commands as say

KEY = "a key such as campaign:103 or occurrence:j-211@2026-11-24T17:25:00Z"
_WITH_A_REASON = {
    "hold": (say.hold, "I do this one myself"),
    "waive": (say.waive, "do not wait for this one"),
    "close": (say.close, "close an open item"),
    "repeat": (say.repeat, "plan an ended action once more"),
}


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of the desk."""
    for name, (_, about) in _WITH_A_REASON.items():
        command = commands.add_parser(name, help=about)
        command.add_argument("item", help=KEY)
        command.add_argument("--why", required=True)
        command.set_defaults(do=with_ledger(_say))
    release = commands.add_parser("release", help="end a hold")
    release.add_argument("item", help=KEY)
    release.set_defaults(do=with_ledger(_release))


def _say(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    said = _WITH_A_REASON[given.command][0]
    return said(ledger, site.organization, site.zone, given.item, who=given.who, why=given.why)


def _release(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    return say.release(ledger, site.organization, site.zone, given.item, who=given.who)
