"""``scripts/bench``: measures, prints one table, and fails where something that must be reached is missed."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.bench.table import Row, printed

BENCHES = ("parse", "core", "claims", "budget", "nightly", "watch")
"""In the order in which they run: each is a module with ``run() -> list[Row]``."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure against peers (docs/speed.md)."
    )
    parser.add_argument("bench", nargs="?", default="all", choices=(*BENCHES, "all"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    for name in BENCHES if options.bench == "all" else (options.bench,):
        began = time.monotonic()
        # only what is asked for is imported: parse and core must not pay for Airflow
        rows += importlib.import_module(f"tests.bench.{name}").run()
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(printed(rows))
    if options.json is not None:
        made = [{**asdict(row), "ratio": row.ratio} for row in rows]
        options.json.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    missed = [row for row in rows if row.met is False]
    for row in missed:
        print(f"missed: {row.bench}, {row.what}: must be {row.must}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
