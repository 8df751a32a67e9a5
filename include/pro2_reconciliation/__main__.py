"""``python -m pro2_reconciliation``: what a person can say at a desk, in a shell.

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
from collections.abc import Sequence

from pro2_reconciliation.desk import (
    bundle,
    capabilities,
    doctor,
    drill,
    export,
    items,
    learn,
    ledger,
    outages,
    plan,
    schema,
    status,
    switch,
)
from pro2_reconciliation.desk.place import LEDGER_VARIABLE
from pro2_reconciliation.domain.errors import ReconciliationError

NOUNS = (
    status,
    switch,
    items,
    ledger,
    outages,
    bundle,
    doctor,
    capabilities,
    drill,
    export,
    plan,
    schema,
    learn,
)
"""In the order of ``--help``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it was done, 2 with a sentence on stderr when it was not.

    1 where it was done and found something to do (``doctor``).
    """
    given = _parser().parse_args(arguments)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Airflow logs to stdout, and --json is for programs
            said: str | tuple[str, int] = given.do(given)
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
    for noun in NOUNS:
        noun.add_commands(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
