"""The base of every part of an incident: frozen, and closed to keys that nobody wrote down."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Service = Literal["sending", "dashboard", "tessitura"]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
