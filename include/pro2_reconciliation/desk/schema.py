"""The JSON schema of one of a site's files, for an editor: ``python -m pro2_reconciliation schema policy``."""

from __future__ import annotations

import argparse
import json
from typing import Any

from pro2_reconciliation.domain.schema import SCHEMAS, schema_of


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of the desk."""
    schema = commands.add_parser("schema", help="the JSON schema of a file")
    schema.add_argument("name", choices=SCHEMAS)
    schema.set_defaults(do=_schema)


def _schema(given: argparse.Namespace) -> str:
    """The schema as JSON text."""
    return json.dumps(schema_of(given.name), indent=2, ensure_ascii=False)
