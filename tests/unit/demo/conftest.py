"""Values of the demo, short enough to read in a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pro2_sandbox.demo.reports import Item


@pytest.fixture
def item() -> Callable[..., Item]:
    def make(id: str = "103", **changes: Any) -> Item:
        values = {
            "kind": "occurrence" if "@" in id else "campaign",
            "id": id,
            "name": "Opening night",
            "rule": "R3",
            "observation": "scheduled, still pending",
            "decision": "resend",
            "outcome": "verified",
        }
        return Item(**{**values, **changes})

    return make
