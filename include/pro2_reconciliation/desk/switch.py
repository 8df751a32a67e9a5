"""The kill switch at a desk: ``switch off|schedules|everything --why``."""

from __future__ import annotations

import argparse
from typing import Any

from pro2_reconciliation.desk.place import with_ledger
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.ledger import Ledger, Stage
from pro2_reconciliation.overview import commands as say


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    switch = commands.add_parser("switch", help="the kill switch")
    switch.add_argument("stage", choices=[stage.value for stage in Stage])
    switch.add_argument("--why", required=True)
    switch.set_defaults(do=with_ledger(_switch))


def _switch(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    return say.switch(ledger, site.organization, site.zone, given.stage, who=given.who, why=given.why)
