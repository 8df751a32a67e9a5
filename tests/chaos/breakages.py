"""Every invariant, broken on purpose: a few lines of the code replaced, and the test that then has to fail.

A test that stays green while its invariant is broken proves nothing; ``test_invariants.py`` tries each of these in a
copy of the project (``scripts/test chaos``). It fails by a list that has gone stale: the lines it replaces must stand
in the code exactly once. ``python -m tests.chaos.breakages`` prints the table of docs/reliability.md.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = "include/pro2_reconciliation"
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


BREAKAGES = (
    Breakage(
        1,
        "a living lease counts as free",
        f"{CORE}/ledger/steps.py",
        "alive = lease is not None and lease.expires_at > now",
        "alive = False",
        "tests/unit/ledger/test_claims.py",
    ),
    Breakage(
        1,
        "a lost lease is not noticed",
        f"{CORE}/ledger/steps.py",
        "if lease is None or lease.token != claim.token:",
        "if lease is None:",
        "tests/unit/ledger/test_claims.py",
    ),
    Breakage(
        2,
        "a lost answer counts as never sent",
        f"{CORE}/repair/steps.py",
        "ledger.move(step.id, State.AMBIGUOUS, who=who, why=str(error), claim=claim)\n        return _adopt(",
        "ledger.move(step.id, State.NOT_DONE, who=who, why=str(error), claim=claim)\n"
        "        return carry_out(account, plan, action.id, step.verb) if True else _adopt(",
        "tests/incident/test_faults_and_gates.py",
    ),
    Breakage(
        3,
        "copies that others made are not looked for",
        f"{CORE}/repair/checks.py",
        "    problem = _siblings(account, plan, original, own)\n",
        "    problem = None\n",
        "tests/incident/test_people_and_copies.py",
    ),
    Breakage(
        3,
        "a campaign that was edited since the question is sent as it is now",
        f"{CORE}/repair/checks.py",
        "if fingerprint_of(original, action.remedy).digest != action.fingerprint:",
        "if not original:",
        "tests/incident/test_people_and_copies.py",
    ),
    Breakage(
        4,
        "a status that nobody knows counts as scheduled",
        f"{CORE}/wire/campaigns.py",
        "STATUSES.get(status, CampaignStatus.UNKNOWN)",
        "STATUSES.get(status, CampaignStatus.SCHEDULED)",
        "tests/unit/wire/test_parsers.py",
    ),
    Breakage(
        4,
        "a report that could not be read counts as zero",
        f"{CORE}/domain/campaigns.py",
        "if self.campaign is None or self.report is None:\n            return False\n"
        "        return not any(self.campaign.counters.values()) and not any(self.report.counters.values())",
        "if self.campaign is None:\n            return False\n"
        "        return not any(self.campaign.counters.values()) and not (\n"
        "            self.report and any(self.report.counters.values())\n        )",
        "tests/unit/domain/test_decide_campaigns.py",
    ),
    Breakage(
        5,
        "mode plan clears like mode ask",
        f"{CORE}/repair/clearing.py",
        "if mode is Mode.PLAN:",
        "if mode is None:",
        "tests/incident/test_faults_and_gates.py::test_an_answered_plan_still_clears_nothing_in_mode_plan",
    ),
    Breakage(
        6,
        "the kill switch is not read",
        f"{CORE}/repair/gates.py",
        "if switch.stage is not Stage.EVERYTHING:",
        "if True:",
        "tests/incident/test_faults_and_gates.py",
    ),
    Breakage(
        6,
        "send_by is not looked at before the send",
        f"{CORE}/repair/checks.py",
        "if account.now() >= (decision.send_by or account.policy.send_by(original)):",
        "if False:",
        "tests/incident/test_faults_and_gates.py",
    ),
    Breakage(
        8,
        "a report with items that did not end passes",
        f"{CORE}/repair/report.py",
        "    if report.failures:\n",
        "    if not report:\n",
        "tests/unit/pro2/test_reporting.py",
    ),
    Breakage(
        9,
        "any heartbeat is young enough",
        f"{CORE}/repair/gates.py",
        "if beat is not None and account.now() - beat <= _heartbeat(account):",
        "if True:",
        "tests/incident/test_faults_and_gates.py",
    ),
    Breakage(
        11,
        "a deadline that passed while nobody looked counts as a look",
        f"{CORE}/repair/observing.py",
        "    lately = seen is not None and now - seen.seen_at <= GAP\n",
        "    lately = seen is not None\n",
        "tests/unit/repair/test_observing.py",
    ),
    Breakage(
        11,
        "a log that ends before the due time is taken for whole",
        f"{CORE}/domain/jobs.py",
        "return self.as_of >= moment",
        "return True",
        "tests/unit/domain/test_decide_occurrences.py",
    ),
    Breakage(
        1,
        "a worker that was stopped sends when it wakes after its lease",
        f"{CORE}/wire/deadline.py",
        "return self._now() >= self._end or self._monotonic() >= self._ticks",
        "return False",
        "tests/chaos/test_slow_worker.py::"
        "test_one_that_wakes_while_the_other_still_waits_does_not_send_into_its_wait",
    ),
    Breakage(
        1,
        "who takes a step over sends instead of reading",
        f"{CORE}/repair/steps.py",
        "if claim.state in (State.INTENDED, State.AMBIGUOUS):",
        "if False:",
        "tests/chaos/test_crash_matrix.py",
    ),
    Breakage(
        7,
        "ten permits are given where one is due",
        "plugins/pro2/hooks/permits.py",
        "        self._rates = [Rate(1, pace_ms)]\n        try:",
        "        self._rates = [Rate(10, pace_ms)]\n        try:",
        "tests/unit/hooks/test_pacing.py",
    ),
    Breakage(
        7,
        "a hook sends without a permit",
        "plugins/pro2/hooks/carrying.py",
        "            self.pacer.wait()\n",
        "            pass\n",
        "tests/unit/hooks/test_pacing.py",
    ),
    Breakage(
        10,
        "a ledger that nobody adopted may be acted on",
        f"{CORE}/ledger/witness.py",
        "if identity.adopted_at is None:",
        "if False:",
        "tests/unit/ledger/test_witness.py",
    ),
    Breakage(
        10,
        "a file of another host may be acted on",
        f"{CORE}/ledger/witness.py",
        "if ledger.in_a_file and not here.shares_with(identity.host, identity.boot):",
        "if False:",
        "tests/unit/ledger/test_witness.py",
    ),
)


def table() -> str:
    """The table of docs/reliability.md: invariant, what is broken, the test that fails then."""
    lines = ["| no. | invariant | broken on purpose | test that fails then |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {b.invariant} | {INVARIANTS[b.invariant]} | {b.what} (`{b.file}`) | `{b.test}` |"
        for b in sorted(BREAKAGES, key=lambda b: b.invariant)
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
