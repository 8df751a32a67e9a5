"""What a person says about the ledger itself at a desk: adopt, prune.

Adopting is a promise that this ledger is the newest there is, recorded with name and reason.
Pruning deletes nothing unless it is told ``--yes``, and never what keeps a mail from leaving twice.
Fails with one sentence that names the value and the next step.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

from pro2_reconciliation.desk.place import with_ledger
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.ledger import Ledger, why_plan_only
from pro2_reconciliation.overview import commands as say

LEAST_DAYS = 60
"""Younger things are not pruned: an item stays open for 30 days, and its night is looked at again until then."""
AFTER_REPORTS_DAYS = 30
"""So long after ``keep_reports_days``: by its plan a report is known as ours, so the file has to go first."""
MOST_DAYS = 36_500


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of the desk."""
    adopt = commands.add_parser("adopt", help="this ledger is the one to go by")
    adopt.add_argument("--why", required=True)
    adopt.add_argument("--create", action="store_true", help="begin a new ledger where there is none")
    adopt.set_defaults(do=with_ledger(_adopt))
    prune = commands.add_parser("prune", help="delete what only tells of long ago")
    prune.add_argument("--older-than", type=float, required=True, metavar="DAYS")
    prune.add_argument("--yes", action="store_true", help="do it; without it is only counted")

    prune.set_defaults(do=with_ledger(_prune))


def _adopt(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    return say.adopt(ledger, site.organization, site.zone, who=given.who, why=given.why)


def _prune(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    days, delete_it = given.older_than, given.yes
    least = max(LEAST_DAYS, site.policy.keep_reports_days + AFTER_REPORTS_DAYS)
    if not least <= days < MOST_DAYS:
        raise ReconciliationError(
            f"--older-than {days:g} is not allowed; give {least:g} days or more: items may be open for 30 days, and "
            f"the files of reports are deleted by their plans after {site.policy.keep_reports_days:g} days "
            "(keep_reports_days)"
        )
    before = ledger.now() - timedelta(days=days)
    found = ledger.prune(site.organization, before, delete_it=delete_it)
    rows = (
        f"{found.plans} plans with {found.plan_items} items and {found.answers} answers, "
        f"{found.inventories} inventories, {found.dag_runs} dag runs"
    )
    kept = f"{found.kept} older plans stay: something was done on them, they are open, or they are the newest"
    what = f"of {site.organization} made before {local(before, site.zone)}"
    if not found.rows:
        return f"Nothing {what} may be deleted. {kept}"
    if not delete_it:
        return f"Would delete {rows} {what}. {kept}. Back the ledger up, then say it again with --yes"
    return f"Deleted {rows} {what}. {kept}. Actions, outages and what people said were not touched"


def told(ledger: Ledger, zone: str) -> list[str]:
    """The lines of ``status`` about the ledger itself."""
    identity = ledger.identity
    lines = [f"Ledger {identity.uuid} at {ledger.address}, epoch {identity.epoch}"]
    for one in ledger.adoptions()[-1:]:
        lines.append(f"Adopted {local(one.at, zone)} on host {one.host} by {one.who}: {one.why}")
    refusal = why_plan_only(ledger, None, zone)
    return [*lines, f"Plans only: {refusal}"] if refusal else lines
