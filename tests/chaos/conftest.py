"""What several attacks begin from."""

from __future__ import annotations

import pytest
from tests.chaos.scenarios import Files


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """For all modules of the crash matrix: a scenario is prepared once in a process."""
    return Files(tmp_path_factory.mktemp("ledgers"))
