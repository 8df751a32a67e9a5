"""A drill at a desk: ``drill CAMPAIGN [--yes]``.

Without ``--yes`` a drill only says what it would do. It needs the environment of Airflow, whose connections it goes
over, and the guard, which has to pass. Fails with one sentence; exit code 1 if the drill did not go to its end.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pro2_reconciliation.desk.airflow import airflow_beside
from pro2_reconciliation.desk.capabilities import HOW
from pro2_reconciliation.desk.site import open_site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.overview.capabilities import pressed_by_a_person
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.canary import find_canary
from pro2_reconciliation.repair.drill import Drilled, drill, why_not_now


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    one = commands.add_parser("drill", help="stop, duplicate and send a canary to named colleagues")
    one.add_argument("campaign", help="id of a scheduled campaign whose list holds drill_addresses alone")
    one.add_argument("--yes", action="store_true", help="do it; without it only what would be done is said")
    one.set_defaults(do=_drill)


def _drill(given: argparse.Namespace) -> tuple[str, int]:
    """Look, and with ``--yes`` do it. Raises ``ReconciliationError``."""
    if given.ledger:
        raise ConfigurationError(
            "a drill goes over Airflow's connections, so it uses their ledger; leave --ledger out"
        )
    beside = airflow_beside()
    beside.speak_for(open_site(given.config).organization)
    return drilled_at(beside.open_account(f"drill by {given.who}"), given)


def drilled_at(account: Account, given: argparse.Namespace) -> tuple[str, int]:
    """The same over an account that is open already."""
    canary = find_canary(account, given.campaign)
    name = f"«{one_line(canary.campaign.name, 80)}» ({canary.campaign.id})"
    if not given.yes:
        due = f", due {local(canary.campaign.due, account.zone)}" if canary.campaign.due else ""
        return (
            f"{name} may be drilled on{due}: {canary.audience} addresses, all of them named. It would be stopped, "
            f"duplicated, and its copy sent to them at once. {_how(account)}",
            0,
        )
    found = drill(account, canary, given.who, say=lambda text: print(text, file=sys.stderr, flush=True))
    return _told(account, found, canary.audience), 1 if found.why else 0


def _how(account: Account) -> str:
    why = why_not_now(account)
    return f"Not now: {why}" if why else "To do it: add --yes"


def _told(account: Account, found: Drilled, audience: int) -> str:
    lines = [f"The drill did not go to its end: {found.why}"] if found.why else ["The drill went to its end."]
    lines += [f"ok  {one.capability.value}: {one.evidence}" for one in found.seen if one.proven]
    lines += [f"--  {one.capability.value}: {one.evidence}" for one in found.seen if not one.proven]
    lines += ["", "Not shown by this drill:", *(f"    {why}" for why in found.unproven.values())]
    left = pressed_by_a_person(account.ledger, account.organization)
    if left:
        lines += ["", f"A person presses, until it is proven: {left}.", HOW]
    if found.copy_id and not found.why:
        lines += [
            "",
            f"Ask the {audience} colleagues: each must have got exactly one mail, from copy {found.copy_id}.",
        ]
    return "\n".join(lines)
