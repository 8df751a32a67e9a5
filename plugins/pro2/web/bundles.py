"""The support bundle of an item for a browser: ``/bundles/KEY`` is a zip, for whoever may look at the page.

It holds nothing that the page does not show, and besides what looks like a secret, the passwords of our connections
are taken out. Fails with 404 in a sentence for an item that the ledger has never seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastapi import APIRouter, HTTPException, Response

from pro2.accounts import DASHBOARD, LEDGER, PRO2, TESSITURA
from pro2.organization import named
from pro2.web.opened import Opened
from pro2_reconciliation.domain.errors import LedgerError, LedgerUnavailable

ANY_SECRET = (PRO2, DASHBOARD, TESSITURA, LEDGER)
"""The connections whose passwords are looked for."""


def bundle_routes(opened: Opened) -> APIRouter:
    """``/bundles/{key}``."""
    router = APIRouter()

    @router.get("/bundles/{key:path}")
    def bundle(key: str) -> Response:
        from pro2_reconciliation.overview.bundle import make_bundle

        try:
            body = make_bundle(opened.ledger(), opened.site(), key, known_secrets=known_secrets())
        except LedgerUnavailable:
            raise
        except LedgerError as error:
            raise HTTPException(404, str(error)) from error
        name = re.sub(r"[^0-9A-Za-z._-]", "_", key)
        headers = {"content-disposition": f'attachment; filename="bundle-{name}.zip"'}
        return Response(body, media_type="application/zip", headers=headers)

    return router


def known_secrets() -> Iterator[str]:
    """The passwords of this organization's connections, as far as they are there and can be read."""
    from airflow.sdk import BaseHook

    for name in ANY_SECRET:
        try:
            secret = BaseHook.get_connection(named(name)).password
        except Exception:  # noqa: S112 (not there, or a backend that is away: the scrubber goes by shapes then)
            continue
        if secret:
            yield secret
