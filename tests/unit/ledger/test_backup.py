"""A backup of a ledger in a file, made and restored as docs/ledger.md says."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.unit.ledger.test_witness import Kept

from pro2_reconciliation.ledger import ActionRecord, Ledger, Machine, State, remember, why_plan_only

HERE = Machine("host-1")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "ledger.md"
BACKUP, RESTORE = re.findall(r"```\n((?:sqlite3|mkdir) .*?)```", PAGE.read_text(), flags=re.S)
"""The commands of the page, as they stand there."""


def run(commands: str, folder: Path) -> None:
    subprocess.run(["bash", "-euc", commands], cwd=folder, check=True, timeout=30)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/reconciliation_ledger.db"


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="sqlite3, the shell of SQLite, is not installed")
def test_a_file_that_is_restored_allows_plans_only_until_it_is_adopted(
    ledger: Ledger,
    url: str,
    register: Callable[..., ActionRecord],
    drive: Any,
    clock: Any,
    tmp_path: Path,
) -> None:
    """What stands in the write-ahead log only is in the copy as well: so it is not made by copying the file."""
    witness = Kept()
    ledger.adopt("Ada", "first start", HERE)
    first = register("campaign:103")
    remember(ledger, witness, "UTC", HERE)
    run(BACKUP, tmp_path)

    drive(register("campaign:104").steps[0], State.DONE)
    remember(ledger, witness, "UTC", HERE)
    run(RESTORE, tmp_path)  # while the page still has the old one open

    restored = Ledger.open(url, clock=clock, create=False)
    assert [action.id for action in every_action(restored)] == [first.id]
    told = why_plan_only(restored, witness, "UTC", HERE)
    assert told is not None
    assert "is older than what was done" in told
    clock.pass_seconds(60)
    restored.adopt("Ada", "the disk is lost; looked in Pro2 at 104", HERE)
    assert why_plan_only(restored, witness, "UTC", HERE) is None
    ledger.close()  # takes no write-ahead log with it but its own
    restored.close()
    again = Ledger.open(url, clock=clock, create=False)
    assert [one.why for one in again.adoptions()] == [
        "first start",
        "the disk is lost; looked in Pro2 at 104",
    ]
    again.close()
