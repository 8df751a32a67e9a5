"""Who should hold a tag and does not, and who holds it and should not: plain sets of contact ids.

In: A, those who should (holders of the import's unique tag), and B, those who do (holders of the sync tag). Out: the
difference. Adding is A - B; removing is B - A, and only for a sync that removes at all (rule R14, domain facts 1.3).
A million ids on each side take about a second (measured in ``tests/unit/domain/test_drift.py``).
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

Mode = Literal["add_only", "add_and_remove"]


@dataclass(frozen=True)
class Drift:
    """Contact ids to add the sync tag to and to remove it from; ``should`` and ``have`` are the sizes of A and B."""

    sync_tag_id: str
    unique_tag_id: str
    should: int
    have: int
    to_add: frozenset[str]
    to_remove: frozenset[str]

    @property
    def removal_share(self) -> float:
        """The part of today's holders, 0 to 1, that would lose the tag."""
        return len(self.to_remove) / max(self.have, 1)


def drift_between(
    should: Set[str], have: Set[str], mode: Mode, *, sync_tag_id: str = "", unique_tag_id: str = ""
) -> Drift:
    """Compare A (``should``) with B (``have``). An add-only sync never removes: B - A is normal there."""
    return Drift(
        sync_tag_id=sync_tag_id,
        unique_tag_id=unique_tag_id,
        should=len(should),
        have=len(have),
        to_add=frozenset(should - have),
        to_remove=frozenset(have - should) if mode == "add_and_remove" else frozenset(),
    )
