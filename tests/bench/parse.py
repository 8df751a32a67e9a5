"""What parsing a DAG file costs: against an empty DAG file with the same imports of Airflow, in fresh interpreters.

Also what parsing touches. A file is parsed by every task process, so its cost is paid again and again.
"""

from __future__ import annotations

import ast
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Row

ROOT = Path(__file__).resolve().parents[2]
OURS = (ROOT / "plugins", ROOT / "include")
DAG_FILES = tuple(sorted((ROOT / "dags").glob("*.py")))
MOST_SECONDS = 0.2
PAIRS = 5

TIMED = """
import runpy, sys, time
began = time.process_time()
runpy.run_path(sys.argv[1])
print(time.process_time() - began)
"""
WATCHED = """
import json, runpy, sys
runpy.run_path(sys.argv[1])
seen = []
def hook(event, args):
    if event == "open":
        seen.append([event, str(args[0])])
    elif event.partition(".")[0] in ("socket", "sqlite3", "subprocess", "urllib", "ftplib", "smtplib"):
        seen.append([event, repr(args)])
sys.addaudithook(hook)
for file in sys.argv[2:]:
    runpy.run_path(file)
print(json.dumps(seen))
"""
"""First the empty file, so that only what a DAG file adds is seen; a hook cannot be taken away again."""


def empty_beside(file: Path) -> str:
    """A DAG file with what ``file`` imports from Airflow, by itself or by modules of ours, and an empty DAG.

    An operator of ours that is one of Airflow's needs that one's module, as every DAG does that uses it.
    """
    imports = "\n".join(dict.fromkeys(_airflow_imports(file, set())))
    return f"from __future__ import annotations\n{imports}\nfrom airflow.sdk import DAG\nDAG('empty', schedule=None)\n"


def _airflow_imports(file: Path, seen: set[Path]) -> Iterator[str]:
    """The import statements of Airflow that run when a file is imported, our own modules followed."""
    seen.add(file)
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        if node.module.partition(".")[0] == "airflow":
            yield ast.unparse(node)
        names = [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
        for path in (root / f"{name.replace('.', '/')}.py" for root in OURS for name in names):
            if path.is_file() and path not in seen:
                yield from _airflow_imports(path, seen)


def seconds(file: Path) -> float:
    """CPU seconds to run a file in a fresh interpreter, without the start of that.

    Parsing waits for nothing, so on a quiet machine it takes as long; on another one this is what can be compared.
    """
    return float(_python(TIMED, file))


def touched(files: tuple[Path, ...] = DAG_FILES) -> list[tuple[str, str]]:
    """(audit event, what) for each file opened outside the repository and the installed Python, for every connection,
    database and process, while these files are parsed.
    """
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text("from airflow.sdk import DAG\nDAG('empty', schedule=None)\n", encoding="utf-8")
        seen = json.loads(_python(WATCHED, empty, *files))
    homes = tuple(str(home) + "/" for home in {ROOT, Path(sys.prefix), Path(sys.base_prefix)})
    fine = (*homes, os.devnull)
    return [(event, what) for event, what in seen if event != "open" or not what.startswith(fine)]


def run(pairs: int = PAIRS) -> list[Row]:
    """One row for each DAG file: the median of ``pairs`` alternating runs of it and of its empty peer."""
    rows = []
    for file in DAG_FILES:
        with tempfile.TemporaryDirectory() as folder:
            empty = Path(folder) / "empty.py"
            empty.write_text(empty_beside(file), encoding="utf-8")
            seconds(file), seconds(empty)  # compiled and in the page cache
            both = [(seconds(file), seconds(empty)) for _ in range(pairs)]
        ours, peer = (statistics.median(column) for column in zip(*both, strict=True))
        met = ours - peer <= MOST_SECONDS
        rows.append(
            Row(
                "parse",
                file.name,
                ours,
                peer,
                unit="CPU s",
                per="ours/peer",
                must=f"at most {MOST_SECONDS:g} s more",
                met=met,
                runs=pairs,
            )
        )
    found = touched()
    must = "no network, database, process, or file elsewhere"
    return [*rows, Row("parse", "touched outside", len(found), unit="things", must=must, met=not found)]


def _python(code: str, *arguments: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        raise RuntimeError(f"parsing {', '.join(map(str, arguments))} failed:\n{done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]
