"""What every value of the domain shares: frozen, closed, and every time in UTC.

A model refuses unknown keys and naive times, so a mistake at an edge fails there and not in a decision.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _as_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(
            f"{value.isoformat()} has no time zone; give an offset such as 2026-11-24T18:00:00-06:00"
        )
    return value.astimezone(UTC)


UtcTime = Annotated[datetime, AfterValidator(_as_utc)]
"""An aware time, kept in UTC."""


class Value(BaseModel):
    """A frozen value object; ``model_dump(mode="json")`` is what travels through XCom and the ledger."""

    model_config = ConfigDict(frozen=True, extra="forbid")
