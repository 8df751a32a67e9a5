"""``python -m pro2_reconciliation``: what a person can say to the ledger at a desk, without Airflow.

    status                       switch, guard, outages, what is open, and which questions wait for an answer
    switch off|schedules|everything --why "..."     the kill switch, read before each step
    hold ITEM --why "..."        "I do this one myself"; ITEM is a key such as campaign:103
    release ITEM                 end a hold
    waive ITEM --why "..."       do not wait for this one; its sensor sees it at its next poll
    close ITEM --why "..."       close an open item
    declare SERVICE --from T [--to T] --why "..."   vouch for an outage that no source shows
    confirm OUTAGE [--why "..."]                    a suspected outage was one
    ended NUMBER --at T          a declared outage that lasted has ended
    withdraw NUMBER              take a declaration back
    adopt [--create] --why "..."                    this ledger is the one to go by: from now on it may be acted on
    repeat ITEM --why "..."      an ended action on an item may be planned, asked about and done once more
    prune --older-than DAYS [--yes]   delete what only tells of long ago; never what keeps a mail from leaving twice
    bundle ITEM --out FILE.zip   all that is known of an item, with a message to the vendor; no secrets, no addresses
    plan RECORDING [--against DIR] [--mode MODE] [--json]
                                 what a recorded reconciliation leads to under a policy
    schema jobs|policy|sources|notifications|activity_export      the JSON schema of a file
    learn --activity-log FILE [--zone ZONE] [--out FILE]
                                 propose jobs.yaml from an export of the Activity Log (docs/learn.md)
    export --out FOLDER [--csv]  the whole ledger as files, JSON lines or CSV
    drill CAMPAIGN [--yes]       stop, duplicate and send a canary to named colleagues, and note what was seen
    capabilities [--json]        what this account was seen to do; what it was not, a person presses
    capabilities accept|withdraw NAME... --why "..."   somebody saw it do so, or did not
    doctor [--json]              is this site ready? reads only; exit code 1 if anything needs something

``plan``, ``schema`` and ``learn`` need no ledger. The ledger is that of ``--ledger`` or ``PRO2_RECONCILIATION_LEDGER``
(a database URL), else the one that Airflow's tasks use, which ``drill`` and ``doctor`` always use; stderr says which it
is. The site is that of ``--config`` or ``PRO2_RECONCILIATION_CONFIG``. Fails with one sentence and exit code 2.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys
from collections.abc import Callable, Sequence

from pro2_reconciliation import (
    desk_bundle,
    desk_capabilities,
    desk_doctor,
    desk_drill,
    desk_export,
    desk_learn,
    desk_ledger,
    desk_outages,
    desk_plan,
    desk_schema,
    desk_status,
)
from pro2_reconciliation.desk_place import LEDGER_VARIABLE, open_ledger
from pro2_reconciliation.desk_site import open_site
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.ledger import Ledger, Stage
from pro2_reconciliation.overview import commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it was done, 2 with a sentence on stderr when it was not.

    1 where it was done and found something to do (``doctor``).
    """
    given = _parser().parse_args(arguments)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Airflow logs to stdout, and --json is for programs
            said = _WITHOUT_LEDGER.get(given.command, _with_ledger)(given)
    except ReconciliationError as error:
        print(error, file=sys.stderr)
        return 2
    text, code = (said, 0) if isinstance(said, str) else said
    print(text)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pro2_reconciliation", description="Speak to the ledger.")
    parser.add_argument(
        "--ledger", help=f"database URL; else {LEDGER_VARIABLE}, else the one that Airflow's tasks use"
    )
    parser.add_argument("--config", help="directory with jobs.yaml; else PRO2_RECONCILIATION_CONFIG")
    parser.add_argument("--who", default=getpass.getuser(), help="your name, for the ledger")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="switch, guard, outages, questions that wait, open items")
    switch = commands.add_parser("switch", help="the kill switch")
    switch.add_argument("stage", choices=[stage.value for stage in Stage])
    switch.add_argument("--why", required=True)
    for name, about in (
        ("hold", "I do this one myself"),
        ("waive", "do not wait for this one"),
        ("close", "close an open item"),
    ):
        command = commands.add_parser(name, help=about)
        command.add_argument(
            "item", help="a key such as campaign:103 or occurrence:j-211@2026-11-24T17:25:00Z"
        )
        command.add_argument("--why", required=True)
    commands.add_parser("release", help="end a hold").add_argument("item")
    desk_ledger.add_commands(commands)
    desk_outages.add_commands(commands)
    desk_bundle.add_command(commands)
    desk_doctor.add_command(commands)
    desk_capabilities.add_command(commands)
    desk_drill.add_command(commands)
    desk_export.add_command(commands)
    desk_plan.add_command(commands)
    desk_schema.add_command(commands)
    desk_learn.add_command(commands)
    return parser


def _with_ledger(given: argparse.Namespace) -> str:
    site = open_site(given.config)
    create = given.command == "adopt" and given.create
    opened = open_ledger(given.ledger, site.organization, create=create)
    if not given.ledger:
        print(opened.told, file=sys.stderr)
    said = _do(given, opened.ledger, site)
    return f"A new ledger was begun, {opened.why}. {said}" if opened.begun else said


_WITHOUT_LEDGER: dict[str, Callable[[argparse.Namespace], str | tuple[str, int]]] = {
    "plan": desk_plan.do,
    "schema": desk_schema.do,
    "learn": desk_learn.do,
    "doctor": desk_doctor.do,
    "drill": desk_drill.do_drill,
}
"""Those that need none, or open the one of Airflow themselves."""


def _do(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    organization, zone = site.organization, site.zone
    match given.command:
        case "switch":
            return commands.switch(ledger, organization, zone, given.stage, who=given.who, why=given.why)
        case "hold":
            return commands.hold(ledger, organization, zone, given.item, who=given.who, why=given.why)
        case "release":
            return commands.release(ledger, organization, zone, given.item, who=given.who)
        case "waive":
            return commands.waive(ledger, organization, zone, given.item, who=given.who, why=given.why)
        case "close":
            return commands.close(ledger, organization, zone, given.item, who=given.who, why=given.why)
        case command if command in desk_ledger.COMMANDS:
            return desk_ledger.do(given, ledger, site)
        case command if command in desk_bundle.COMMANDS:
            return desk_bundle.do(given, ledger, site)
        case command if command in desk_export.COMMANDS:
            return desk_export.do(given, ledger)
        case "capabilities":
            return desk_capabilities.do(given, ledger, organization, zone)
        case command if command in desk_outages.COMMANDS:
            return desk_outages.do(given, ledger, organization, zone)
        case _:
            return desk_status.do(ledger, site)


if __name__ == "__main__":
    sys.exit(main())
