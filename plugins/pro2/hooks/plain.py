"""One look at a public address: a status and nothing more. No connection, no secret, no redirect followed."""

from __future__ import annotations

import requests

from pro2.hooks import failures
from pro2.hooks.carrying import HeaderAuth
from pro2_reconciliation.wire.exchange import Reply, Request


class PlainHook:
    """A ``Transport`` for a probe's ``url``; ``timeout`` in seconds."""

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self.timeout = timeout

    def carry(self, request: Request) -> Reply:
        """GET the address. Raises ``NeverSent`` or ``Unreadable`` where no answer came."""
        try:
            response = requests.get(self.url, timeout=self.timeout, allow_redirects=False, auth=HeaderAuth())
        except requests.RequestException as error:
            why = failures.requests_never_sent(error)
            if why is not None:
                raise failures.never_sent(request, self.url, why) from error
            slow = isinstance(error, requests.Timeout)
            told = f"no answer within {self.timeout:g} s" if slow else "the connection broke off"
            raise failures.lost(request, self.url, told) from error
        return Reply(response.status_code, dict(response.headers), "")
