"""Every invariant, broken on purpose: a few lines of the code replaced, and the test that then has to fail.

A test that stays green while its invariant is broken proves nothing; ``test_invariants.py`` tries each of those in
``broken_claims``, ``broken_looks`` and ``broken_bounds`` in a copy of the project (``scripts/test chaos``). It fails by
a list that has gone stale: the lines it replaces must stand in the code exactly once.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = "include/pro2_reconciliation"
GATE = (
    "tests/chaos/test_gates.py::test_what_is_closed_lets_nothing_through_and_opened_it_goes_on"
    "[{}-the next dag run]"
)
"""The id of one cell of the short form: gate, chain, step."""
COPIED = (
    "include",
    "plugins",
    "dags",
    "config",
    "tests",
    "docs",
    "pyproject.toml",
    "requirements.txt",
    ".astro",
)

INVARIANTS = {
    1: "Intent before effect",
    2: "At most once",
    3: "A fresh look before every step",
    4: "Fail closed",
    5: "The plan is the dry run",
    6: "Bounded",
    7: "One budget",
    8: "Nothing lost",
    9: "No guard, no send",
    10: "An empty ledger is no permission",
    11: "Absence is evidence only from a fresh, whole source",
}
"""Number to name (docs/architecture.md)."""


@dataclass(frozen=True)
class Breakage:
    """One way to break an invariant: ``old`` becomes ``new`` in ``file``, and ``test`` (a pytest id) must fail."""

    invariant: int
    what: str
    file: str
    old: str
    new: str
    test: str

    @property
    def path(self) -> Path:
        return ROOT / self.file

    @property
    def module(self) -> str:
        """The test module, without the test's own name."""
        return self.test.partition("::")[0]

    def stands_once(self) -> bool:
        return self.path.read_text(encoding="utf-8").count(self.old) == 1

    def fails_its_test(self, folder: Path) -> tuple[bool, str]:
        """Break a copy of the project in ``folder``; whether the test failed there, and what it printed."""
        for name in COPIED:
            source = ROOT / name
            ignored = shutil.ignore_patterns("__pycache__", ".mypy_cache", ".hypothesis")
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=ignored)
            elif source.exists():
                shutil.copy(source, folder / name)
        broken = folder / self.file
        text = broken.read_text(encoding="utf-8")
        broken.write_text(text.replace(self.old, self.new), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", self.test]
        paths = f"{folder / 'include'}:{folder / 'plugins'}"
        done = subprocess.run(
            command,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=300,
        )
        # 1 is "a test failed"; anything else (nothing collected, a syntax error) proves nothing
        return done.returncode == 1, done.stdout[-3000:] + done.stderr[-1000:]


def table(breakages: Sequence[Breakage]) -> str:
    """The table of docs/reliability.md: invariant, what is broken, the test that fails then."""
    lines = ["| no. | invariant | broken on purpose | test that fails then |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {b.invariant} | {INVARIANTS[b.invariant]} | {b.what} (`{b.file}`) | `{b.test}` |"
        for b in sorted(breakages, key=lambda b: b.invariant)
    ]
    return "\n".join(lines)
