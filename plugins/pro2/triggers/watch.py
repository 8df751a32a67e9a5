"""Watch every unsettled item of an inventory with ONE poll: list of campaigns, Activity Log, Console.

All triggers of a dag run share a stream (``BaseEventTrigger.shared_stream_key``); each ends its own task with the
observation as XCom, so no worker is started to resume it. A failed poll is tolerated: the item keeps its last
observation, and at its absolute deadline it is "still pending", which is not a failure. Nothing is sent here but
reads, and there is no ``on_kill``.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Hashable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async

from pro2.organization import named, of_id, speak_for

if TYPE_CHECKING:
    from pro2_reconciliation.domain.inventory import Inventory, WatchItem


MOST_OBSERVERS = 16
"""So many dag runs are remembered by one triggerer."""
_OBSERVERS: dict[tuple[str, datetime], Any] = {}


class _SharedPoll(BaseEventTrigger):
    """What all watching triggers of a dag run have in common. ``inventory``: its id in the ledger, the dag run's.

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

    @abstractmethod
    def _item(self, inventory: Inventory) -> WatchItem:
        """The item that it watches."""

    def _kwargs(self) -> dict[str, Any]:
        mine = self._organization
        return {
            "inventory": self.inventory,
            "pro2_conn_id": self.pro2_conn_id,
            "dashboard_conn_id": self.dashboard_conn_id,
            **({"organization": mine} if mine else {}),
        }

    @property
    def _organization(self) -> str:
        mine = getattr(self.task_instance, "dag_id", "")
        return self.organization or of_id(str(mine or ""))

    def shared_stream_key(self) -> Hashable:
        return (
            "pro2-watch",
            self._organization,
            self.inventory,
            self.pro2_conn_id,
            self.dashboard_conn_id,
        )

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Poll for ever. Each event: ``inventory``, ``at``, ``seen`` (item key to Observation), ``waived`` keys,
        ``errors``.
        """
        from pro2.accounts import open_ledger
        from pro2.hooks.asynchronous import DashboardAsyncHook, Pro2AsyncHook
        from pro2.organization import open_site
        from pro2_reconciliation.domain.errors import LedgerUnavailable
        from pro2_reconciliation.repair.observing import Observer

        speak_for(kwargs.get("organization", ""))
        site = await sync_to_async(open_site)()
        ledger = await sync_to_async(open_ledger)()
        inventory = await sync_to_async(ledger.inventory)(kwargs["inventory"])
        # a stream ends with its last subscriber; one that opens again must not forget what stood still how long
        # (an inventory that was taken anew has other items)
        taken = (kwargs["inventory"], inventory.taken_at)
        observer = _OBSERVERS.setdefault(taken, Observer.of(site, inventory))
        while len(_OBSERVERS) > MOST_OBSERVERS:
            del _OBSERVERS[next(iter(_OBSERVERS))]
        waived: set[str] = set()
        async with (
            Pro2AsyncHook(named(kwargs["pro2_conn_id"])) as pro2,
            DashboardAsyncHook(named(kwargs["dashboard_conn_id"])) as dashboard,
        ):
            while True:
                snapshot = await _poll(site, inventory, pro2, dashboard)
                seen = await asyncio.to_thread(observer.observe, snapshot)
                errors = snapshot.errors
                try:
                    found = await asyncio.to_thread(
                        ledger.waivers, inventory.organization, inventory.taken_at
                    )
                    waived = set(found)
                except LedgerUnavailable as error:  # all would lose their watch over a database's restart
                    errors = (*errors, str(error))
                yield {
                    "inventory": inventory,
                    "at": snapshot.read_at,
                    "seen": seen,
                    "waived": waived,
                    "errors": errors,
                }
                await asyncio.sleep(site.policy.poll_seconds)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """End with this item's observation once it settled, was waived, or its deadline passed."""
        from pro2_reconciliation.domain.localtime import local
        from pro2_reconciliation.domain.oneline import one_line
        from pro2_reconciliation.repair.observing import verdict
        from pro2_reconciliation.repair.telling import Heartbeat, named, state_of, watched

        told, failed = Heartbeat(), Heartbeat()
        async for event in shared_stream:
            now, item = datetime.now(UTC), self._item(event["inventory"])
            name = named(item.name, item.item_id)
            if event["errors"] and (said := failed.news("; ".join(event["errors"]), now)):
                self.log.warning("%s: a look failed, and is repeated: %s", name, one_line(said))
            found = event["seen"].get(item.key)
            ended = verdict(item, found, now, waived=item.key in event["waived"])
            if ended is not None:
                self.log.info("%s: %s", name, watched(ended, item.zone))
                yield TaskSuccessEvent(xcoms={"return_value": ended.model_dump(mode="json")})
                return
            # the time of a look is no news
            if found is not None and (said := told.news(state_of(found), now)):
                self.log.info("%s: was seen %s, %s", name, said, local(found.seen_at, item.zone))

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


async def _poll(site: Any, inventory: Any, pro2: Any, dashboard: Any) -> Any:
    from pro2_reconciliation.domain.errors import RequestError
    from pro2_reconciliation.repair.observing import Snapshot, watch_span
    from pro2_reconciliation.wire import campaigns

    edge, since = watch_span(inventory, site)
    now = datetime.now(UTC)
    parts: dict[str, Any] = {}
    errors: list[str] = []
    wanted: dict[str, Callable[[], Any]] = {
        "campaigns": lambda: pro2.fetch(campaigns.scheduled_since(edge)) if inventory.readings else None,
        "log": lambda: dashboard.activity(since, now),
        "console": lambda: dashboard.console(),
    }
    for name, read in wanted.items():
        try:
            reading = read()
            parts[name] = await reading if reading is not None else None
        except RequestError as error:
            errors.append(str(error))
    listed = parts.get("campaigns")
    return Snapshot(
        read_at=datetime.now(UTC),
        campaigns=tuple(listed) if listed is not None else None,
        log=parts.get("log"),
        console=parts.get("console"),
        errors=tuple(errors),
    )
