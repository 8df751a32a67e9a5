"""Connections that look at the clock once more, right before the first byte of a request leaves.

Between the last check of a lease and the socket lie the pace, the lookup of a name, connecting and TLS: a process
can be stopped in any of them for as long as it takes. What is left is the moment between the look and the write.
"""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pro2_reconciliation.domain.errors import Ambiguous, TooLate
from pro2_reconciliation.wire.deadline import require_time


class _Punctual:
    """Before each write: is there still time? Raises ``TooLate``, or ``Ambiguous`` in the middle of a request."""

    sock: Any
    _method: str | None
    _begun = False

    def putrequest(self, *given: Any, **named: Any) -> None:
        self._begun = False
        super().putrequest(*given, **named)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        try:
            require_time(f"the {self._method or ''} request")
        except TooLate as error:
            if self._begun:
                raise Ambiguous(f"the request broke off in the middle: {error}") from error
            raise
        self._begun = True
        super().send(data)  # type: ignore[misc]


class _Connection(_Punctual, HTTPConnection):
    pass


class _SecureConnection(_Punctual, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class PunctualAdapter(HTTPAdapter):
    """Mount it for mutating requests; see ``pro2_reconciliation.wire.deadline``."""

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
