"""A public status page in the format of Statuspage v2; it needs no secret and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pro2.connection_types import STATUS_FEED
from pro2.hooks.carrying import CarryingHook
from pro2.hooks.checkup import Look
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

    def looks(self) -> Iterator[Look]:
        yield Look(
            Request("GET", f"{FOLDER}/incidents.json"),
            "a status page (Statuspage v2)",
            lambda body: isinstance(body, dict) and isinstance(body.get("incidents"), list),
            dict.fromkeys((401, 403), "The page wants a login; give the address of a public status page."),
            f"the address of the status page itself; its JSON lies below it, under {FOLDER}",
        )

    def remarks(self, answers: list[Any]) -> list[str]:
        """How much the page tells, so that a person sees whether it is the right one."""
        return [f"Incidents on the page: {len(answers[0]['incidents'])}."]

    def _adapted(self, settings: Settings) -> Settings:
        return replace(settings, read_only=True, acts=False)
