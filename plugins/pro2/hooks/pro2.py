"""ActiveCampaign's API behind Pro2: v3 and v1 of one account, paced for all processes together."""

from __future__ import annotations

import requests

from pro2.connection_types import PRO2
from pro2.hooks.carrying import CarryingHook, HeaderAuth
from pro2.hooks.pacing import Pacer
from pro2.hooks.settings import Settings
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.wire.exchange import Request
from pro2_reconciliation.wire.probe import request_for


class Pro2Hook(CarryingHook):
    """Connection type ``pro2``.

    ``host``: the API URL of the account; ``password``: its key, sent as the header ``Api-Token``; extra:
    ``read_only`` (true unless it says otherwise), ``timeout`` in seconds (20), ``pace_ms`` (270; 0: no
    pacing).
    """

    conn_name_attr = "pro2_conn_id"
    default_conn_name = "pro2_default"
    conn_type = PRO2
    hook_name = "Pro2 (ActiveCampaign)"

    def __init__(self, pro2_conn_id: str = default_conn_name, *, pacer: Pacer | None = None) -> None:
        super().__init__(pro2_conn_id, pacer=pacer)
        self.pro2_conn_id = pro2_conn_id

    def authentication(self, settings: Settings) -> requests.auth.AuthBase:
        return HeaderAuth("Api-Token", settings.secret)

    def test_request(self) -> Request:
        return request_for(Service.SENDING)

    def _adapted(self, settings: Settings) -> Settings:
        if self.pacer is None and settings.pace_ms:
            self.pacer = Pacer(settings.base_url, settings.pace_ms)
        return settings
