"""``scripts/bench``: measures, prints one table, and fails where something that must be reached is missed."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path

from tests.bench.table import Row, printed

BENCHES = ("budget", "organizations", "parse", "core", "claims", "nightly", "watch")
"""In the order in which they run, what is counted before what is timed; each a module with ``run() -> list[Row]``."""
QUIET = 0.5
"""Of each core, the load up to which seconds of two runs can be compared."""


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 0 if everything was reached, 1 if not, 2 for a bench that does not exist."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure against peers (docs/speed.md)."
    )
    parser.add_argument(
        "bench", nargs="?", default="all", metavar="BENCH", help=f"{', '.join(BENCHES)}, or all of them"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    options = parser.parse_args(arguments)
    if options.bench not in (*BENCHES, "all"):
        parser.error(f"there is no bench {options.bench!r}; there are {', '.join(BENCHES)}, and all")
    print(machine(), file=sys.stderr, flush=True)
    rows: list[Row] = []
    for name in BENCHES if options.bench == "all" else (options.bench,):
        print(f"{name}: begins", file=sys.stderr, flush=True)
        began = time.monotonic()
        found = _rows_of(name)
        rows += found
        # whoever stops a long run has what was measured by then
        print(f"{printed(found)}\n{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(printed(rows))
    if options.json is not None:
        made = [{**asdict(row), "ratio": row.ratio} for row in rows]
        options.json.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    missed = [row for row in rows if row.met is False]
    for row in missed:
        print(f"missed: {row.bench}, {row.what}: must be {row.must}", file=sys.stderr)
    return 1 if missed else 0


def _rows_of(name: str) -> list[Row]:
    """The rows of one bench; of one that fails a row that says so, because the others' must not be lost."""
    try:
        # only what is asked for is imported: parse and core must not pay for Airflow
        found: list[Row] = importlib.import_module(f"tests.bench.{name}").run()
    except Exception as error:  # whatever it is, the next bench does not depend on it
        traceback.print_exc()
        said = (str(error).splitlines() or [""])[0][:80]
        return [
            Row(name, f"failed: {type(error).__name__}: {said}", 0, unit="rows", must="to end", met=False)
        ]
    return found


def machine() -> str:
    """What this runs on, and a warning where others use it as well."""
    cores, (load, *_) = os.cpu_count() or 1, os.getloadavg()
    told = f"machine: {cores} cores, Python {platform.python_version()}, load {load:.1f} at the start"
    if load > QUIET * cores:
        told += "; that is busy: seconds waver, so stop what else runs before you compare them"
    return told


if __name__ == "__main__":
    sys.exit(main())
