"""The account's rate limit: so many requests in a sliding second, shared by v3 and v1."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta

SECOND = timedelta(seconds=1)


class RateLimit:
    """``per_second`` None: no limit (for tests in process)."""

    def __init__(self, per_second: int | None) -> None:
        self.per_second = per_second
        self._admitted: deque[datetime] = deque()

    def admit(self, at: datetime) -> int | None:
        """None: go ahead. Otherwise the whole seconds to wait, for Retry-After."""
        while self._admitted and self._admitted[0] <= at - SECOND:
            self._admitted.popleft()
        if self.per_second is not None and len(self._admitted) >= self.per_second:
            return max(1, math.ceil((self._admitted[0] + SECOND - at).total_seconds()))
        self._admitted.append(at)
        return None

    def headers(self) -> dict[str, str]:
        if self.per_second is None:
            return {}
        left = max(0, self.per_second - len(self._admitted))
        return {"RateLimit-Limit": str(self.per_second), "RateLimit-Remaining": str(left)}
