"""Watch every unsettled item of an inventory with ONE poll: list of campaigns, Activity Log, Console.

All triggers of a dag run share a stream (``BaseEventTrigger.shared_stream_key``); each ends its own task with the
observation as XCom, so no worker is started to resume it. A failed poll is tolerated: the item keeps its last
observation, and at its absolute deadline it is "still pending", which is not a failure. Nothing is sent here but
reads, and there is no ``on_kill``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TaskSuccessEvent, TriggerEvent
from asgiref.sync import sync_to_async


class WatchTrigger(BaseEventTrigger):
    """``item``: a WatchItem as JSON; ``inventory``: the inventory's id in the ledger; connection ids for the poll."""

    def __init__(
        self, *, item: dict[str, Any], inventory: str, pro2_conn_id: str, dashboard_conn_id: str
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.item = item
        self.inventory = inventory
        self.pro2_conn_id = pro2_conn_id
        self.dashboard_conn_id = dashboard_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "pro2.triggers.watch.WatchTrigger",
            {
                "item": self.item,
                "inventory": self.inventory,
                "pro2_conn_id": self.pro2_conn_id,
                "dashboard_conn_id": self.dashboard_conn_id,
            },
        )

    def shared_stream_key(self) -> Hashable:
        return ("pro2-watch", self.inventory, self.pro2_conn_id, self.dashboard_conn_id)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Poll for ever. Each event: ``at``, ``seen`` (item key to Observation), ``waived`` keys, ``errors``."""
        from pro2.accounts import open_ledger, open_site
        from pro2.hooks.asynchronous import DashboardAsyncHook, Pro2AsyncHook
        from pro2_reconciliation.domain.errors import LedgerUnavailable
        from pro2_reconciliation.repair.observing import Observer

        site = await sync_to_async(open_site)()
        ledger = await sync_to_async(open_ledger)()
        inventory = await sync_to_async(ledger.inventory)(kwargs["inventory"])
        observer = Observer.of(site, inventory)
        waived: set[str] = set()
        async with (
            Pro2AsyncHook(kwargs["pro2_conn_id"]) as pro2,
            DashboardAsyncHook(kwargs["dashboard_conn_id"]) as dashboard,
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
                except (
                    LedgerUnavailable
                ) as error:  # all items would lose their watch over a database's restart
                    errors = (*errors, str(error))
                yield {"at": snapshot.read_at, "seen": seen, "waived": waived, "errors": errors}
                await asyncio.sleep(site.policy.poll_seconds)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """End with this item's observation once it settled, was waived, or its deadline passed."""
        from pro2_reconciliation.domain.inventory import WatchItem
        from pro2_reconciliation.repair.observing import verdict

        item = WatchItem.model_validate(self.item)
        told: tuple[str, ...] = ()
        async for event in shared_stream:
            if event["errors"] and event["errors"] != told:
                told = event["errors"]
                self.log.warning(
                    "«%s» (%s): a poll failed and will be repeated: %s", item.name, item.item_id, told
                )
            seen = event["seen"].get(item.key)
            ended = verdict(item, seen, datetime.now(UTC), waived=item.key in event["waived"])
            if ended is not None:
                self.log.info(
                    "«%s» (%s) was seen: %s%s",
                    item.name,
                    item.item_id,
                    ended.state,
                    ", still pending when watching ended" if ended.still_pending else "",
                )
                yield TaskSuccessEvent(xcoms={"return_value": ended.model_dump(mode="json")})
                return

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """The unshared way: the same stream for this item alone."""
        stream = self.open_shared_stream(self.serialize()[1])
        try:
            async for event in self.filter_shared_stream(stream):
                yield event
        finally:
            await stream.aclose()  # type: ignore[attr-defined]


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
