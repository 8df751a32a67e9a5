"""What people read of time."""

from __future__ import annotations

import pytest

from pro2_reconciliation.domain.localtime import lasting


@pytest.mark.parametrize(("seconds", "said"), [(22, "22 s"), (60, "1 min"), (2700, "45 min")])
def test_a_length_is_said_in_seconds_or_minutes(seconds: float, said: str) -> None:
    assert lasting(seconds) == said
