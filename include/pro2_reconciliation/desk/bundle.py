"""The support bundle of one item as a file: ``python -m pro2_reconciliation bundle campaign:103 --out 103.zip``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pro2_reconciliation.desk.out import new_place
from pro2_reconciliation.desk.place import with_ledger
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.ledger import Ledger


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    bundle = commands.add_parser("bundle", help="a zip about one item, for the vendor or for support")
    bundle.add_argument("item", help="a key such as campaign:103 or occurrence:j-211@2026-11-24T17:25:00Z")
    bundle.add_argument(
        "--out", required=True, metavar="FILE", help="the zip; one that is there is not overwritten"
    )
    bundle.set_defaults(do=with_ledger(_bundle))


def _bundle(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    """Write the file; returns a sentence. Raises ``ReconciliationError``."""
    from pro2_reconciliation.overview.bundle import make_bundle

    content = make_bundle(ledger, site, given.item)
    path = Path(given.out)
    with new_place(path), path.open("xb") as file:
        path.chmod(0o600)
        file.write(content)
    size = f"{len(content) / 1024:.0f} KiB"
    return f"{path} ({size}) tells of {given.item}; message-to-vendor.txt in it is ready to be sent. Read it first"
