"""One evening that nobody has touched yet, and one that was reconciled."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.incident.overview.looking import Looking


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


@pytest.fixture(scope="module")
def reconciled(tmp_path_factory: pytest.TempPathFactory) -> Looking:
    """The evening of the examples with all its items, everything approved. Nothing may be written to it."""
    found = Looking(tmp_path_factory.mktemp("reconciled"), "evening-outage")
    found.reconcile()
    return found
