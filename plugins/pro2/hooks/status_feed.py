"""A public status page in the format of Statuspage v2; it needs no secret and changes nothing."""

from __future__ import annotations

from dataclasses import replace

from pro2.connection_types import STATUS_FEED
from pro2.hooks.carrying import CarryingHook
from pro2.hooks.settings import Settings
from pro2_reconciliation.wire.exchange import Request
from pro2_reconciliation.wire.statuspage import FOLDER


class StatusFeedHook(CarryingHook):
    """Connection type ``status_feed``.

    ``host``: the page, its JSON lies under ``api/v2``; extra: ``timeout`` in seconds (20).
    """

    conn_name_attr = "status_feed_conn_id"
    default_conn_name = "status_feed_default"
    conn_type = STATUS_FEED
    hook_name = "Status feed (Statuspage v2)"
    has_secret = False

    def __init__(self, status_feed_conn_id: str = default_conn_name) -> None:
        super().__init__(status_feed_conn_id)
        self.status_feed_conn_id = status_feed_conn_id

    def test_request(self) -> Request:
        return Request("GET", f"{FOLDER}/incidents.json")

    def _adapted(self, settings: Settings) -> Settings:
        return replace(settings, read_only=True)
