"""What the tests of more than one room need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile

import pytest

from pro2_reconciliation.ledger import Ledger

MADE = datetime(2026, 11, 1, tzinfo=UTC)
"""Before anything that a test is about."""


@pytest.fixture(scope="session")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which nothing happened yet, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("new") / "ledger.db"
    Ledger.open(f"sqlite:///{path}", clock=lambda: MADE).close()
    return path


@pytest.fixture
def open_ledger(new_ledger: Path, tmp_path: Path) -> Callable[[Callable[[], datetime]], Ledger]:
    """Opens the test's own new ledger with the clock that is given."""

    def opened(clock: Callable[[], datetime]) -> Ledger:
        path = tmp_path / "ledger.db"
        copyfile(new_ledger, path)
        return Ledger.open(f"sqlite:///{path}", clock=clock)

    return opened
