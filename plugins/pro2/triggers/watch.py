"""Watch every unsettled item of an account with ONE poll: list of campaigns, Activity Log, Console.

All triggers of an account share a stream (``BaseEventTrigger.shared_stream_key``), whichever dag run they are of; each
ends its own task with the observation as XCom, so no worker is started to resume it. A failed poll is tolerated: the
item keeps its last observation, and at its absolute deadline it is "still pending", which is not a failure. Nothing is
sent here but reads, and there is no ``on_kill``.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async

from pro2.organization import named, of_id, speak_for

if TYPE_CHECKING:
    from pro2_reconciliation.domain.inventory import Inventory, WatchItem


MOST_OBSERVERS = 16
"""So many dag runs are remembered by one triggerer."""
_OBSERVERS: dict[tuple[str, str, datetime], Any] = {}


@dataclass
class _Party:
    """The dag runs that take part in the poll of an account: how many triggers of each, and what it watches."""

    triggers: Counter[str] = field(default_factory=Counter)
    watches: dict[str, Any] = field(default_factory=dict)

    def leave(self, name: str) -> None:
        """With its last trigger goes its watch: its next one may be of an inventory that was taken anew."""
        self.triggers[name] -= 1
        if self.triggers[name] <= 0:
            del self.triggers[name]
            self.watches.pop(name, None)


_PARTIES: dict[Hashable, _Party] = {}


class _SharedPoll(BaseEventTrigger):
    """What all watching triggers of an account have in common. ``inventory``: its id in the ledger, the dag run's.

    ``organization``: of which it is, where there are several; one that starts in the triggerer learns it from its DAG.
    """

    def __init__(
        self, *, inventory: str, pro2_conn_id: str, dashboard_conn_id: str, organization: str = ""
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.organization = organization
        self.inventory = inventory
        self.pro2_conn_id = pro2_conn_id
        self.dashboard_conn_id = dashboard_conn_id
        self._told: Any = None

    @abstractmethod
    def _item(self, inventory: Inventory) -> WatchItem:
        """The item that it watches."""

    def _kwargs(self) -> dict[str, Any]:
        return {
            "inventory": self.inventory,
            "pro2_conn_id": self.pro2_conn_id,
            "dashboard_conn_id": self.dashboard_conn_id,
            "organization": self._organization,
        }

    @property
    def _organization(self) -> str:
        mine = getattr(self.task_instance, "dag_id", "")
        return self.organization or of_id(str(mine or ""))

    def shared_stream_key(self) -> Hashable:
        return _account_of(self._kwargs())

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[dict[str, dict[str, Any]]]:
        """Poll for ever, for every dag run that takes part. Each event: dag run to ``inventory``, ``at``, ``seen``
        (item key to Observation), ``waived`` keys, ``errors``.
        """
        from pro2.accounts import open_ledger
        from pro2.hooks.asynchronous import DashboardAsyncHook, Pro2AsyncHook
        from pro2.organization import open_site
        from pro2_reconciliation.domain.errors import LedgerUnavailable

        speak_for(kwargs["organization"])
        site = await sync_to_async(open_site)()
        ledger = await sync_to_async(open_ledger)()
        party = _PARTIES.setdefault(_account_of(kwargs), _Party())
        party.watches = {kwargs["inventory"]: await sync_to_async(_watch)(site, ledger, kwargs["inventory"])}
        waived: dict[str, frozenset[str]] = {}
        async with (
            Pro2AsyncHook(named(kwargs["pro2_conn_id"])) as pro2,
            DashboardAsyncHook(named(kwargs["dashboard_conn_id"])) as dashboard,
        ):
            while True:
                for name in party.triggers.keys() - party.watches.keys():
                    with contextlib.suppress(LedgerUnavailable):  # it is asked for again in the next round
                        party.watches[name] = await sync_to_async(_watch)(site, ledger, name)
                watches = dict(party.watches)
                snapshot = await _poll([watch.span() for watch in watches.values()], pro2, dashboard)
                events: dict[str, dict[str, Any]] = {}
                for name, watch in watches.items():
                    errors = snapshot.errors
                    try:
                        waived[name] = await asyncio.to_thread(_waived, ledger, watch)
                    except LedgerUnavailable as error:  # all would lose their watch over a database's restart
                        errors = (*errors, str(error))
                    known = waived.setdefault(name, frozenset())
                    seen = await asyncio.to_thread(watch.take, snapshot, known, datetime.now(UTC))
                    events[name] = {
                        "inventory": watch.inventory,
                        "at": snapshot.read_at,
                        "seen": seen,
                        "waived": known,
                        "errors": errors,
                    }
                yield events
                await _nap(site.policy.poll_seconds, watches, waived, ledger, party)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """End with this item's observation once it settled, was waived, or its deadline passed."""
        party = _PARTIES.setdefault(self.shared_stream_key(), _Party())
        party.triggers[self.inventory] += 1
        try:
            async for events in shared_stream:
                ended = self._ended(events.get(self.inventory))
                if ended is not None:
                    yield TaskSuccessEvent(xcoms={"return_value": ended.model_dump(mode="json")})
                    return
        finally:
            party.leave(self.inventory)

    def _ended(self, event: dict[str, Any] | None) -> Any:
        """The observation that ends this item's watch, or None. ``event`` None: its dag run came too late for it."""
        from pro2_reconciliation.domain.localtime import local
        from pro2_reconciliation.domain.oneline import one_line
        from pro2_reconciliation.repair.observing import verdict
        from pro2_reconciliation.repair.telling import Heartbeat, named, state_of, watched

        if event is None:
            return None
        if self._told is None:
            self._told = Heartbeat(), Heartbeat()
        told, failed = self._told
        now, item = datetime.now(UTC), self._item(event["inventory"])
        name = named(item.name, item.item_id)
        if event["errors"] and (said := failed.news("; ".join(event["errors"]), now)):
            self.log.warning("%s: a look failed, and is repeated: %s", name, one_line(said))
        found = event["seen"].get(item.key)
        ended = verdict(item, found, now, waived=item.key in event["waived"])
        if ended is not None:
            self.log.info("%s: %s", name, watched(ended, item.zone))
        # the time of a look is no news
        elif found is not None and (said := told.news(state_of(found), now)):
            self.log.info("%s: was seen %s, %s", name, said, local(found.seen_at, item.zone))
        return ended

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """The unshared way: the same stream for this item alone."""
        stream = self.open_shared_stream(self.serialize()[1])
        try:
            async for event in self.filter_shared_stream(stream):
                yield event
        finally:
            await stream.aclose()  # type: ignore[attr-defined]


