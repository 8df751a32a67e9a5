"""The watch of all items of a dag run: what its next poll has to read, who has ended, and when to look again.

It reads for those that are still watched and for nobody else: the list of campaigns and the Activity Log from the
oldest of them on, and neither where nobody waits for it. While nothing changes it looks less often, so that a long
wait does not spend the account's requests; a change, a failed poll, a deadline, or the time at which a counter has
stood still for long enough brings it back (ADR 12). Pure: it is told the time and what was read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.inventory import Inventory, WatchItem
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.repair.observing import Observer, Snapshot, verdict, watch_span

SLOWEST = timedelta(minutes=2)
"""The longest pause between two polls, unless the policy's own is longer. Far below ``observing.GAP``."""
PATIENCE = 4
"""The pause is the time in which nothing changed, divided by this: what changes is noticed a quarter late at most."""
AT_ONCE = 1.0
"""Seconds until a poll that is due by now."""


class Span(NamedTuple):
    """What one poll reads: the campaigns due from ``campaigns`` on, the Activity Log (and the Console) from ``log``
    on; None: nobody waits for that."""

    campaigns: datetime | None
    log: datetime | None


class Watch:
    """``left``: what is still watched, by item key. ``ended``: the observation that each of the others ended with."""

    def __init__(self, site: Site, inventory: Inventory, *, observer: Observer | None = None) -> None:
        self.inventory = inventory
        self.observer = observer or Observer.of(site, inventory)
        self.left: dict[str, WatchItem] = {item.key: item for item in inventory.watch}
        self.ended: dict[str, Observation] = {}
        self._site = site
        self._poll_again = timedelta(seconds=site.policy.poll_seconds)
        self._signs: dict[str, object] = {}
        self._changed_at: datetime | None = None
        self._failed = False
        self._waived: Collection[str] = ()

    def span(self) -> Span:
        """What the next poll has to read for those that are left."""
        edge, since = watch_span(self.inventory, self._site, self.left)
        kinds = {item.kind for item in self.left.values()}
        return Span(
            edge if ItemKind.CAMPAIGN in kinds else None, since if ItemKind.OCCURRENCE in kinds else None
        )

    def take(self, snapshot: Snapshot, waived: Collection[str], now: datetime) -> Mapping[str, Observation]:
        """What is known of every item after one more poll; whose watch it ends is no longer ``left``."""
        seen = self.observer.observe(snapshot)
        self._failed, self._waived = bool(snapshot.errors), waived
        signs = {key: _sign(seen.get(key)) for key in self.left}
        if self._changed_at is None or any(signs[key] != self._signs.get(key) for key in signs):
            self._changed_at = now
        self._signs = signs
        for key, item in list(self.left.items()):
            ended = verdict(item, seen.get(key), now, waived=key in waived)
            if ended is not None:
                self.ended[key] = ended
                del self.left[key]
        return seen

    def pause(self, now: datetime) -> float:
        """Seconds until the next poll."""
        if self._failed or self._changed_at is None or not self.left:
            wait = self._poll_again
        else:
            wait = max(self._poll_again, min(SLOWEST, (now - self._changed_at) / PATIENCE))
        ends = [item.deadline for item in self.left.values()]
        ends += [item.not_before for key, item in self.left.items() if key in self._waived]
        ends += [judged for key in self.left if (judged := self.observer.judged_at(key)) is not None]
        coming = [end - now for end in ends if end > now]
        return max(min([wait, *coming]).total_seconds(), AT_ONCE)


def _sign(seen: Observation | None) -> object:
    """What of an observation shows that something goes on: another time at which it was read does not."""
    if seen is None:
        return None
    campaign = seen.reading.campaign if seen.reading else None
    sent = campaign.send_amt if campaign else None
    return seen.state, seen.note, sent, seen.console.progress if seen.console else None
