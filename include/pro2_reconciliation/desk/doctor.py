"""Is this site ready? ``python -m pro2_reconciliation doctor [--json]``: every line is ok, or says what to do.

Reads only. Exit code 0 if all is ok, 1 if anything is not. A thing that cannot even be looked at is a line as well.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pro2_reconciliation.desk.airflow import Airflow, airflow_beside
from pro2_reconciliation.desk.place import LEDGER_VARIABLE, open_ledger
from pro2_reconciliation.desk.site import open_site
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError
from pro2_reconciliation.ledger import Ledger, Witness
from pro2_reconciliation.overview.doctor import Finding, bad, good, ledger_findings, text_of


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    doctor = commands.add_parser(
        "doctor", help="is this site ready? reads only; exit code 1 if anything is not"
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(do=_doctor)


def _doctor(given: argparse.Namespace) -> tuple[str, int]:
    """The findings as text or JSON, and the exit code."""
    found = list(findings(given))
    ready = all(one.ok for one in found)
    if given.json:
        body = {"ok": ready, "findings": [one.model_dump() for one in found]}
        return json.dumps(body, indent=1, ensure_ascii=False), 0 if ready else 1
    return text_of(found), 0 if ready else 1


def findings(given: argparse.Namespace) -> Iterator[Finding]:
    """Site, Airflow, ledger and watchers, in the order in which they are set up."""
    site: Site | None = None
    try:
        site = open_site(given.config)
        yield good("configuration", f"{site.organization}, {site.zone}, {len(site.jobs)} jobs")
    except ConfigurationError as error:
        yield bad("configuration", "the site's files cannot be used", str(error))
    beside: Airflow | None = None
    try:
        beside = airflow_beside()
    except ConfigurationError as error:
        yield bad("Airflow", "connections and DAGs were not looked at", str(error))
    if site is None:
        return
    if beside is not None:
        try:
            beside.speak_for(site.organization)
        except ConfigurationError as error:
            yield bad("organization", f"jobs.yaml says {site.organization}", str(error))
            return
        yield from beside.findings(site)
    try:
        witness: Witness | None = None
        if given.ledger or beside is None:
            ledger = open_ledger(given.ledger, site.organization).ledger
        else:
            ledger, witness = beside.open_ledger(), beside.witness()
        yield from ledger_findings(site, ledger, datetime.now(UTC), witness=witness)
        yield from _of_the_variable(site, ledger)
    except ReconciliationError as error:
        yield bad(
            "ledger",
            str(error),
            'Unpause guard_repairs, which begins one, then adopt it: adopt --why "first start".',
        )


def _of_the_variable(site: Site, ledger: Ledger) -> Iterator[Finding]:
    """The other commands go by the variable: then it must lead to the ledger that was looked at."""
    url = os.environ.get(LEDGER_VARIABLE)
    if not url:
        return
    todo = f"Unset {LEDGER_VARIABLE}: without it every command asks Airflow."
    try:
        other = open_ledger(None, site.organization).ledger
    except ReconciliationError as error:
        yield bad(LEDGER_VARIABLE, str(error), todo)
        return
    if other.identity.uuid == ledger.identity.uuid:
        yield good(LEDGER_VARIABLE, "leads to this ledger")
    else:
        name = f"{other.identity.uuid} at {other.address}"
        yield bad(
            LEDGER_VARIABLE, f"leads to another ledger, {name}: what is said to that, nobody hears", todo
        )
