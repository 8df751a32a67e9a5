"""The ledger as files: ``export --out FOLDER [--csv]``, one file a table, as JSON lines or CSV.

Writes into a new folder that only its owner may read; one that is there is left alone. No address of a patron stands
in the ledger, and no secret. Fails with one sentence.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from pro2_reconciliation.domain.cells import BYTE_ORDER_MARK, as_table
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.ledger import Ledger

COMMANDS = frozenset({"export"})


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    export = commands.add_parser("export", help="the whole ledger as files")
    export.add_argument(
        "--out", required=True, metavar="FOLDER", help="a new folder; one that is there is left alone"
    )
    export.add_argument(
        "--csv", action="store_true", help="CSV instead of JSON lines; what is nested is JSON text"
    )


def do(given: argparse.Namespace, ledger: Ledger) -> str:
    """Write the files; returns a sentence. Raises ``ReconciliationError``."""
    folder, tables, total = Path(given.out), 0, 0
    try:
        folder.mkdir(mode=0o700)
        for name, columns, rows in ledger.tables():
            path = folder / f"{name}.{'csv' if given.csv else 'jsonl'}"
            with path.open("x", encoding="utf-8", newline="") as file:
                total += _as_csv(file, columns, rows) if given.csv else _as_lines(file, rows)
            tables += 1
    except FileExistsError:
        raise ReconciliationError(f"{folder} is there already; give another folder by --out") from None
    except OSError as error:
        raise ReconciliationError(
            f"{folder} cannot be written ({error.strerror}); give another place"
        ) from None
    done = "What is done in Pro2 stays in Pro2; nothing was changed"
    return f"{folder} holds {tables} tables with {total:,} rows. {done}"


def _as_lines(file: TextIO, rows: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _as_csv(file: TextIO, columns: list[str], rows: Iterable[Mapping[str, Any]]) -> int:
    file.write(BYTE_ORDER_MARK + as_table([columns]))
    count = 0
    for row in rows:
        file.write(as_table([[_cell(row[column]) for column in columns]]))
        count += 1
    return count


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
