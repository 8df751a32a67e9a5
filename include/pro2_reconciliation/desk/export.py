"""The ledger as files: ``export --out FOLDER [--csv]``, one file a table, as JSON lines or CSV.

Writes into a new folder that only its owner may read; one that is there is left alone. No address of a patron stands
in the ledger, and no secret. Fails with one sentence.
"""

from __future__ import annotations

import argparse
import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from pro2_reconciliation.desk.out import new_place
from pro2_reconciliation.desk.place import with_ledger
from pro2_reconciliation.domain.cells import as_text
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.ledger import Ledger


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    export = commands.add_parser("export", help="the whole ledger as files")
    export.add_argument(
        "--out", required=True, metavar="FOLDER", help="a new folder; one that is there is left alone"
    )
    export.add_argument(
        "--csv", action="store_true", help="CSV instead of JSON lines; what is nested is JSON text"
    )
    export.set_defaults(do=with_ledger(_export))


def _export(given: argparse.Namespace, ledger: Ledger, site: Site) -> str:
    """Write the files; returns a sentence. Raises ``ReconciliationError``."""
    folder = Path(given.out)
    tables = ledger.tables()
    with new_place(folder, "folder"):
        folder.mkdir(mode=0o700)
        for name, table in tables.items():
            if given.csv:
                table.map(_cell).to_csv(
                    folder / f"{name}.csv", index=False, quoting=csv.QUOTE_ALL, encoding="utf-8-sig"
                )
            else:
                table.to_json(
                    folder / f"{name}.jsonl",
                    orient="records",
                    lines=True,
                    force_ascii=False,
                    date_format="iso",
                    date_unit="us",
                )
    rows = sum(map(len, tables.values()))
    done = "What is done in Pro2 stays in Pro2; nothing was changed"
    return f"{folder} holds {len(tables)} tables with {rows:,} rows. {done}"


def _cell(value: Any) -> str:
    """As text that no spreadsheet calculates; what is nested as JSON, what is missing empty."""
    from pandas import isna

    if isinstance(value, list | dict):
        return as_text(json.dumps(value, ensure_ascii=False))
    if isna(value):
        return ""
    return value.isoformat() if isinstance(value, datetime) else as_text(str(value))
