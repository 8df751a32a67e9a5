"""A backup of a ledger in a file, made and restored as docs/ledger.md says."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.claims import every_action
from tests.unit.ledger.test_witness import Kept

from pro2_reconciliation.ledger import ActionRecord, Ledger, Machine, State, remember, why_plan_only

HERE = Machine("host-1")


def test_a_file_that_is_restored_allows_plans_only_until_it_is_adopted(
    ledger: Ledger,
    url: str,
    register: Callable[..., ActionRecord],
    drive: Any,
    clock: Any,
    tmp_path: Path,
) -> None:
    """What stands in the write-ahead log only is in the copy as well: so it is not made by copying the file."""
    witness, file, copy = Kept(), Path(url.removeprefix("sqlite:///")), tmp_path / "copy.db"
    ledger.adopt("Ada", "first start", HERE)
    first = register("campaign:103")
    remember(ledger, witness, "UTC", HERE)
    with (
        contextlib.closing(sqlite3.connect(file)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)  # what ".backup" of the sqlite3 shell does

    drive(register("campaign:104").steps[0], State.DONE)
    remember(ledger, witness, "UTC", HERE)
    ledger.close()
    for beside in ("-wal", "-shm"):
        Path(f"{file}{beside}").unlink(missing_ok=True)
    copy.replace(file)

    restored = Ledger.open(url, clock=clock, create=False)
    assert [action.id for action in every_action(restored)] == [first.id]
    told = why_plan_only(restored, witness, "UTC", HERE)
    assert told is not None
    assert "is older than what was done" in told
    clock.pass_seconds(60)
    restored.adopt("Ada", "the disk is lost; looked in Pro2 at 104", HERE)
    assert why_plan_only(restored, witness, "UTC", HERE) is None
    restored.close()