class WatchTrigger(_SharedPoll):
    """Watches ``item``, a WatchItem as JSON, which a sensor on a worker handed over."""

    def __init__(self, *, item: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.item = item

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return ("pro2.triggers.watch.WatchTrigger", {"item": self.item, **self._kwargs()})

    def _item(self, inventory: Inventory) -> WatchItem:
        from pro2_reconciliation.domain.inventory import WatchItem

        return WatchItem.model_validate(self.item)


class LeanTrigger(_SharedPoll):
    """Watches the item at ``place`` of the inventory's list; no worker ever had it."""

    def __init__(self, *, place: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.place = place

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return ("pro2.triggers.watch.LeanTrigger", {"place": self.place, **self._kwargs()})

    def _item(self, inventory: Inventory) -> WatchItem:
        return inventory.watch[int(self.place)]


def _account_of(kwargs: Mapping[str, Any]) -> Hashable:
    """What the poll depends on: two dag runs about one account share it."""
    return ("pro2-watch", kwargs["organization"], kwargs["pro2_conn_id"], kwargs["dashboard_conn_id"])


def _watch(site: Any, ledger: Any, name: str) -> Any:
    """The watch of a dag run, with what was seen when its triggers were here before."""
    from pro2_reconciliation.repair.observing import Observer
    from pro2_reconciliation.repair.watching import Watch

    inventory = ledger.inventory(name)
    # a stream ends with its last subscriber; one that opens again must not forget what stood still how long
    # (an inventory that was taken anew has other items)
    taken = (inventory.organization, name, inventory.taken_at)
    observer = _OBSERVERS.setdefault(taken, Observer.of(site, inventory))
    while len(_OBSERVERS) > MOST_OBSERVERS:
        del _OBSERVERS[next(iter(_OBSERVERS))]
    return Watch(site, inventory, observer=observer)


def _waived(ledger: Any, watch: Any) -> frozenset[str]:
    return frozenset(ledger.waivers(watch.inventory.organization, watch.inventory.taken_at))


async def _nap(
    most: float, watches: Mapping[str, Any], waived: Mapping[str, Any], ledger: Any, party: _Party
) -> None:
    """Wait for the next poll, ``most`` seconds at a time: a waiver or another dag run ends a long wait."""
    from pro2_reconciliation.domain.errors import LedgerUnavailable

    now = datetime.now(UTC)
    left = min((watch.pause(now) for watch in watches.values()), default=most)
    while left > 0:
        await asyncio.sleep(min(left, most))
        left -= most
        if left > 0:
            if party.triggers.keys() - party.watches.keys():
                return
            with contextlib.suppress(LedgerUnavailable):
                for name, watch in watches.items():
                    if await asyncio.to_thread(_waived, ledger, watch) != waived.get(name):
                        return


async def _poll(spans: Sequence[Any], pro2: Any, dashboard: Any) -> Any:
    """One look for all: from the earliest time that anybody needs, and nothing that nobody needs."""
    from pro2_reconciliation.domain.errors import RequestError
    from pro2_reconciliation.repair.observing import Snapshot
    from pro2_reconciliation.wire import campaigns

    edge = min((span.campaigns for span in spans if span.campaigns), default=None)
    since = min((span.log for span in spans if span.log), default=None)
    now = datetime.now(UTC)
    parts: dict[str, Any] = {}
    errors: list[str] = []
    wanted: dict[str, Callable[[], Any]] = {}
    if edge is not None:
        wanted["campaigns"] = lambda: pro2.fetch(campaigns.scheduled_since(edge))
    if since is not None:
        wanted |= {"log": lambda: dashboard.activity(since, now), "console": dashboard.console}
    for name, read in wanted.items():
        try:
            parts[name] = await read()
        except RequestError as error:
            errors.append(str(error))
    listed = parts.get("campaigns")
    return Snapshot(
        read_at=datetime.now(UTC),
        campaigns=tuple(listed) if listed is not None else None,
        log=parts.get("log"),
        console=parts.get("console"),
        errors=tuple(errors),
        log_from=since,
    )
